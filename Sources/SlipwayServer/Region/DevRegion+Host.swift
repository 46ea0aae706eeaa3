import EtcdStore
import FleetModel
import FleetStore
import Foundation
import LocalSubstrate
import Logging
import Releases
import ServiceLifecycle
import Substrate
import Timing

extension DevRegion {
    /// Less free space than this and etcd would soon stop taking writes.
    private static let wantedSpace: UInt64 = 2 << 30

    /// - Throws: `ServerError` (`missing`, `taken`) with everything that stands in the way.
    func checkHost(_ configuration: RegionConfiguration) async throws {
        report("checking this machine")
        let findings = await HostCheck(configuration: configuration.localSubstrate, time: time).findings(knownClusters: nil)
        for finding in findings where finding.severity == .warning { report("note: \(finding.subject): \(finding.message)") }
        let errors = findings.filter { $0.severity == .error }
        guard errors.isEmpty else {
            throw ServerError(
                .missing,
                "This machine cannot run a region:\n"
                    + errors.map { "  \($0.subject): \($0.message)\($0.remedy.isEmpty ? "" : " Remedy: \($0.remedy)")" }.joined(
                        separator: "\n"))
        }
        let space = try? FileManager.default.attributesOfFileSystem(forPath: files.directory)[.systemFreeSize] as? UInt64
        if let space, space < Self.wantedSpace {
            throw ServerError(
                .missing,
                "\(files.directory) has \(space >> 20) MiB of free space; a region needs \(Self.wantedSpace >> 20) MiB. Make room, or choose another --data-dir."
            )
        }
    }

    func waitForStore(_ configuration: RegionConfiguration) async throws {
        let end = time.uptime + .seconds(30)
        while true {
            do {
                _ = try await withStore(configuration) { try await $0.get("ready") }
                return
            } catch {
                guard time.uptime < end else {
                    throw ServerError(
                        .timedOut, "The store does not answer. Its log: \(files.logDirectory)/store/current", cause: error)
                }
                try await time.sleep(for: .milliseconds(100))
            }
        }
    }

    /// The region's store, for the time of `body`.
    func withStore<Value: Sendable>(
        _ configuration: RegionConfiguration, _ body: @escaping @Sendable (any FleetStore) async throws -> Value
    ) async throws -> Value {
        let store = try StoreConnection.etcd(configuration, time: time)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await store.run() }
            defer { group.cancelAll() }
            return try await Deadline.within(.seconds(5), time: time) { try await body(store) }
        }
    }

    func stopInstances(_ configuration: RegionConfiguration, purge: Bool) async throws {
        var local = configuration.localSubstrate
        // etcd ends in less; API servers keep nothing, and would wait for open watches much longer.
        local.stopTimeout = .seconds(4)
        let substrate = LocalSubstrate(
            configuration: local,
            artifacts: ReleaseArtifacts(store: ReleaseStore(directory: configuration.releasesDirectory ?? "")), time: time,
            logger: Logger(label: "slipway.local") { _ in SwiftLogNoOpLogHandler() })
        let clusters = try await substrate.clusters()
        if !clusters.isEmpty { report("\(purge ? "removing" : "stopping") \(clusters.map(\.rawValue).joined(separator: ", "))") }
        if purge {
            try await substrate.removeEverything()
        } else {
            try await substrate.stopEverything()
        }
    }

    /// What is wrong with this machine, and what is on it that belongs to no cluster.
    public func doctor() async throws -> [HostFinding] {
        let configuration = files.exists ? try files.configuration() : RegionConfiguration(dataDirectory: files.directory)
        guard configuration.substrate == .local else { return [] }
        let known = try await knownClusters(configuration)
        let findings = await HostCheck(configuration: configuration.localSubstrate, time: time).findings(knownClusters: known)
        guard known == nil else { return findings }
        return findings + [
            HostFinding(
                .warning, "store", "The region's store does not answer, so nothing was looked for that belongs to no cluster.",
                remedy: "`slipway dev up --detach` starts it; its log: \(files.logDirectory)/store/current")
        ]
    }

    /// Nil when the store does not answer and so nobody knows. Without a region there are no clusters.
    private func knownClusters(_ configuration: RegionConfiguration) async throws -> Set<ClusterName>? {
        guard files.exists else { return [] }
        return try? await withStore(configuration) { store in
            let prefix = StoreKeys.clusterIndexPrefix.rawValue
            return Set(
                try await store.list(prefix: StoreKeys.clusterIndexPrefix).values.compactMap {
                    try? ClusterName(String($0.key.rawValue.dropFirst(prefix.count)))
                })
        }
    }
}
