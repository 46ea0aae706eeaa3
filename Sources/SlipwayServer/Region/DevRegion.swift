import FleetModel
import Foundation
import Releases
import Timing

/// A region whole on this machine: service, store and instances. What `slipway dev` does.
public struct DevRegion: Sendable {
    public let files: RegionFiles
    let time: TimeSource
    /// Is told each step.
    let report: @Sendable (String) -> Void

    /// What s6 calls the service.
    static let serverService = "slipway-server"

    public init(directory: String, time: TimeSource = .system, report: @escaping @Sendable (String) -> Void = { _ in }) {
        files = RegionFiles(directory: directory)
        self.time = time
        self.report = report
    }

    var tree: SupervisionTree { SupervisionTree(directory: files.supervisionDirectory, time: time) }

    /// The service's process, nil when it is not running.
    public var serverProcess: Int32? { ProcessLock.holder(path: files.serverLockPath) }

    /// What `up` found or made.
    public enum Start: Sendable {
        /// Everything but the service is there. `lock` keeps another `dev up` out until it is given up.
        case prepared(RegionConfiguration, lock: ProcessLock)
        case alreadyRunning(RegionConfiguration, process: Int32)
    }

    /// Checks the surroundings, makes the files of a new region, and starts its store. Repeating it is harmless.
    /// - Throws: `ServerError`, `ReleaseError`. When the surroundings are not fit for a new region, nothing is left; what was begun
    ///   after that is continued by the next `up`, or removed by `down`.
    public func prepare(_ options: DevOptions) async throws -> Start {
        let isNew = !files.exists
        let configuration =
            isNew
            ? options.firstConfiguration(files: files, defaultReleasesDirectory: ImportEnvironment().releasesDirectory)
            : try options.applied(to: try files.configuration())
        try configuration.check()
        _ = try configuration.issuerAuthorities()
        if configuration.substrate == .local { try requireRoot() }
        let made = try makeDirectory()
        let lock = try ProcessLock(
            path: files.workLockPath, purpose: "Another `slipway dev up` or `dev down` is at work on \(files.directory)")
        do {
            return try await prepare(configuration, lock)
        } catch {
            if !files.exists {
                lock.remove()
                for directory in made where rmdir(directory) != 0 { break }
            }
            throw error
        }
    }

    private func prepare(_ configuration: RegionConfiguration, _ lock: ProcessLock) async throws -> Start {
        if let process = serverProcess { return .alreadyRunning(try files.configuration(), process: process) }
        try PortCheck.require(
            host: configuration.listen.host, port: configuration.listen.port, purpose: "the region's service", option: "--port")
        guard configuration.substrate == .local else {
            try files.write(configuration)
            return .prepared(configuration, lock: lock)
        }
        try await checkHost(configuration)
        let program = try await storeProgram(configuration)
        var complete = configuration
        complete.store = store(configuration).configuration()
        try await startStore(complete, program: program) { try files.write(complete) }
        return .prepared(complete, lock: lock)
    }

    private func requireRoot() throws {
        guard geteuid() == 0 else {
            throw ServerError(
                .configuration,
                "A region on this machine makes network namespaces and cgroups and needs root: run it with sudo. `--substrate simulated` works without."
            )
        }
    }

    /// - Returns: the directories that were not there before, the innermost first.
    private func makeDirectory() throws -> [String] {
        var missing: [String] = []
        var path = URL(filePath: files.directory)
        while !FileManager.default.fileExists(atPath: path.path), path.path != "/" {
            missing.append(path.path)
            path.deleteLastPathComponent()
        }
        do {
            try FileManager.default.createDirectory(
                atPath: files.directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            for directory in missing { rmdir(directory) }
            throw ServerError(
                .failed, "The data directory \(files.directory) cannot be made; choose another with --data-dir or SLIPWAY_DATA_DIR.",
                cause: error)
        }
        return missing
    }

    func store(_ configuration: RegionConfiguration) -> EmbeddedStore {
        let ports = configuration.embeddedStore ?? EmbeddedStorePorts()
        return EmbeddedStore(directory: files.storeDirectory, clientPort: ports.client, peerPort: ports.peer, time: time)
    }

    /// The newest etcd of all releases, its content checked.
    private func storeProgram(_ configuration: RegionConfiguration) async throws -> String {
        let releases = ReleaseStore(directory: configuration.releasesDirectory ?? ImportEnvironment().releasesDirectory, time: time)
        let (all, problems) = try releases.readable()
        for problem in problems { report("note: \(problem)") }
        guard let newest = all.max(by: { $0.etcdVersion.compare($1.etcdVersion, options: .numeric) == .orderedAscending }) else {
            throw ServerError(
                .missing, "There is no release in \(releases.directory). Get Kubernetes and etcd first: `slipway release import`.")
        }
        report("checking etcd \(newest.etcdVersion) of release \(newest.id)")
        return try releases.verifiedPath(of: try newest.artifact("etcd"))
    }

    private func startStore(_ configuration: RegionConfiguration, program: String, beforeStart: () throws -> Void) async throws {
        let store = store(configuration)
        if try await tree.processID(of: EmbeddedStore.serviceName) == nil {
            for (port, what) in [(store.clientPort, "the region's store"), (store.peerPort, "the region's store (peers)")] {
                try PortCheck.require(host: "127.0.0.1", port: port, purpose: what, option: "--store-port")
            }
        }
        try beforeStart()
        report("starting the store")
        try await tree.start()
        try await store.ensure(in: tree, program: program, logDirectory: files.logDirectory)
        try await waitForStore(configuration)
    }

    /// Starts the service under the region's s6 tree, so that it outlives this program and is restarted when it crashes.
    public func startDetached(_ configuration: RegionConfiguration) async throws {
        guard configuration.substrate == .local else {
            throw ServerError(.configuration, "A simulated region lives in the memory of its service; run it without --detach.")
        }
        report("starting the service")
        try await tree.ensure(
            SupervisedService(
                name: Self.serverService, command: [try Self.program(), "server", "--config", files.configurationPath],
                logDirectory: "\(files.logDirectory)/server"))
        try await waitUntilReady(configuration)
    }

    static func program() throws -> String {
        do {
            return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        } catch {
            throw ServerError(.failed, "The path of this program cannot be found.", cause: error)
        }
    }
}
