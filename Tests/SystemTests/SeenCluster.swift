import Foundation
import Testing

/// What `slipway cluster describe` says of a cluster.
struct SeenCluster: Decodable, Sendable {
    struct Instance: Decodable, Hashable, Sendable {
        /// `etcd`, `apiServer` or `loadBalancer`.
        var name, role, state: String
        var zone: String?
        var isLeader: Bool
    }
    struct Condition: Decodable, Sendable { var kind, status, reason, message: String }
    struct Wait: Decodable, Sendable { var reason, message: String }

    var status: String
    var instances: [Instance]
    var conditions: [Condition]
    var waits: [Wait]

    /// Nothing is missing and nothing is to be done.
    var isWhole: Bool {
        status == "ACTIVE" && instances.count == 6 && instances.allSatisfy { $0.state == "ready" } && has("Degraded", "False")
    }

    func has(_ kind: String, _ status: String) -> Bool { conditions.contains { $0.kind == kind && $0.status == status } }

    func names(_ role: String, in zone: String? = nil) -> [String] {
        instances.filter { $0.role == role && (zone == nil || $0.zone == zone) }.map(\.name)
    }
}

/// What `slipway zone list` says of a zone.
struct SeenZone: Decodable, Sendable {
    /// `inService` or `evacuated`; `healthy`, `impaired` or `unknown`.
    var name, serviceState, health: String

    var isInService: Bool { serviceState == "inService" }
}

extension RegionFixture {
    func cluster(_ name: String) async throws -> SeenCluster {
        try await answer("cluster", "describe", name).json(SeenCluster.self)
    }

    func zones() async throws -> [SeenZone] {
        struct List: Decodable { var zones: [SeenZone] }
        return try await answer("zone", "list").json(List.self).zones
    }

    /// On a machine with far too much to do the region's store may be late once; what is asked here is asked again.
    private func answer(_ group: String, _ verb: String, _ rest: String...) async throws -> CommandRun {
        let arguments = [group, verb] + rest + ["--output", "json"]
        var run: CommandRun?
        try await eventually("slipway \(group) \(verb) is answered") {
            run = try await CommandRun.run(Self.program, arguments, environment: ["SLIPWAY_DATA_DIR": data])
            return run?.succeeded == true
        }
        return try #require(run)
    }

    /// Kills everything in these instances, supervision too, as if their machines had ended.
    func killAll(of instances: [String], in cluster: String) async throws {
        let spaces = namespaces(of: cluster).filter { space in instances.contains { space.hasSuffix(".\($0)") } }
        var processes: [Int32] = []
        for space in spaces {
            let run = try await CommandRun.run("ip", ["netns", "pids", space]).required()
            processes += run.output.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
        }
        for process in processes { kill(process, SIGKILL) }
    }

    /// Ends the manager for good, without a word; `service("slipway-server", "-u")` starts it again.
    func killManager() async throws {
        // `-O`: supervision does not start it again.
        try await service("slipway-server", "-O")
        if let process = try await serverProcess { kill(process, SIGKILL) }
        try await eventually("the manager is dead") { try await serverProcess == nil }
    }
}
