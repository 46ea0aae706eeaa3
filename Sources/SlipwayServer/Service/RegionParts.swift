import AsyncHTTPClient
import ClusterService
import Fleet
import FleetModel
import FleetStore
import Foundation
import Identity
import KeyRing
import LocalSubstrate
import Logging
import NIOCore
import NIOPosix
import PKI
import Releases
import ServiceLifecycle
import SimulatedSubstrate
import Simulation
import Substrate
import Timing

/// The parts that a region's service is made of.
struct RegionParts: Sendable {
    let configuration: RegionConfiguration
    let store: any FleetStore
    /// What must run for the store to answer.
    let services: [any Service]
    let box: SecretBox
    let identity: IdentityStore
    let audit: FileAuditLog
    let releases: ReleaseStore
    /// What clusters can be made of.
    let catalog: any ReleaseCatalog
    let substrate: any Substrate & FaultInjecting
    /// The substrate, when it is a simulated one: it also answers for the control planes that it pretends to run.
    let simulated: SimulatedSubstrate?
    let clusters: Clusters
    /// What clusters' secrets are encrypted with.
    let keys: any KeyService
    let http: HTTPClient
    /// For questions about health.
    let probing: HTTPClient
    /// For the zones' probes alone: answers are read when they come.
    let probeLoops: MultiThreadedEventLoopGroup
    let replica: ReplicaIdentity
    let authenticator: Artifact
    let time: TimeSource
    let logger: Logger

    /// - Throws: `ServerError`, `SubstrateError`, `ReleaseError`, `PKIError`: what is wrong with this machine or the configuration.
    static func make(_ configuration: RegionConfiguration, time: TimeSource, logger: Logger) async throws -> RegionParts {
        let (store, services) = try StoreConnection.make(configuration, time: time)
        let box = try SecretKeyFile(path: configuration.secretKeyFile).loadOrCreate()
        let releases = ReleaseStore(directory: configuration.releasesDirectory ?? ImportEnvironment().releasesDirectory, time: time)
        let simulated = configuration.substrate == .simulated ? SimulatedSubstrate(time: time) : nil
        let substrate: any Substrate & FaultInjecting =
            simulated
            ?? LocalSubstrate(
                configuration: configuration.localSubstrate, artifacts: ReleaseArtifacts(store: releases), time: time,
                logger: Logger(label: "slipway.local"))
        try await substrate.prepare()
        let readable = ReadableReleases(store: releases, logger: Logger(label: "slipway.releases"))
        try await check(releases, newest: try await readable.releases().first, logger)
        do { _ = try configuration.issuerAuthorities() } catch {
            // Clusters without identity providers are none the worse for it; others say it when an API server is made.
            logger.error("identity providers cannot be trusted", metadata: ["error": "\(error)"])
        }
        let files = RegionFiles(directory: configuration.dataDirectory)
        let replica = try ReplicaIdentity(
            path: files.replicaPath(port: configuration.embeddedStore == nil ? configuration.listen.port : nil))
        let authenticator =
            simulated == nil
            ? try OwnProgram.artifact(in: releases, record: "\(configuration.dataDirectory)/program.json") : SimulatedReleases.program
        let catalog: any ReleaseCatalog = simulated == nil ? readable : SimulatedReleases(imported: readable)
        let audit = try FileAuditLog(path: configuration.auditLog, logger: Logger(label: "slipway.audit"))
        let keys = LocalKeyRing(store: store, box: box, region: configuration.region, time: time)
        var client = HTTPClient.Configuration()
        client.timeout.connect = .seconds(2)
        client.connectionPool.idleTimeout = .seconds(30)
        var probing = client
        // A question that nobody answers in time takes its connection with it, so that a connection to a peer that is gone is never
        // asked again. Over HTTP/2 only the question would end.
        probing.httpVersion = .http1Only
        // What is refused is an answer.
        probing.connectionPool.retryConnectionEstablishment = false
        return RegionParts(
            configuration: configuration, store: store, services: services, box: box,
            identity: IdentityStore(
                store: store, sealing: BoxSealing(box: box), region: configuration.region, time: time,
                logger: Logger(label: "slipway.identity")),
            audit: audit, releases: releases, catalog: catalog,
            substrate: substrate, simulated: simulated,
            clusters: Clusters(
                region: configuration.region, cells: configuration.cells, addressPool: configuration.addressPool, store: store,
                catalog: catalog, keys: simulated == nil ? keys : nil, time: time, logger: Logger(label: "slipway.clusters")),
            keys: keys,
            http: HTTPClient(eventLoopGroupProvider: .singleton, configuration: client),
            probing: HTTPClient(eventLoopGroupProvider: .singleton, configuration: probing),
            probeLoops: MultiThreadedEventLoopGroup(numberOfThreads: 1),
            replica: replica,
            authenticator: authenticator, time: time,
            logger: logger)
    }

    /// Reads the newest release's programs once, so that the first cluster need not wait for their digests. A program that is
    /// not what it should be is said here, and refused when an instance wants to start it.
    private static func check(_ releases: ReleaseStore, newest: Release?, _ logger: Logger) async throws {
        guard let newest else { return }
        for problem in releases.problems(of: newest) {
            logger.error("a program is not what its release says", metadata: ["release": "\(newest.id)", "error": "\(problem)"])
        }
    }

    /// The controllers of a cell, as its leader runs them.
    func cellService(_ cell: CellName, store: any FleetStore, board: ServiceStateBoard, logger: Logger) -> CellService {
        if let simulated {
            return CellService(
                configuration: CellConfiguration(cell: cell, addressPool: configuration.addressPool, bootLimit: 64), store: store,
                substrate: simulated,
                probe: simulated, rendering: SimulatedRendering(), operations: SimulatedOperations(simulated), board: board,
                time: time, logger: logger)
        }
        let credentials = CredentialStore(store: store, box: box, time: time)
        let identities = ProbeIdentities(credentials: credentials, time: time)
        let operations = LiveControlPlaneOperations(
            client: http, credentials: credentials, requests: substrate as? any RequestHolding, time: time)
        let access = AccessPublisher(store: store, identity: identity, substrate: substrate, operations: operations)
        let rendering = ControlPlaneRendering(
            region: configuration.region, releases: catalog, credentials: credentials, access: access, substrate: substrate,
            authenticator: authenticator, keys: keys,
            issuerAuthorities: { [configuration] in try configuration.issuerAuthorities() }, time: time)
        let probe = HTTPHealthProbe(client: probing, identities: identities, time: time)
        let restores = restores(store: store)
        return CellService(
            configuration: CellConfiguration(cell: cell, addressPool: configuration.addressPool, bootLimit: bootLimit), store: store,
            substrate: substrate, probe: probe, rendering: rendering, operations: operations, access: access,
            etcd: etcdCare(credentials, identities), board: board, restores: restores,
            backups: backupService(cell, store: store, credentials: credentials, probe: probe, restores: restores, board: board),
            encryption: SecretEncryption(keys: keys, storage: LiveSecretStorage(operations: operations)),
            insights: LiveInsightLook(client: http, credentials: credentials, time: time),
            rotation: LiveCredentialRotation(credentials: credentials, operations: operations), time: time, logger: logger)
    }

    /// Looks after zones, as the cell's leader does.
    func zoneService(_ cell: CellName, store: any FleetStore, board: ServiceStateBoard, logger: Logger) -> ZoneService {
        let (zoneProbe, backends): (any ZoneProbing, (any BackendChecking)?) =
            if let simulated {
                (SimulatedZoneProbe(simulated, time: time), nil)
            } else {
                (
                    LiveZoneProbe(
                        loop: probeLoops.next(),
                        identities: ProbeIdentities(credentials: CredentialStore(store: store, box: box, time: time), time: time),
                        client: probing, time: time), substrate as? any BackendChecking
                )
            }
        return ZoneService(
            configuration: ZoneServiceConfiguration(region: configuration.region, cell: cell), store: store, probe: zoneProbe,
            backends: backends, board: board, time: time, logger: logger)
    }

    /// Everything of `local` runs on this host's cores. A start waits for a third of its time (for elections, leases and checks), so
    /// half as many again as there are cores keep them busy.
    private var bootLimit: Int {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        return cores + (cores + 1) / 2
    }

    private func etcdCare(_ credentials: CredentialStore, _ identities: ProbeIdentities) -> EtcdCare {
        EtcdCare(
            accessing: CredentialedEtcd(credentials: credentials, identities: identities, time: time),
            maintenance: EtcdMaintenance(http: probing, time: time))
    }

    /// What a cluster can begin again from when a majority of its data is lost.
    func recovery(of cluster: Cluster) async throws -> RecoveryProposal {
        let credentials = CredentialStore(store: store, box: box, time: time)
        let care = etcdCare(credentials, ProbeIdentities(credentials: credentials, time: time))
        return try await ClusterRecovery(store: store, substrate: substrate, care: care).proposal(for: cluster)
    }

    /// A client certificate of a cluster's Kubernetes API, good for a year.
    func administratorCertificate(of cluster: Cluster, user: String) async throws -> KeyPair {
        try await CredentialStore(store: store, box: box, time: time).credentials(of: cluster)
            .clientCertificate(user: user, groups: ["system:masters"], now: time.now)
    }

    func shutdown() async throws {
        try await http.shutdown()
        try await probing.shutdown()
        try await probeLoops.shutdownGracefully()
    }
}

/// Finds a release's programs for the substrate.
struct ReleaseArtifacts: ArtifactLocating {
    let store: ReleaseStore

    func verifiedPath(of artifact: Artifact) throws -> String { try store.verifiedPath(of: artifact) }
}

/// Seals users' secrets with the region's key.
struct BoxSealing: SecretSealing {
    let box: SecretBox

    func seal(_ secret: [UInt8], context: String) throws -> [UInt8] {
        [UInt8](try JSONEncoder().encode(try box.seal(Data(secret), associatedData: context)))
    }

    func open(_ sealed: [UInt8], context: String) throws -> [UInt8] {
        [UInt8](try box.open(try JSONDecoder().decode(SealedBytes.self, from: Data(sealed)), associatedData: context))
    }
}

extension RegionConfiguration {
    var localSubstrate: LocalSubstrateConfiguration {
        LocalSubstrateConfiguration(
            dataDirectory: dataDirectory, regionName: region.name, addressPool: addressPool, hostPrefix: hostPrefix)
    }
}
