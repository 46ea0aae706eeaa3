import Fleet
import FleetStore
import Planning
import SimulatedSubstrate
import Synchronization
import Timing

/// The manager processes: each runs the cell's controllers under leader election, and when it is killed another starts in its
/// place after a while, with nothing in memory.
final class ManagerCrew: Sendable {
    private struct State {
        var lives: [Int: ManagerLife] = [:]
        var kills = 0
        var random: SeededRandom
    }

    private let count: Int
    private let state: Mutex<State>

    /// - Parameter count: how many compete for the cell.
    init(count: Int, random: SeededRandom) {
        self.count = count
        self.state = Mutex(State(random: random))
    }

    var kills: Int { state.withLock { $0.kills } }

    /// Those that live now, in the order of their places.
    var living: [ManagerLife] {
        state.withLock { state in state.lives.sorted { $0.key < $1.key }.map(\.value).filter { !$0.isDead } }
    }

    func run(in world: SimulatedWorld) async {
        await withTaskGroup(of: Void.self) { group in
            for place in 1...count {
                group.addTask { await self.keep(place, in: world) }
            }
        }
    }

    private func keep(_ place: Int, in world: SimulatedWorld) async {
        var number = 0
        while !Task.isCancelled {
            number += 1
            let life = ManagerLife(name: "manager-\(place).\(number)", time: world.clock.source)
            world.ledger.register(life)
            state.withLock { $0.lives[place] = life }
            await SimulationActor.$name.withValue(life.name) { await live(life, in: world) }
            guard !Task.isCancelled else { return }
            state.withLock { $0.kills += 1 }
            world.trace.add("\(life.name) is dead")
            let pause = state.withLock { $0.random.duration(.milliseconds(100), .seconds(15)) }
            do { try await world.clock.source.sleep(for: pause) } catch { return }
        }
    }

    private func live(_ life: ManagerLife, in world: SimulatedWorld) async {
        world.trace.add("starts")
        let dice = SharedRandom(state.withLock { $0.random.branch() })
        let time = life.timeSource
        let store = ManagedStore(base: world.store, life: life, weather: world.weather, time: world.clock.source)
        let election = LeaderElection(store: store, key: StoreKeys.leader(of: world.cell), time: time) { event in
            switch event {
            case .leading:
                life.leads(true)
                world.trace.add("leads", by: life.name)
            case .lost(let error):
                life.leads(false)
                world.trace.add("leads no longer: \(error)", by: life.name)
            case .waiting: life.leads(false)
            case .bodyFailed(let error): world.trace.add("fails: \(error)", by: life.name)
            case .storeFailed: break
            }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try? await election.run(as: life.name, timeToLive: .seconds(10)) { guarded in
                    try await self.lead(life, over: guarded, time, in: world) { dice.fraction() }
                }
            }
            group.addTask { for await _ in life.death {} }
            await group.next()
            group.cancelAll()
        }
    }

    /// The controllers and whoever looks after the zones, put together as the server does it.
    private func lead(
        _ life: ManagerLife, over store: any FleetStore, _ time: TimeSource, in world: SimulatedWorld,
        jitter: @escaping @Sendable () -> Double
    ) async throws {
        let board = ServiceStateBoard()
        let substrate = ManagedSubstrate(base: world.substrate, life: life, board: board)
        let cell = CellService(
            configuration: CellConfiguration(cell: world.cell, addressPool: world.pool, checksInvariants: world.options.checksInvariants),
            store: store, substrate: substrate, probe: substrate, rendering: SimulatedRendering(), operations: substrate, board: board,
            plan: world.options.plan, judge: UpdateJudge(policy: SimulationOptions.policy), time: time, logger: world.logger, jitter: jitter
        )
        guard world.options.hasEvacuations else { return try await cell.run() }
        let zones = ZoneService(
            configuration: ZoneServiceConfiguration(region: world.region, cell: world.cell), store: store,
            probe: SimulatedZoneProbe(time: time) { world.substrate.reach(of: $0, unseen: life.unseenZones) },
            backends: ManagedBackends(base: world.substrate, life: life), board: board, time: time, logger: world.logger)
        try await zones.fill()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await cell.run() }
            group.addTask { try await zones.run() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

/// One generator for several hands.
private final class SharedRandom: Sendable {
    private let random: Mutex<SeededRandom>

    init(_ random: SeededRandom) { self.random = Mutex(random) }

    func fraction() -> Double { random.withLock { $0.fraction() } }
}
