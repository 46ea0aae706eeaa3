import FleetModel
import Foundation

/// What was seen of a cluster whose secrets are encrypted.
public struct EncryptionObservation: Codable, Hashable, Sendable {
    /// All API servers run with what the present spec says, and are ready; none of before is left. Said by the status, of the very
    /// generation that the spec has.
    public var areServersCurrent: Bool
    /// Why not, for people.
    public var whyNot: String?
    /// The newest version of the cluster's key; nil when the key service does not say.
    public var newestKeyVersion: Int?
    /// Another change of the cluster is under way.
    public var isBusy: Bool
    /// Since the phase began; nil: long ago.
    public var phaseSeconds: Double?
    /// What etcd holds; only looked at where the phase asks for it.
    public var secrets: SecretCensus?
    /// When the last defragmentation of each wanted member of etcd began that succeeded; nil: none has.
    public var defragmentedAt: [String: Date?]

    public init(
        areServersCurrent: Bool, whyNot: String? = nil, newestKeyVersion: Int? = nil, isBusy: Bool = false, secrets: SecretCensus? = nil,
        defragmentedAt: [String: Date?] = [:]
    ) {
        self.areServersCurrent = areServersCurrent
        self.whyNot = whyNot
        self.newestKeyVersion = newestKeyVersion
        self.isBusy = isBusy
        self.secrets = secrets
        self.defragmentedAt = defragmentedAt
    }
}

/// What etcd holds of a cluster's secrets, as of one revision.
public struct SecretCensus: Codable, Hashable, Sendable {
    /// How many secrets there are.
    public var total: Int
    /// Of these, how many are not sealed with the target.
    public var others: Int
    /// etcd's, at which this was so.
    public var revision: Int64
    /// What was before that revision can be read no more.
    public var isHistoryGone: Bool

    public init(total: Int, others: Int, revision: Int64, isHistoryGone: Bool = false) {
        self.total = total
        self.others = others
        self.revision = revision
        self.isHistoryGone = isHistoryGone
    }
}

/// What to do next about a cluster's encryption.
public enum EncryptionStep: Codable, Hashable, Sendable {
    /// All is as wanted.
    case nothing
    case wait(Wait)
    /// The phase is over. `changesServers`: API servers get another configuration, so their revision rises with it.
    case enter(EncryptionPhase, changesServers: Bool)
    /// Has the API servers write anew what is not sealed with the target.
    case rewrite
    /// Makes etcd forget what was before this revision.
    case compact(Int64)
    /// The key has a newer version: everything is to be sealed with that.
    case rotate(to: Int)
}

/// From what is wanted and what was seen to the next step. Pure; no step is taken before all API servers are where the last one led.
///
/// The rule that it keeps: API servers of two neighbouring phases run side by side while one replaces the other, and each reads what
/// the other writes.
public struct EncryptionPlanner: Sendable {
    public init() {}

    /// Lists that are read page by page fail when etcd forgets the revision that they began with: so long, in seconds, those have that were
    /// begun before.
    public static let listPatience = 20.0

    public func step(_ intent: EncryptionIntent, _ seen: EncryptionObservation) -> EncryptionStep {
        switch intent.phase {
        case .readable: seen.areServersCurrent ? .enter(.writable, changesServers: true) : waitForServers(intent, seen)
        case .writable: seen.areServersCurrent ? .enter(.rewriting, changesServers: false) : waitForServers(intent, seen)
        case .rewriting: rewriting(seen)
        case .compacting(let revision): compacting(intent, revision, seen)
        case .defragmenting: defragmenting(intent, seen)
        case .retiring: seen.areServersCurrent ? .enter(.settled, changesServers: false) : waitForServers(intent, seen)
        case .settled: settled(intent, seen)
        }
    }

    /// What a rotation to `seal` makes of the intent.
    public func rotated(_ intent: EncryptionIntent, to seal: EncryptionSeal, updateID: String) -> EncryptionIntent {
        var new = intent
        new.older = [intent.target] + intent.older
        new.target = seal
        new.phase = .readable
        new.updateID = updateID
        return new
    }

    private func rewriting(_ seen: EncryptionObservation) -> EncryptionStep {
        guard let secrets = seen.secrets else { return Self.unseen }
        return secrets.others == 0 ? .enter(.compacting(secrets.revision), changesServers: false) : .rewrite
    }

    private func compacting(_ intent: EncryptionIntent, _ revision: Int64, _ seen: EncryptionObservation) -> EncryptionStep {
        guard let secrets = seen.secrets else { return Self.unseen }
        // Somebody put other data in etcd's place meanwhile.
        guard secrets.others == 0 else { return .enter(.rewriting, changesServers: false) }
        guard secrets.isHistoryGone else {
            guard seen.phaseSeconds.map({ $0 >= Self.listPatience }) ?? true else {
                return .wait(Wait("ListsEnd", "etcd forgets what was before when lists that were begun then have had time to end"))
            }
            return .compact(revision)
        }
        // What was sealed with another version of the key may stay in free pages: nobody can read it without that.
        return intent.plain == .values ? .enter(.defragmenting, changesServers: false) : withoutPlain(intent)
    }

    /// etcd's care does it, one member at a time.
    private func defragmenting(_ intent: EncryptionIntent, _ seen: EncryptionObservation) -> EncryptionStep {
        guard let since = intent.freshFilesSince else { return withoutPlain(intent) }
        let left = seen.defragmentedAt.filter { $0.value.map { $0 < since } ?? true }.keys.sorted()
        guard !left.isEmpty || seen.defragmentedAt.isEmpty else { return withoutPlain(intent) }
        return .wait(Wait("DefragmentationToCome", "\(left.joined(separator: ", ")) are still to be defragmented"))
    }

    private func withoutPlain(_ intent: EncryptionIntent) -> EncryptionStep {
        intent.older.isEmpty ? .enter(.settled, changesServers: false) : .enter(.retiring, changesServers: true)
    }

    private func settled(_ intent: EncryptionIntent, _ seen: EncryptionObservation) -> EncryptionStep {
        guard let newest = seen.newestKeyVersion, newest > intent.target.keyVersion else { return .nothing }
        guard !seen.isBusy else {
            return .wait(Wait("RotationLater", "version \(newest) of the key is taken up when the cluster's present change has ended"))
        }
        guard seen.areServersCurrent else { return waitForServers(intent, seen) }
        return .rotate(to: newest)
    }

    private func waitForServers(_ intent: EncryptionIntent, _ seen: EncryptionObservation) -> EncryptionStep {
        let why = seen.whyNot.map { " (\($0))" } ?? ""
        return .wait(Wait("EncryptionWaits", "not all API servers are where they are to be\(why): \(intent.phase.summary)"))
    }

    private static let unseen = EncryptionStep.wait(Wait("EtcdNotSeen", "etcd does not say what it holds"))
}
