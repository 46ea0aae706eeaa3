import FleetModel
import Foundation
import NIOSSL
import PKI
import Synchronization
import Timing

/// How Slipway asks one cluster's components how they are: TLS towards each kind of them.
public struct ProbeIdentity: Sendable {
    /// Towards etcd: verified with the etcd CA, and with a client certificate, without which etcd answers nothing.
    public var etcd: TLSConfiguration
    /// Towards API servers: verified with the cluster CA, and without credentials, since `/readyz` asks for none.
    public var apiServer: TLSConfiguration
}

/// The probes' identities, at hand: every probe of a cluster shares one, and with it the connections that it opened.
///
/// Certificates live for a day and are made anew after two thirds of it. They are never written anywhere.
public final class ProbeIdentities: Sendable {
    private struct Entry {
        var identity: ProbeIdentity
        var madeAt: Date
        var use: CredentialUse
    }

    private let credentials: CredentialStore
    private let time: TimeSource
    /// By the cluster's unique id: a cluster made again under its old name has other authorities.
    private let known = Mutex<[String: Entry]>([:])

    private static let lifetime: TimeInterval = 86_400
    private static let renewal: TimeInterval = lifetime * 2 / 3

    public init(credentials: CredentialStore, time: TimeSource) {
        self.credentials = credentials
        self.time = time
    }

    /// - Throws: `FleetError` (`credentials`), `PKIError`; `StoreError` when the cluster's credentials are not at hand and the
    ///   store does not answer.
    public func identity(of cluster: Cluster) async throws -> ProbeIdentity {
        let uid = cluster.metadata.uid
        let now = time.now
        let use = cluster.spec.credentialUse
        if let entry = known.withLock({ $0[uid] }), Self.isFresh(entry, now), entry.use == use { return entry.identity }
        let identity = try Self.make(try await credentials.credentials(of: cluster), now: now)
        known.withLock { known in
            // Those of clusters that are gone grow old and are forgotten here.
            known = known.filter { Self.isFresh($0.value, now) }
            known[uid] = Entry(identity: identity, madeAt: now, use: use)
        }
        return identity
    }

    private static func isFresh(_ entry: Entry, _ now: Date) -> Bool { (0..<renewal).contains(now.timeIntervalSince(entry.madeAt)) }

    static func make(_ credentials: ClusterCredentials, now: Date) throws -> ProbeIdentity {
        let client = try credentials.etcdClientCertificate(user: "slipway-probe", now: now, lifetime: lifetime)
        do {
            var etcd = TLSConfiguration.makeClientConfiguration()
            etcd.trustRoots = .certificates(try certificates(credentials.etcdTrust))
            etcd.certificateChain = try certificates(client.certificatePEM).map { .certificate($0) }
            etcd.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(client.privateKeyPEM.utf8), format: .pem))
            var apiServer = TLSConfiguration.makeClientConfiguration()
            apiServer.trustRoots = .certificates(try certificates(credentials.clusterTrust))
            return ProbeIdentity(etcd: etcd, apiServer: apiServer)
        } catch {
            throw FleetError(.credentials, "The cluster's certificates cannot be read.", cause: error)
        }
    }

    private static func certificates(_ pem: String) throws -> [NIOSSLCertificate] {
        try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8))
    }
}
