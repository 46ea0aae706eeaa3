import FleetModel
import Logging
import Substrate
import Timing

extension LocalSubstrate: RequestHolding {
    /// The requests of the balancer's health checks are held, too: what is sent again after this time must still be in time for them
    /// (`timeout check`, 2 s).
    private static let holdMilliseconds = 1_500
    /// Requests that take longer than this are not waited for.
    private static let holdPatience = Duration.milliseconds(800)

    /// What must be left of the hold for what it is for.
    private static let holdReserve = Duration.milliseconds(600)

    public func holdRequests(in cluster: ClusterName) async {
        let balancer = Record.read(BalancerRecord.self, names.balancer(cluster).record)
        guard let port = balancer?.backendPort else { return }
        let servers = await held(cluster)
        let units = servers.map(\.unit)
        for _ in 0..<3 {
            let begun = await hold(units, port, of: cluster)
            guard await quiesce(servers, port, until: begun + Self.holdPatience) else { return }
            if time.uptime - begun < .milliseconds(Self.holdMilliseconds) - Self.holdReserve { return }
            // A machine with far too much to do: the hold may end before it is used. Those that wait go first.
            await releaseRequests(in: cluster)
            guard (try? await time.sleep(for: .milliseconds(300))) != nil else { return }
        }
        await hold(units, port, of: cluster)
    }

    /// - Returns: when it began.
    @discardableResult
    private func hold(_ units: [Unit], _ port: UInt16, of cluster: ClusterName) async -> Duration {
        await moments.beginHold(of: cluster, limit: .milliseconds(Self.holdMilliseconds))
        let begun = time.uptime
        await inside(units) { (["nft", "-f", "-"], RequestHold.definition(port: port, milliseconds: Self.holdMilliseconds)) }
        return begun
    }

    /// Waits until what was begun is answered, or until the deadline.
    /// - Returns: false when the wait was cancelled.
    private func quiesce(_ servers: [Held], _ port: UInt16, until deadline: Duration) async -> Bool {
        // What was not open at the first look cannot become so: no request arrives any more. The handshakes of health checks do, and look
        // like requests for a moment.
        var open: [Set<Substring>]?
        while time.uptime < deadline {
            guard (try? await time.sleep(for: .milliseconds(20))) != nil else { return false }
            let said = await inside(servers.map(\.unit)) { (RequestHold.connections(port: port), "") }
            let seen = zip(servers, said).map { RequestHold.openRequests(sockets: $1, own: $0.address) }
            open = open.map { zip($0, seen).map { $0.intersection($1) } } ?? seen
            if open?.allSatisfy(\.isEmpty) == true { return true }
        }
        return true
    }

    public func releaseRequests(in cluster: ClusterName) async {
        await inside(await held(cluster).map(\.unit)) { (["nft", "-f", "-"], RequestHold.removal) }
        moments.endHold(of: cluster)
    }

    private struct Held: Sendable {
        var unit: Unit
        var address: IPv4Address
    }

    private func held(_ cluster: ClusterName) async -> [Held] {
        let found = try? await Blocking.run { [names] in
            FileTree.names(in: names.instances(cluster)).filter { !$0.hasPrefix(".") }.compactMap { name -> Held? in
                let unit = names.unit(InstanceID(cluster: cluster, name: name))
                guard let record = Record.read(InstanceRecord.self, unit.record), record.role == .apiServer,
                    NetworkNamespace.isMounted(unit.namespacePath)
                else { return nil }
                return Held(unit: unit, address: record.address)
            }
        }
        return found ?? []
    }

    /// Runs a tool in each unit's network namespace, at the same time.
    /// - Returns: what it says, in the units' order; empty where it failed.
    @discardableResult
    func inside(_ units: [Unit], _ command: @escaping @Sendable () -> ([String], String)) async -> [String] {
        await withTaskGroup(of: (Int, String).self) { group in
            for (index, unit) in units.enumerated() {
                group.addTask { [self] in
                    let (words, input) = command()
                    do {
                        return (index, try await tools.run("nsenter", ["--net=\(unit.namespacePath)", "--"] + words, input: input))
                    } catch {
                        logger.debug("requests are not held", metadata: ["unit": "\(unit.cluster)/\(unit.name)", "error": "\(error)"])
                        return (index, "")
                    }
                }
            }
            return await group.reduce(into: [(Int, String)]()) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
