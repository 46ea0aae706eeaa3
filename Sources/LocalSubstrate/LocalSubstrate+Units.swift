import FleetModel
import Foundation
import Glibc
import Substrate
import Timing

/// What instances and load balancers have in common: directory, network namespace, control groups, supervisor.
extension LocalSubstrate {
    public func observe(_ cluster: ClusterName) async throws -> SubstrateObservation {
        try await throwing("observe \(cluster)") {
            let now = time.now.timeIntervalSince1970
            return try await Blocking.run { [self] in
                SubstrateObservation(
                    network: observeNetwork(cluster), volumes: observeVolumes(cluster), instances: observeInstances(cluster, now: now),
                    loadBalancer: observeLoadBalancer(cluster, now: now), fenced: fence(of: cluster)?.addresses ?? [])
            }
        }
    }

    func state(of unit: Unit) -> InstanceObservation.State {
        guard FileTree.exists(unit.record) else { return .incomplete }
        // Nobody can see from afar that there is no power.
        guard Supervisor(unit).isAlive else { return FileTree.exists(unit.powerMark) ? .running : .stopped }
        let link = HostInterface(name: unit.link)
        let isConnected =
            NetworkNamespace.isMounted(unit.namespacePath) && link.exists && link.bridge == names.bridge(unit.cluster) && link.isUp
        return isConnected ? .running : .incomplete
    }

    /// Puts the finished directory in the unit's place; what was there goes aside.
    func publish(_ unit: Unit) throws {
        try FileTree.remove(unit.discarded)
        if FileTree.exists(unit.directory) { try FileTree.move(unit.directory, to: unit.discarded) }
        try FileTree.move(unit.unfinished, to: unit.directory)
    }

    /// TCP's least time until it sends again. Its default of 200 ms, doubled each time, makes three losses in a row a matter of
    /// seconds; in a network where an answer takes less than a millisecond this is enough, and longer than a delayed acknowledgement (40 ms).
    private static let resendAfter = "60ms"

    /// A namespace with one address in the cluster's block, and no way out of it.
    func ensureNetwork(of unit: Unit, address: IPv4Address) async throws {
        let bridge = HostInterface(name: names.bridge(unit.cluster))
        guard bridge.exists else { throw SubstrateError(.failed, "The network of \(unit.cluster) is not there; it is made first.") }
        let link = HostInterface(name: unit.link)
        var lines: [String] = []
        var hasLink = link.exists
        if !NetworkNamespace.isMounted(unit.namespacePath) {
            if hasLink { lines.append("link del dev \(unit.link)") }
            hasLink = false
            // What an interrupted attempt left.
            unlink(unit.namespacePath)
            lines.append("netns add \(unit.namespace)")
        }
        if !hasLink {
            let hardware = names.hardwareAddress(address)
            lines.append("link add \(unit.link) type veth peer name eth0 address \(hardware) netns \(unit.namespace)")
        }
        lines.append("link set dev \(unit.link) alias \"\(unit.alias)\" master \(bridge.name) addrgenmode none up")
        try await tools.run("ip", ["-batch", "-"], input: lines.joined(separator: "\n") + "\n")
        let block = IPv4Block(base: address, prefixLength: ClusterNetwork.prefixLength)
        let inside = """
            link set dev lo up
            address replace \(address)/\(ClusterNetwork.prefixLength) dev eth0
            link set dev eth0 addrgenmode none up
            route replace \(block) dev eth0 proto kernel scope link src \(address) rto_min \(Self.resendAfter)

            """
        try await tools.run("ip", ["-netns", unit.namespace, "-batch", "-"], input: inside)
        try await joinFence(unit, address: address)
        try await restoreSlots(of: unit)
    }

    func removeNetwork(of unit: Unit) async throws {
        var lines: [String] = []
        if HostInterface(name: unit.link).exists { lines.append("link del dev \(unit.link)") }
        if FileTree.exists(unit.namespacePath) { lines.append("netns del \(unit.namespace)") }
        guard !lines.isEmpty else { return }
        do {
            try await tools.run("ip", ["-force", "-batch", "-"], input: lines.joined(separator: "\n") + "\n")
        } catch let error as SubstrateError where error.code == .failed {
            // Somebody else may have removed it meanwhile; what counts is that it is gone.
            guard !HostInterface(name: unit.link).exists, !FileTree.exists(unit.namespacePath) else { throw error }
        }
    }

    /// Starts the unit's supervisor, which is nobody's child and outlives this process.
    func start(_ unit: Unit, size: InstanceSize) async throws {
        let directories = groups.ensure(unit, size: size, hardCPULimit: configuration.hardCPULimit)
        let mark = UUID().uuidString
        try await Blocking.run {
            try FileTree.replace(unit.launchMark, mark)
            // Of an earlier life.
            try FileTree.remove("\(unit.state)/stopping")
            for note in FileTree.names(in: unit.state) where note.hasSuffix(".ends") || note.hasSuffix(".leaving") {
                try FileTree.remove("\(unit.state)/\(note)")
            }
            try FileTree.remove("\(unit.scan)/.s6-svscan")
            for service in FileTree.names(in: unit.scan) {
                for part in ["supervise", "event", "log/supervise", "log/event"] { try FileTree.remove("\(unit.scan)/\(service)/\(part)") }
            }
        }
        let log = "\(unit.state)/supervisor.log"
        // Output goes to a file: the supervisor would hold a pipe to us open for ever.
        let command = "exec setsid -f /bin/sh \"$0\" \"$@\" </dev/null >\(Shell.quote(log)) 2>&1"
        let path = "PATH=\(Tools.searchPath.joined(separator: ":"))"
        try await tools.run(
            "env",
            [
                "-i", "--default-signal=PIPE", path, "\(ServiceTree.launchVariable)=\(mark)", "/bin/sh", "-c", command,
                "\(unit.directory)/launch",
            ] + directories)
        let deadline = time.uptime + .seconds(10)
        while !Supervisor(unit).isAlive {
            guard time.uptime < deadline else {
                let said = FileTree.text(log) ?? ""
                throw SubstrateError(.failed, "The supervisor of \(unit.cluster)/\(unit.name) does not start: \(said.suffix(400))")
            }
            try await time.sleep(for: .milliseconds(3))
        }
    }

    /// Everything of the unit, in an order that leaves it to be found until it is gone.
    func remove(_ unit: Unit) async throws {
        // Nobody is served by it any more and its state goes with it: there is nothing to end gracefully for.
        try await processes.stop(unit, timeout: .milliseconds(500), includingNamespace: true)
        try await removeNetwork(of: unit)
        try await groups.remove(unit, time: time)
        try await Blocking.run {
            unlink(unit.socket)
            try FileTree.remove(unit.logs)
            try FileTree.remove(unit.unfinished)
            try FileTree.remove(unit.discarded)
            if FileTree.exists(unit.directory) { try FileTree.move(unit.directory, to: unit.discarded) }
            try FileTree.remove(unit.discarded)
        }
        await prune(unit.cluster)
    }
}
