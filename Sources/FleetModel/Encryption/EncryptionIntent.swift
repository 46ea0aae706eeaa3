import Foundation

/// That a cluster's secrets are encrypted in etcd, with which key, and how far the cluster is on its way there. Part of the cluster's
/// spec, so that whoever leads continues it.
///
/// What it says decides which configuration API servers get: whoever changes `phase` raises the configuration revision with it
/// when that changes what they are told (`apiServerProviders`).
public struct EncryptionIntent: Codable, Hashable, Sendable {
    /// `arn:aws:kms:REGION:ACCOUNT:key/UUID`
    public var keyARN: String
    /// As the EKS API says it; it knows `secrets` only.
    public var resources: [String]
    /// Keys are derived for it, so that what one cluster's API servers hold opens nothing of another's. The uid of the cluster that
    /// first had the data: a cluster that begins with another's backup keeps the other's.
    public var scope: String
    /// What everything is sealed with in the end.
    public var target: EncryptionSeal
    /// What some may still be sealed with, newest first.
    public var older: [EncryptionSeal]
    public var phase: EncryptionPhase
    /// When the phase began; nil: long ago.
    public var phaseSince: Date?
    /// Where secrets may still be found plain; nil: nowhere, they never were.
    public var plain: PlainRemains?
    /// The update that ends with `settled`.
    public var updateID: String?

    public init(
        keyARN: String, resources: [String] = EncryptionIntent.resources, scope: String, target: EncryptionSeal,
        older: [EncryptionSeal] = [], phase: EncryptionPhase, plain: PlainRemains? = nil,
        updateID: String? = nil
    ) {
        self.keyARN = keyARN
        self.resources = resources
        self.scope = scope
        self.target = target
        self.older = older
        self.phase = phase
        self.plain = plain
        self.updateID = updateID
    }

    public mutating func enter(_ phase: EncryptionPhase, at now: Date) {
        self.phase = phase
        phaseSince = now
    }

    /// What EKS lets be encrypted.
    public static let resources = ["secrets"]

    /// The UUID of the key's ARN.
    public var keyID: String { keyARN.split(separator: "/").last.map(String.init) ?? keyARN }

    /// In the order of the API server's configuration: the first writes, all read.
    public var apiServerProviders: [EncryptionProvider] {
        let old = older.map { EncryptionProvider.kms($0) }
        switch phase {
        // Nobody writes with the new key before all can read it.
        case .readable: return (old.isEmpty ? [.identity] : old) + [.kms(target)] + (old.isEmpty ? [] : [.identity])
        case .writable, .rewriting, .compacting, .defragmenting: return [.kms(target)] + old + [.identity]
        case .retiring, .settled: return [.kms(target), .identity]
        }
    }

    /// Database files that were last written anew before this are to be.
    public var freshFilesSince: Date? { if case .files(let date) = plain { date } else { nil } }

    /// The key versions that an API server needs now; the first seals.
    public var sealingOrder: [EncryptionSeal] {
        apiServerProviders.compactMap { provider in if case .kms(let seal) = provider { seal } else { nil } }
    }

    /// The same data as a backup holds it, which may be sealed with anything that the cluster had then: read with that, and sealed
    /// anew with what the cluster has now.
    /// - Parameter then: what the backup says of the cluster; nil: its secrets were plain.
    public func restored(from then: EncryptionIntent?) -> EncryptionIntent {
        var new = self
        // Another key's was given up before anything was sealed with it.
        let former = then.flatMap { $0.keyARN == keyARN ? [$0.target] + $0.older : nil } ?? []
        new.older = (older + former.filter { !older.contains($0) }).filter { $0 != target }
        new.phase = .writable
        // What was on its way then may have been plain.
        if then?.phase != .settled { new.plain = .values }
        return new
    }
}

/// Where secrets of before their encryption may still be found.
public enum PlainRemains: Codable, Hashable, Sendable {
    /// etcd may have plain values, or may show them as old revisions.
    case values
    /// It has none, since this time. Database files may that were last written anew before it; also of a member that is made anew
    /// later, since it repeats what the others' logs still hold.
    case files(before: Date)
}

/// One of the entries under `providers` of the API server's `EncryptionConfiguration`.
public enum EncryptionProvider: Codable, Hashable, Sendable {
    /// Plain.
    case identity
    case kms(EncryptionSeal)
}

/// What a secret is sealed with: a version of the key, by one of the two interfaces of KMS plugins.
public struct EncryptionSeal: Codable, Hashable, Sendable {
    public enum Interface: String, Codable, Hashable, Sendable, CaseIterable {
        case v1, v2
    }

    /// From 1.
    public var keyVersion: Int
    public var interface: Interface

    public init(keyVersion: Int, interface: Interface) {
        self.keyVersion = keyVersion
        self.interface = interface
    }

    /// What a Kubernetes version seals with. Version 2 is on by default since 1.27 (KEP-3299); version 1 goes on being read where it
    /// was written.
    public static func newest(keyVersion: Int, for version: KubernetesVersion) -> EncryptionSeal {
        EncryptionSeal(keyVersion: keyVersion, interface: version.minor >= 27 ? .v2 : .v1)
    }

    /// The provider's name in the API server's configuration, which becomes part of each stored value.
    public func providerName(of keyID: String) -> String { "slipway-\(keyID.prefix(8))-\(keyVersion)" }

    /// What a value in etcd begins with that is sealed so (k8s.io/apiserver, `pkg/server/options/encryptionconfig`).
    public func storedPrefix(of keyID: String) -> String { "k8s:enc:kms:\(interface.rawValue):\(providerName(of: keyID)):" }
}

/// How far a cluster is on the way to having everything sealed with the target. Each begins when the one before it is done on all
/// API servers, so that no API server ever meets what it cannot read.
public enum EncryptionPhase: Codable, Hashable, Sendable {
    /// All API servers learn to read what the target seals; they write as before.
    case readable
    /// All API servers write with the target.
    case writable
    /// What was written before is written anew.
    case rewriting
    /// Nothing else is left at this revision of etcd: it forgets what was before.
    case compacting(Int64)
    /// Each member's database file is written anew: what was plain goes from its free pages.
    case defragmenting
    /// All API servers lose the keys that are not needed any more.
    case retiring
    case settled

    /// One word.
    public var name: String {
        switch self {
        case .readable: "readable"
        case .writable: "writable"
        case .rewriting: "rewriting"
        case .compacting: "compacting"
        case .defragmenting: "defragmenting"
        case .retiring: "retiring"
        case .settled: "settled"
        }
    }

    /// For people.
    public var summary: String {
        switch self {
        case .readable: "the API servers learn to read what the key encrypts"
        case .writable: "the API servers begin to encrypt with the key"
        case .rewriting: "secrets that were written before are written anew"
        case .compacting: "etcd forgets what secrets were before"
        case .defragmenting: "what secrets were before goes from the free pages of etcd's database files"
        case .retiring: "the API servers let go of keys that are not needed any more"
        case .settled: "all secrets are encrypted with the key"
        }
    }
}
