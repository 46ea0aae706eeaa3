import FleetModel
import SimulatedSubstrate
import Substrate
import Timing

/// Bad luck, until it rests: then everything that was out of order outside Slipway is in order again.
struct FaultMaker: Sendable {
    let world: SimulatedWorld
    let random: SeededRandom

    func run() async {
        await SimulationActor.$name.withValue("fault") {
            var random = random
            setWeather(&random)
            var trouble: Trouble?
            let time = world.clock.source
            while time.uptime < world.options.busy {
                let pause = random.duration(.milliseconds(500), .seconds(7))
                do { try await time.sleep(for: pause) } catch { break }
                if let known = trouble, known.until <= time.uptime {
                    end(known)
                    trouble = nil
                }
                strike(&random, &trouble)
            }
            if let trouble { end(trouble) }
            world.substrate.setFaults(.none)
            world.ledger.noteCalls(areFine: true, at: time.uptime)
            world.weather.set(.none)
            world.ledger.noteFault(at: time.uptime)
        }
    }

    private func setWeather(_ random: inout SeededRandom) {
        var faults = SimulatedFaults()
        let rates = [0, 0.005, 0.02, 0.08]
        faults.errorBefore = random.pick(rates) ?? 0
        faults.errorMidway = random.pick(rates) ?? 0
        faults.errorAfter = random.pick(rates) ?? 0
        faults.slow = random.pick([0, 0, 0.01, 0.03]) ?? 0
        world.substrate.setFaults(faults)
        world.ledger.noteCalls(areFine: faults == .none, at: world.clock.now)
        world.weather.set(
            StoreFaults(
                errorBefore: random.pick([0, 0.002, 0.02]) ?? 0, lostReply: random.pick([0, 0.002, 0.02]) ?? 0,
                brokenWatch: random.pick([0, 0.01, 0.05]) ?? 0))
    }

    /// What lasts for a while. One at a time.
    private struct Trouble {
        enum Kind {
            case dark(ZoneName)
            case fault(Fault)
        }

        var kind: Kind
        var until: Duration
    }

    private func end(_ trouble: Trouble) {
        switch trouble.kind {
        case .dark(let zone):
            world.substrate.restore(zone)
            note("zone \(zone) is back")
        case .fault(let fault):
            // It may have gone with its cluster.
            guard world.substrate.standingFaults.contains(fault) else { return }
            world.substrate.end(fault)
            note("\(fault.kind) of \(fault.scope) ends", on: fault.cluster)
        }
    }

    /// - Parameters:
    ///   - cluster: nil when it touches all of them.
    ///   - isCrash: it comes back by itself, and what a manager saw before that is no longer true then.
    private func note(_ text: String, on cluster: ClusterName? = nil, isCrash: Bool = false) {
        world.trace.add(text)
        world.countFault()
        let back = isCrash ? world.options.timings.recovery : .zero
        world.ledger.noteFault(on: cluster, at: world.clock.now + back)
    }

    private func strike(_ random: inout SeededRandom, _ trouble: inout Trouble?) {
        switch random.index(100) {
        case 0..<27: crash(&random)
        case 27..<31:
            guard world.options.hasEvacuations, let life = random.pick(world.managers.living) else { return }
            blind(life, &random)
        case 31..<44 where random.chance(0.7): inject(&random, &trouble)
        case 31..<44:
            guard let id = victim(&random)?.id else { return }
            world.substrate.crash(nil, of: id)
            note("all of \(id) crashes", on: id.cluster, isCrash: true)
        case 44..<52:
            guard let id = victim(&random)?.id else { return }
            world.substrate.stop(id)
            note("\(id) loses its supervision", on: id.cluster)
        case 52..<58:
            guard let name = random.pick(world.substrate.existing) else { return }
            world.substrate.crashLoadBalancer(of: name)
            note("the load balancer of \(name) crashes", on: name, isCrash: true)
        case 58..<62: darken(&random, &trouble)
        case 62..<68: inject(&random, &trouble)
        case 68..<84:
            guard let life = random.pick(world.managers.living) else { return }
            let calls = 1 + random.index(40)
            life.dieSoon(after: calls)
            world.trace.add("\(life.name) will be killed at its \(calls). call from now")
        case 84..<92:
            guard let life = random.pick(world.managers.living) else { return }
            let duration = random.duration(.seconds(2), .seconds(30))
            life.pause(for: duration)
            world.trace.add("\(life.name) pauses for \(Int(duration.seconds)) s")
        case 92..<94:
            guard let instance = victim(&random), instance.role == .apiServer else { return }
            world.substrate.wedge(instance.id)
            note("\(instance.id) runs but will not become ready again", on: instance.id.cluster)
        case 94..<96: destroyVolume(&random)
        default: setWeather(&random)
        }
    }

    /// A manager's own network fails, towards one zone or all of them.
    private func blind(_ life: ManagerLife, _ random: inout SeededRandom) {
        let zones = random.chance(0.3) ? Set(world.region.zones) : Set([random.pick(world.region.zones)].compactMap(\.self))
        let duration = random.duration(.seconds(1), .seconds(20))
        life.loseSight(of: zones, for: duration)
        note("\(life.name) hears nothing of \(zones.sorted().map(\.description).joined(separator: ", ")) for \(Int(duration.seconds)) s")
    }

    private func victim(_ random: inout SeededRandom) -> InstanceObservation? {
        guard let name = random.pick(world.substrate.existing) else { return nil }
        return random.pick(world.substrate.trueState(of: name).substrate.instances)
    }

    private func crash(_ random: inout SeededRandom) {
        guard let instance = victim(&random), let part = random.pick(instance.components) else { return }
        world.substrate.crash(part.kind, of: instance.id)
        note("\(part.kind.rawValue) of \(instance.id) crashes", on: instance.id.cluster, isCrash: true)
    }

    /// One zone at a time, with its power or only out of reach.
    private func darken(_ random: inout SeededRandom, _ trouble: inout Trouble?) {
        guard trouble == nil, let zone = random.pick(world.region.zones) else { return }
        let power = random.chance(0.5)
        let duration = random.duration(.seconds(3), .seconds(25))
        trouble = Trouble(kind: .dark(zone), until: world.clock.now + duration)
        world.substrate.lose(zone, power: power)
        note("zone \(zone) is \(power ? "out of reach" : "without power")")
    }

    /// A zone, a cluster's part in it, or one instance.
    private func inject(_ random: inout SeededRandom, _ trouble: inout Trouble?) {
        let kinds: [FaultKind] = [.power, .blackhole, .loss(percent: 30), .slow, .freeze, .diskSlow, .diskFull]
        guard trouble == nil, let kind = random.pick(kinds), let instance = victim(&random) else { return }
        let breadth = random.index(3)
        let fault = Fault(
            id: "f\(random.index(1_000_000))", zone: instance.zone, cluster: breadth > 0 ? instance.id.cluster : nil,
            instance: breadth > 1 ? instance.id.name : nil, kind: kind, since: world.clock.source.now)
        trouble = Trouble(kind: .fault(fault), until: world.clock.now + random.duration(.seconds(3), .seconds(40)))
        world.substrate.begin(fault)
        note("\(kind) of \(fault.scope)", on: fault.cluster)
    }

    /// At most one of a cluster: a majority survives.
    private func destroyVolume(_ random: inout SeededRandom) {
        guard let name = random.pick(world.substrate.existing), let entry = world.ledger.entries[name], !entry.hasLostVolume,
            let volume = random.pick(world.substrate.trueState(of: name).substrate.volumes)
        else { return }
        world.ledger.update(name) { $0.hasLostVolume = true }
        world.substrate.destroy(volume.id)
        note("the disk of volume \(volume.id) is lost", on: name)
    }
}
