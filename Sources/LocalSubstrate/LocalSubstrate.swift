import FleetModel
import Glibc
import Logging
import Substrate
import Synchronization
import Timing

/// Instances on this machine: a network namespace, a control group and an s6 supervision tree each; a bridge a cluster;
/// volumes are directories; HAProxy is the load balancer.
///
/// Nothing that it starts is its child, and it keeps no state in memory: what there is, is found by looking.
public final class LocalSubstrate: Substrate {
    public let configuration: LocalSubstrateConfiguration
    let names: HostNames
    let artifacts: any ArtifactLocating
    let time: TimeSource
    let logger: Logger
    let tools: Tools
    let groups: ControlGroups
    let processes: Processes
    let moments: TrafficMoments
    let isolation: Isolation
    let faultRecords: FaultRecords
    let faultRules: FaultRules
    /// Faults are injected and cleared one after the other.
    let faultTurns = Turns()
    /// What is open is written by one after the other, each time whole.
    let egressTurns = Turns()
    /// Held while it is checked that nobody holds an address, block or volume, and while it is taken.
    let claims = Mutex(())

    public init(
        configuration: LocalSubstrateConfiguration, artifacts: any ArtifactLocating, time: TimeSource = .system,
        logger: Logger = Logger(label: "slipway.local")
    ) {
        self.configuration = configuration
        self.artifacts = artifacts
        self.time = time
        self.logger = logger
        names = HostNames(configuration)
        tools = Tools(time: time, directory: names.run)
        groups = ControlGroups(prefix: configuration.hostPrefix, logger: logger)
        processes = Processes(groups: groups, time: time)
        moments = TrafficMoments(time: time)
        isolation = Isolation(table: configuration.hostPrefix)
        faultRecords = FaultRecords(directory: names.faults)
        faultRules = FaultRules(table: configuration.hostPrefix)
    }

    public func prepare() async throws {
        try await throwing("prepare the host") {
            guard geteuid() == 0 else {
                throw SubstrateError(.permission, "The local substrate makes network namespaces and control groups: run Slipway as root.")
            }
            for entry in Tools.packages { _ = try Tools.require(entry.tool) }
            try await Blocking.run { [names] in
                for directory in [names.data, names.clusters] { try FileTree.makeDirectory(directory) }
                guard chmod(names.data, 0o700) == 0 else { throw FileTree.failure("protect", names.data, errno) }
                try FileTree.makeDirectory(names.run)
            }
            try await ensurePoolRoute()
            try await defineIsolation()
            try await restoreFaults()
        }
    }

    public func clusters() async throws -> [ClusterName] {
        try await throwing("list clusters") { try await Blocking.run { [self] in foundClusters() } }
    }

    /// Every cluster of which anything exists: a directory, a namespace, a control group or an interface.
    func foundClusters() -> [ClusterName] {
        var found: Set<ClusterName> = []
        for name in FileTree.names(in: names.clusters) { if let cluster = try? ClusterName(name) { found.insert(cluster) } }
        for name in NetworkNamespace.names() { if let parts = names.parts(namespace: name) { found.insert(parts.cluster) } }
        for unit in groups.units() { if let cluster = try? ClusterName(unit.cluster) { found.insert(cluster) } }
        for name in HostInterface.names() where name.hasPrefix("swb") || name.hasPrefix("swv") {
            if let cluster = names.cluster(alias: HostInterface(name: name).alias) { found.insert(cluster) }
        }
        return found.sorted()
    }

    public func paths(of id: InstanceID, volume: VolumeID?) -> InstancePaths {
        let unit = names.unit(id)
        return InstancePaths(
            directory: unit.files, volume: volume.map { "\(names.volume($0))/data" } ?? "", logs: unit.logs,
            deliveredLogs: names.deliveredLogs(id.cluster))
    }

    public func writeFiles(_ files: [InstanceFile], to id: InstanceID) async throws {
        try await throwing("write files of \(id)") {
            let unit = names.unit(id)
            try await Blocking.run {
                guard FileTree.exists(unit.record) else { throw SubstrateError(.failed, "There is no instance \(id) to write files to.") }
                for file in files { try Self.write(file, below: unit.files) }
            }
        }
    }

    static func write(_ file: InstanceFile, below directory: String) throws {
        let parts = file.path.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.isEmpty, !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
            throw SubstrateError(.failed, "'\(file.path)' is not a path below the instance's directory.")
        }
        try FileTree.makeDirectory(([directory] + parts.dropLast().map(String.init)).joined(separator: "/"))
        try FileTree.replace("\(directory)/\(file.path)", file.content, mode: file.mode)
    }

    /// Removes everything of this region from the host: every cluster, the pool's route, the nftables table. Release files and
    /// other things in the data directory stay.
    /// - Throws: `SubstrateError` of the first thing that could not be removed, after trying all.
    public func removeEverything() async throws {
        var first: (any Error)?
        for cluster in try await clusters() {
            do { try await removeCluster(cluster) } catch { first = first ?? error }
        }
        do {
            try await throwing("remove the host's part") {
                groups.removeEmpty()
                try await removePoolRoute()
                if Tools.path("nft") != nil {
                    try await tools.run("nft", ["-f", "-"], input: isolation.destruction + faultRules.destruction)
                }
                try faultRecords.removeAll()
                FileTree.removeIfEmpty(names.clusters)
                FileTree.removeIfEmpty(names.run)
            }
        } catch { first = first ?? error }
        if let first { throw first }
    }

    private func removeCluster(_ cluster: ClusterName) async throws {
        try await removeLoadBalancer(of: cluster)
        let seen = try await observe(cluster)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for instance in seen.instances { group.addTask { try await self.removeInstance(instance.id) } }
            try await group.waitForAll()
        }
        for volume in seen.volumes { try await removeVolume(volume.id) }
        try await removeNetwork(of: cluster)
    }

    /// Everything that leaves the substrate is a `SubstrateError`.
    func throwing<Value>(_ what: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as SubstrateError {
            throw error
        } catch is CancellationError {
            throw SubstrateError(.unavailable, "Stopped in the middle: \(what).", cause: CancellationError())
        } catch {
            throw SubstrateError(.failed, "Could not \(what).", cause: error)
        }
    }
}
