import FleetModel
import Substrate

/// What things on the host are called. Every name says the cluster, or is found again by listing.
struct HostNames: Sendable {
    let prefix: String
    let region: String
    let data: String
    let run: String

    init(_ configuration: LocalSubstrateConfiguration) {
        prefix = configuration.hostPrefix
        region = configuration.regionName
        data = configuration.dataDirectory
        run = configuration.runDirectory
    }

    var clusters: String { "\(data)/clusters" }
    var faults: String { "\(data)/faults" }
    func directory(_ cluster: ClusterName) -> String { "\(clusters)/\(cluster)" }
    func networkRecord(_ cluster: ClusterName) -> String { "\(directory(cluster))/network.json" }
    func fenceRecord(_ cluster: ClusterName) -> String { "\(directory(cluster))/fence.json" }
    func volumes(_ cluster: ClusterName) -> String { "\(directory(cluster))/volumes" }
    func volume(_ id: VolumeID) -> String { "\(volumes(id.cluster))/\(id.name)" }
    func instances(_ cluster: ClusterName) -> String { "\(directory(cluster))/instances" }
    func logs(_ cluster: ClusterName) -> String { "\(directory(cluster))/logs" }
    /// A directory for each type of log, with one for each instance.
    func deliveredLogs(_ cluster: ClusterName) -> String { "\(logs(cluster))/delivered" }

    func unit(_ id: InstanceID) -> Unit {
        Unit(cluster: id.cluster, name: id.name, parent: instances(id.cluster), names: self)
    }

    func balancer(_ cluster: ClusterName) -> Unit {
        Unit(cluster: cluster, name: Unit.balancerName, parent: "\(directory(cluster))/balancer", names: self)
    }

    /// Linux allows 15 characters in an interface's name; the alias says whose it is.
    func bridge(_ cluster: ClusterName) -> String { "swb" + StableHash("\(prefix).\(cluster)").hex(12) }
    func alias(_ cluster: ClusterName) -> String { "\(prefix) \(region) \(cluster)" }

    /// The cluster that an interface's alias names, when the interface is this region's.
    func cluster(alias: String) -> ClusterName? {
        let words = alias.split(separator: " ")
        guard words.count >= 3, words[0] == prefix else { return nil }
        return try? ClusterName(String(words[2]))
    }

    /// Neither prefix nor cluster names have a `.`, so that the parts can be told again.
    func namespace(_ cluster: ClusterName, _ name: String) -> String { "\(prefix).\(cluster).\(name)" }

    /// The parts of a network namespace's name, when it is this region's.
    func parts(namespace: String) -> (cluster: ClusterName, unit: String)? {
        let parts = namespace.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == prefix, let cluster = try? ClusterName(String(parts[1])) else { return nil }
        return (cluster, String(parts[2]))
    }

    /// A function of the address, so that a new holder of the address is at once known to its neighbours.
    func hardwareAddress(_ address: IPv4Address) -> String {
        let octets = [0x02, 0x53] + [24, 16, 8, 0].map { Int(address.bits >> UInt32($0) & 255) }
        return octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }

    /// Marks the pool's route as this region's.
    var routeMetric: UInt32 { 0xf000_0000 | UInt32(truncatingIfNeeded: StableHash(prefix).value) & 0x0fff_ffff }

    /// - Throws: `SubstrateError` (`failed`) for a name that could not be a file's.
    static func check(name: String) throws {
        let allowed = name.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45 || byte == 46 || byte == 95
        }
        guard allowed, !name.isEmpty, !name.hasPrefix("."), name.utf8.count <= 100 else {
            throw SubstrateError(.failed, "'\(name)' cannot be the name of an instance or volume: use letters, digits, '-', '_' and '.'.")
        }
    }
}

/// What is supervised as one: an instance, or a cluster's load balancer. Only names; nothing is looked at.
struct Unit: Sendable {
    static let balancerName = "load-balancer"

    let cluster: ClusterName
    let name: String
    /// The directory that holds `directory` and its unfinished forms.
    let parent: String
    let names: HostNames

    var directory: String { "\(parent)/\(name)" }
    /// Being made; becomes `directory` by a rename.
    var unfinished: String { "\(parent)/.new-\(name)" }
    /// Being removed.
    var discarded: String { "\(parent)/.old-\(name)" }
    var record: String { "\(directory)/spec.json" }
    var files: String { "\(directory)/files" }
    var scan: String { "\(directory)/scan" }
    /// What the supervisor and its scripts note down.
    var state: String { "\(directory)/state" }
    /// Which start of the unit is the valid one: a launcher that brings another word, or finds none, ends.
    var launchMark: String { "\(state)/launch" }
    /// There while a fault keeps the unit without power, and until it has been started again.
    var powerMark: String { "\(state)/power-lost" }
    /// Lines of shell that a component's start reads, if they are there: limits that a fault sets.
    func limits(_ kind: ComponentKind) -> String { "\(state)/\(kind.rawValue).limits" }
    /// As many bytes as the part's process has ended by itself since the unit was started.
    func ends(_ part: String) -> String { "\(state)/\(part).ends" }
    /// There while the part's process is told to end: that does not count.
    func leaving(_ part: String) -> String { "\(state)/\(part).leaving" }
    /// What the API server is that is there to take over.
    var standbyRecord: String { "\(directory)/standby.json" }
    var logs: String { "\(names.logs(cluster))/\(name)" }
    /// What the unit's programs take for the machine's name: who leads among controllers says so by it. 64 bytes at most.
    var hostName: String { String(name.prefix(64)) }
    var namespace: String { names.namespace(cluster, name) }
    var namespacePath: String { "/run/netns/\(namespace)" }
    var link: String { "swv" + StableHash("\(names.prefix).\(cluster).\(name)").hex(12) }
    var alias: String { "\(names.alias(cluster)) \(name)" }
    /// Of Unix sockets: short, since their paths are limited to 107 bytes.
    var socket: String { "\(names.run)/\(StableHash("\(names.prefix).\(cluster).\(name)").hex(16)).sock" }

    /// What a component's program, log and notes are called.
    static func part(_ kind: ComponentKind, _ slot: ServerSlot = .first) -> String { kind.rawValue + slot.suffix }
    func service(_ part: String) -> String { "\(part)@\(cluster)" }
}
