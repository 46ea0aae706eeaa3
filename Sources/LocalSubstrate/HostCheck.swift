import FleetModel
import Foundation
import Glibc
import Logging
import Substrate
import Timing

/// One thing about this host that an operator should know.
public struct HostFinding: Codable, Hashable, Sendable, CustomStringConvertible {
    public enum Severity: String, Codable, Sendable {
        /// Slipway cannot work.
        case error
        /// It works, with something less.
        case warning
        /// Something is there that belongs to no cluster.
        case leftover
    }

    public var severity: Severity
    /// What it is about: a tool, a capability, a cluster…
    public var subject: String
    public var message: String
    /// What to do; empty when there is nothing.
    public var remedy: String

    public init(_ severity: Severity, _ subject: String, _ message: String, remedy: String = "") {
        self.severity = severity
        self.subject = subject
        self.message = message
        self.remedy = remedy
    }

    public var description: String { "\(severity.rawValue): \(subject): \(message)\(remedy.isEmpty ? "" : " (\(remedy))")" }
}

/// Looks at this host with the eyes of the local substrate, and changes nothing.
public struct HostCheck: Sendable {
    let substrate: LocalSubstrate

    public init(configuration: LocalSubstrateConfiguration, time: TimeSource = .system) {
        substrate = LocalSubstrate(
            configuration: configuration, artifacts: NoArtifacts(), time: time, logger: Logger(label: "slipway.doctor"))
    }

    /// Where programs of the host are looked for.
    public static let searchPath = Tools.searchPath

    /// - Parameter knownClusters: the clusters that the region has; nil when that is not known, and leftovers are not looked for.
    public func findings(knownClusters: Set<ClusterName>?) async -> [HostFinding] {
        var findings = tools() + privileges() + controlGroups() + kernel()
        findings += await addressPool()
        findings += await faults()
        if let knownClusters { findings += await leftovers(knownClusters: knownClusters) }
        return findings
    }

    func tools() -> [HostFinding] {
        Tools.packages.filter { Tools.path($0.tool) == nil }.map {
            HostFinding(.error, $0.tool, "The program is missing.", remedy: "apt-get install \($0.package)")
        }
    }

    func privileges() -> [HostFinding] {
        var findings: [HostFinding] = []
        if geteuid() != 0 { findings.append(HostFinding(.error, "root", "Slipway does not run as root.", remedy: "run it with sudo")) }
        let line = (FileTree.text("/proc/self/status") ?? "").split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        guard let mask = line.flatMap({ UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16) }) else { return findings }
        // Numbers as in capability.h.
        let needed = [("CAP_DAC_OVERRIDE", 1), ("CAP_KILL", 5), ("CAP_NET_ADMIN", 12), ("CAP_SYS_ADMIN", 21)]
        for (name, bit) in needed where mask >> UInt64(bit) & 1 == 0 {
            findings.append(HostFinding(.error, name, "This capability is missing.", remedy: "run Slipway with it"))
        }
        if mask >> 24 & 1 == 0 {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            findings.append(
                HostFinding(
                    .warning, "CAP_SYS_RESOURCE", "This capability is missing: components open at most \(limit.rlim_max) files each."))
        }
        return findings
    }

    func controlGroups() -> [HostFinding] {
        let layout = substrate.groups.layout
        if let unified = layout.unified {
            let offered = Set((FileTree.text("\(unified)/cgroup.controllers") ?? "").split(separator: " ").map(String.init))
            return ["memory", "cpu", "pids"].filter { !offered.contains($0) }.map {
                HostFinding(
                    .warning, "control groups", "The controller '\($0)' is not offered: that limit of instance sizes is not enforced.")
            }
        }
        if layout.controllers.isEmpty {
            return [HostFinding(.warning, "control groups", "None are mounted: sizes of instances are not enforced.")]
        }
        return ["memory", "cpu", "pids"].filter { layout.controllers[$0] == nil }.map {
            HostFinding(.warning, "control groups", "The controller '\($0)' is not mounted: that limit of instance sizes is not enforced.")
        }
    }

    func kernel() -> [HostFinding] {
        guard FileTree.text("/proc/sys/net/bridge/bridge-nf-call-iptables") == "1" else { return [] }
        return [
            HostFinding(
                .warning, "br_netfilter",
                "Frames inside a cluster's network pass the host's iptables rules (FORWARD), which may drop them.",
                remedy: "sysctl net.bridge.bridge-nf-call-iptables=0, or allow the interfaces swb* there")
        ]
    }

    func addressPool() async -> [HostFinding] {
        do {
            if let taken = try await substrate.foreignRoute() {
                return [
                    HostFinding(
                        .error, "address pool",
                        "\(substrate.configuration.addressPool) is taken: the host has a route to \(taken.dst)\(taken.dev.map { " by \($0)" } ?? "").",
                        remedy: "choose another pool")
                ]
            }
            return []
        } catch {
            return [HostFinding(.warning, "address pool", "The host's routes could not be read: \(error)")]
        }
    }

    /// What is on the host for clusters that the region does not have.
    public func leftovers(knownClusters: Set<ClusterName>) async -> [HostFinding] {
        let substrate = substrate
        let found = (try? await Blocking.run { substrate.foundClusters() }) ?? []
        var findings: [HostFinding] = []
        for cluster in found where !knownClusters.contains(cluster) {
            let parts = (try? await Blocking.run { substrate.traces(of: cluster) }) ?? []
            let text = "Left over, belongs to no known cluster: \(parts.joined(separator: ", "))"
            findings.append(HostFinding(.leftover, cluster.rawValue, text, remedy: "slipway dev down --purge removes it"))
        }
        return findings
    }
}

extension LocalSubstrate {
    func foreignRoute() async throws -> HostRoute? {
        let routes = try HostRoute.decode(try await tools.run("ip", ["-4", "-json", "route", "show", "table", "all"]))
        let bridges = Set(HostInterface.names().filter { names.cluster(alias: HostInterface(name: $0).alias) != nil })
        return HostRoute.foreign(
            in: routes, pool: configuration.addressPool, metric: names.routeMetric, isOwn: { bridges.contains($0) })
    }

    /// What there is of a cluster, by the names that the host's own tools show.
    func traces(of cluster: ClusterName) -> [String] {
        var traces: [String] = []
        if FileTree.exists(names.directory(cluster)) { traces.append("directory \(names.directory(cluster))") }
        for name in NetworkNamespace.names() where names.parts(namespace: name)?.cluster == cluster { traces.append("namespace \(name)") }
        for root in groups.roots where FileTree.exists("\(root)/\(cluster)") { traces.append("control group \(root)/\(cluster)") }
        for name in HostInterface.names() where names.cluster(alias: HostInterface(name: name).alias) == cluster {
            traces.append("interface \(name)")
        }
        let running = groups.units(of: cluster).sorted().flatMap { name in
            groups.processes(Unit(cluster: cluster, name: name, parent: "", names: names)).sorted()
        }
        if !running.isEmpty { traces.append("processes \(running.map(String.init).joined(separator: " "))") }
        return traces
    }
}

private struct NoArtifacts: ArtifactLocating {
    func verifiedPath(of artifact: Artifact) throws -> String {
        throw SubstrateError(.failed, "The host check starts nothing.")
    }
}
