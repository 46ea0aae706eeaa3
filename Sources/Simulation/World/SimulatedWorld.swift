import ClusterService
import FleetModel
import FleetStore
import Identity
import Logging
import SimulatedSubstrate
import Synchronization
import Timing

/// A region with everything in it: store, substrate, managers, customers, and bad luck.
final class SimulatedWorld: Sendable {
    let clock = VirtualTime()
    let options: SimulationOptions
    let region = Region.standard(name: "sim-1")
    let cell = CellName(rawValue: "a")
    let pool = IPv4Block(base: IPv4Address(bits: 100 << 24 | 66 << 16), prefixLength: 16)
    let trace: SimulationTrace
    let substrate: SimulatedSubstrate
    let store: MemoryStore
    let ledger: Ledger
    let weather: StoreWeather
    let managers: ManagerCrew
    let releases: SimulatedReleases
    /// What is done by itself about a zone that fails.
    private let policy: RegionPolicy
    private let customerRandom: SeededRandom
    private let faultRandom: SeededRandom
    private let clusterCount: Int
    private let outcome = Mutex((unfinished: ["it did not come to the end"], faults: 0, requests: 0))

    init(seed: UInt64, options: SimulationOptions) {
        var random = SeededRandom(seed: seed)
        self.options = options
        let time = clock.source
        trace = SimulationTrace(time: clock)
        substrate = SimulatedSubstrate(time: time, seed: random.next(), timings: options.timings)
        store = MemoryStore(time: time, historyLimit: 5000)
        ledger = Ledger(substrate: substrate, trace: trace, recovery: options.timings.recovery)
        weather = StoreWeather(random: random.branch())
        customerRandom = random.branch()
        faultRandom = random.branch()
        clusterCount = 1 + random.index(options.maximumClusters)
        let count = options.hasFaults && random.chance(0.35) ? 2 : 1
        managers = ManagerCrew(count: count, random: random.branch())
        policy = RegionPolicy(
            evacuation: random.pick([.auto, .auto, .auto, .auto, .auto, .manual, .off]) ?? .auto,
            restoreAfter: Double(3 + random.index(10)), changedAt: time.now)
        releases = SimulatedReleases(random: random.branch())
        substrate.setReleases(releases.simulated)
    }

    func run() async {
        let harm = EvacuationHarm(world: self)
        substrate.setAudit { [ledger] change, begun in ledger.judge(change, begun: begun) { harm.note(endOf: $0) } }
        // The world holds the substrate, and the substrate its audit.
        defer { substrate.setAudit(nil) }
        do { try await store.create(policy) } catch { trace.add("the region's policy cannot be kept: \(error)") }
        for text in releases.descriptions { trace.add("release \(text)") }
        trace.add("the policy for zones that fail is \(policy.evacuation.rawValue)")
        await withTaskGroup(of: Bool.self) { group in
            if options.hasEvacuations {
                group.addTask {
                    await harm.run()
                    return false
                }
            }
            group.addTask {
                await self.store.run()
                return false
            }
            group.addTask {
                await self.watchEstablishment()
                return false
            }
            group.addTask {
                await self.watchUpdates()
                return false
            }
            group.addTask {
                await self.managers.run(in: self)
                return false
            }
            group.addTask {
                await self.story()
                return true
            }
            while await group.next() == false {}
            group.cancelAll()
        }
    }

    /// Customers and faults until they rest; then everything must become as wanted, and stay so.
    private func story() async {
        await withTaskGroup(of: Void.self) { group in
            var random = customerRandom
            for index in 0..<clusterCount {
                let customer = Customer(world: self, index: index, random: random.branch())
                group.addTask { await customer.run() }
            }
            if options.hasFaults {
                let faults = FaultMaker(world: self, random: faultRandom)
                group.addTask { await faults.run() }
            }
            if options.hasEvacuations {
                let evacuations = Evacuations(world: self, random: random.branch())
                group.addTask { await evacuations.run() }
            }
        }
        trace.add("customers and faults rest")
        let deadline = clock.now + options.patience
        var problems: [String]
        repeat {
            problems = await Convergence(world: self).problems()
            while !problems.isEmpty, clock.now < deadline, ledger.violations.isEmpty {
                do { try await clock.source.sleep(for: .seconds(2)) } catch { return }
                problems = await Convergence(world: self).problems()
            }
            guard problems.isEmpty else { break }
            let restless = await unrest()
            guard restless.isEmpty else {
                problems = restless
                break
            }
            // What was slow at the end may be found so a moment later; that has to pass as well.
            problems = await Convergence(world: self).problems()
        } while !problems.isEmpty && clock.now < deadline && ledger.violations.isEmpty
        for problem in problems { trace.add("not as wanted: \(problem)") }
        let clusters = problems.isEmpty ? [] : (try? await store.list(Cluster.self, prefix: StoreKeys.clusters(in: cell)).items) ?? []
        for cluster in clusters.map(\.value) {
            for wait in cluster.status.waits { trace.add("\(cluster.name) waits: \(wait.message)") }
            if let update = cluster.spec.update { trace.add("\(cluster.name) is updated: troubled before it: \(update.troubled.sorted())") }
        }
        outcome.withLock { $0.unfinished = problems }
    }

    /// Once all is as wanted, nobody has a reason to change anything.
    private func unrest() async -> [String] {
        trace.add("all is as wanted")
        let start = clock.now
        do { try await clock.source.sleep(for: .seconds(15)) } catch { return ["the run was given up"] }
        let restless = ledger.changed(after: start)
        return restless.isEmpty ? [] : ["\(restless) were changed although all was as wanted"]
    }

    /// A cluster is established once the store says so.
    private func watchEstablishment() async {
        let mark = Array("\"activeSince\"".utf8)
        do {
            for try await event in store.watch(prefix: StoreKeys.clusters(in: cell), from: 1) {
                guard case .put(let value) = event, let text = value.key.rawValue.split(separator: "/").last,
                    let name = try? ClusterName(String(text)), ledger.entries[name]?.isEstablished == false,
                    Self.contains(mark, in: value.value)
                else { continue }
                ledger.update(name) { $0.isEstablished = true }
                trace.add("\(name) is active", by: "world")
            }
        } catch {
            trace.add("the world's own watch failed: \(error)")
        }
    }

    /// How updates end is judged when it is written.
    private func watchUpdates() async {
        do {
            for try await event in store.watch(prefix: updates, from: 1) {
                guard case .put(let value) = event else { continue }
                let update = try StoreCoding.decode(ClusterUpdate.self, from: value.value)
                guard update.status != .inProgress,
                    let cluster = try await store.get(Cluster.self, StoreKeys.cluster(update.cluster, in: cell))?.value
                else { continue }
                ledger.end(update, cluster.spec)
            }
        } catch {
            trace.add("the world's watch of updates failed: \(error)")
        }
    }

    /// Where the records of updates are.
    var updates: StoreKey { StoreKey(rawValue: "cells/\(cell)/updates/") }

    /// What customers and operators call, as the server has it.
    var clusters: Clusters {
        Clusters(
            region: region, cells: [cell], addressPool: pool, store: store, catalog: releases, time: clock.source, logger: logger)
    }

    /// Who may do everything.
    func administrator(_ name: String) -> Principal {
        Principal(
            name: name, arn: "arn:aws:iam::000000000000:user/\(name)", userID: "AIDA\(name.uppercased())", role: .admin,
            createdAt: clock.source.now)
    }

    private static func contains(_ mark: [UInt8], in bytes: [UInt8]) -> Bool {
        guard bytes.count >= mark.count else { return false }
        return (0...bytes.count - mark.count).contains { start in
            bytes[start] == mark[0] && bytes[start..<start + mark.count].elementsEqual(mark)
        }
    }

    var logger: Logger {
        let trace = trace
        return Logger(label: "simulation", factory: { _ in TraceLogHandler(trace: trace) })
    }

    func countFault() { outcome.withLock { $0.faults += 1 } }
    func countRequest() { outcome.withLock { $0.requests += 1 } }

    func report(seed: UInt64, failure: String?) -> SimulationReport {
        let (unfinished, faults, requests) = outcome.withLock { $0 }
        return SimulationReport(
            seed: seed, violations: ledger.violations + substrate.broken + trace.firstMistakes, unfinished: unfinished, failure: failure,
            changes: ledger.changes, faults: faults, requests: requests, updates: ledger.ends, kills: managers.kills,
            virtualTime: clock.now, trace: trace.all)
    }
}
