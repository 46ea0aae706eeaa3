import ClusterService
import FleetModel
import FleetStore
import Foundation
import Hummingbird
import HummingbirdTesting
import Identity
import Logging
import OperatorAPI
import PKI
import SignatureV4
import SimulatedSubstrate
import SlipwayClient
import Testing
import Timing

/// A region's operator API over a store in memory, called by the real client over a real connection.
struct OperatorTestRegion: Sendable {
    let eks: EKSTestRegion
    let api: OperatorAPI
    let substrate: SimulatedSubstrate

    init() async throws {
        let eks = try await EKSTestRegion(time: .system)
        self.eks = eks
        let substrate = SimulatedSubstrate(time: eks.time)
        self.substrate = substrate
        let authority = try CertificateAuthority.make(commonName: "test", now: eks.time.now)
        api = OperatorAPI(
            region: eks.region, identity: eks.identity, clusters: eks.clusters,
            faults: Faults(clusters: eks.clusters, substrate: substrate, time: eks.time),
            backups: ClusterBackups(
                clusters: eks.clusters, store: eks.store, defaultPolicy: BackupPolicy(location: .directory("/var/lib/backups")),
                sealing: ReversedSealing(), revision: { _ in 1234 }, suffix: { "t3st" }, time: eks.time),
            administratorCertificate: { _, user in
                try CertificateIssuer(authority).issue(
                    CertificateRequest(commonName: user, organizations: ["system:masters"], usage: .client), now: eks.time.now)
            },
            store: eks.store, catalog: FixedCatalog(), keys: eks.keys, audit: eks.audit,
            describeRegion: {
                RegionDetail(
                    name: eks.region.name, zones: eks.region.zones.map(\.rawValue), accountID: eks.region.accountID, version: "test",
                    substrate: "simulated", addressPool: "100.66.0.0/16", leaders: ["a": nil])
            },
            time: eks.time, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// - Parameter body: gets a maker of clients, by credential.
    func serve(_ body: @escaping @Sendable (@Sendable (Credential) -> OperatorClient) async throws -> Void) async throws {
        let responder = CallbackResponder<BasicRequestContext> { request, _ in
            await api.respond(to: request, remoteAddress: "127.0.0.1", requestID: "test")
        }
        let application = Application(responder: responder, configuration: .init(address: .hostname("127.0.0.1", port: 0)))
        try await application.test(.live) { server in
            let port = try #require(server.port)
            try await body { credential in
                OperatorClient(
                    endpoint: "http://127.0.0.1:\(port)", region: eks.region.name,
                    credentials: ClientCredentials(accessKeyID: credential.accessKeyID, secretAccessKey: credential.secretAccessKey))
            }
        }
    }
}
