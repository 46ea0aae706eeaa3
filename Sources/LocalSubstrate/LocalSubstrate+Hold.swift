import FleetModel
import Logging
import Substrate
import Timing

extension LocalSubstrate: RequestHolding {
    /// The balancer's health checks are held, too: what is sent again after this time must still be in time for them (2 s).
    private static let holdMilliseconds = 1_200
    /// Requests that take longer than this are not waited for.
    private static let holdPatience = Duration.milliseconds(600)
    /// Nothing was answered for so many looks, 40 ms apart: what was begun has been answered.
    private static let quietLooks = 3

    public func holdRequests(in cluster: ClusterName) async {
        let balancer = Record.read(BalancerRecord.self, names.balancer(cluster).record)
        guard let port = balancer?.backendPort else { return }
        let units = await held(cluster)
        await nft(units) { _ in (["-f", "-"], RequestHold.definition(port: port, milliseconds: Self.holdMilliseconds)) }
        let deadline = time.uptime + Self.holdPatience
        var last: [Int?] = []
        var quiet = 0
        while time.uptime < deadline {
            guard (try? await time.sleep(for: .milliseconds(40))) != nil else { return }
            let seen = await nft(units) { _ in (["list", "counter", "inet", RequestHold.table, "answered"], "") }
                .map { RequestHold.packets($0) }
            quiet = seen == last ? quiet + 1 : 0
            if quiet == Self.quietLooks { return }
            last = seen
        }
    }

    public func releaseRequests(in cluster: ClusterName) async {
        await nft(await held(cluster)) { _ in (["-f", "-"], RequestHold.removal) }
    }

    private func held(_ cluster: ClusterName) async -> [Unit] {
        let found = try? await Blocking.run { [names] in
            FileTree.names(in: names.instances(cluster)).filter { !$0.hasPrefix(".") }.map {
                names.unit(InstanceID(cluster: cluster, name: $0))
            }.filter { Record.read(InstanceRecord.self, $0.record)?.role == .apiServer && NetworkNamespace.isMounted($0.namespacePath) }
        }
        return found ?? []
    }

    /// Runs nft in each unit's network namespace, at the same time.
    /// - Returns: what it says, in the units' order; empty where it failed.
    @discardableResult
    private func nft(_ units: [Unit], _ arguments: @escaping @Sendable (Unit) -> ([String], String)) async -> [String] {
        await withTaskGroup(of: (Int, String).self) { group in
            for (index, unit) in units.enumerated() {
                group.addTask { [self] in
                    let (words, input) = arguments(unit)
                    do {
                        let said = try await tools.run("nsenter", ["--net=\(unit.namespacePath)", "--", "nft"] + words, input: input)
                        return (index, said)
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
