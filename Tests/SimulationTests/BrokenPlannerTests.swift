import Fleet
import FleetModel
import Planning
import Simulation
import Substrate
import Testing

/// The simulation can fail: planners that are broken on purpose are found.
@Suite struct BrokenPlannerTests {
    /// Runs seeds with the broken planner until enough fail, and takes the first that says `text`.
    private func failure(saying text: String, _ plan: @escaping PlanFunction) async -> SimulationReport? {
        var options = SimulationOptions()
        options.plan = plan
        options.checksInvariants = false
        options.patience = .seconds(60)
        options.harmPatience = .seconds(8)
        var seeds: Range<UInt64> = 1..<5
        while seeds.upperBound < 400 {
            let failed = await SimulationBatch(seeds: seeds, options: options).run().failed
            if let found = failed.first(where: { ($0.violations + $0.unfinished).contains { $0.contains(text) } }) { return found }
            seeds = seeds.upperBound..<seeds.upperBound + 4
        }
        return nil
    }

    @Test func twoMembersAtOnce() async throws {
        let report = await failure(saying: "invariant 1") { intent, observation in
            var plan = ControlPlanePlanner().plan(intent, observation)
            let replaced = plan.actions.compactMap { action -> InstanceIntent? in
                if case .replaceInstance(let instance) = action { instance } else { nil }
            }
            guard let first = replaced.first else { return plan }
            for other in observation.substrate.instances where other.role == .etcd && other.id != first.id {
                var intent = first
                intent.id = other.id
                intent.zone = other.zone
                intent.address = other.address
                intent.volume = other.volume
                plan.actions.append(.replaceInstance(intent))
            }
            return plan
        }
        #expect(report?.hasPassed == false)
        #expect(report?.text.contains("replay with: slipway simulate --seed") == true)
    }

    @Test func allAPIServersAtOnce() async {
        let report = await failure(saying: "invariant 2") { intent, observation in
            var plan = ControlPlanePlanner().plan(intent, observation)
            let outdated = observation.substrate.instances.filter {
                $0.role == .apiServer && $0.configurationRevision != intent.spec.configurationRevision
            }
            if !intent.isDeleting { plan.actions += outdated.map { .removeInstance($0.id) } }
            return plan
        }
        #expect(report?.hasPassed == false)
    }

    @Test func aLostVolumeIsMadeAnew() async {
        let report = await failure(saying: "invariant 6") { intent, observation in
            var forgetful = intent
            forgetful.isEstablished = false
            return ControlPlanePlanner().plan(forgetful, observation)
        }
        #expect(report?.hasPassed == false)
    }

    @Test func theNetworkIsForgottenOnDelete() async {
        let report = await failure(saying: "left on the substrate") { intent, observation in
            var plan = ControlPlanePlanner().plan(intent, observation)
            plan.actions.removeAll { if case .removeNetwork = $0 { true } else { false } }
            if intent.isDeleting, plan.actions.isEmpty { plan.outlook = .gone }
            return plan
        }
        #expect(report?.hasPassed == false)
    }

    @Test func aDeletedVolume() async {
        let report = await failure(saying: "invariant 3") { intent, observation in
            var plan = ControlPlanePlanner().plan(intent, observation)
            if !intent.isDeleting, intent.isEstablished,
                let stopped = observation.substrate.instances.first(where: { $0.state == .stopped }),
                let volume = stopped.volume
            {
                plan.actions = [.removeInstance(stopped.id), .removeVolume(volume)]
            }
            return plan
        }
        #expect(report?.hasPassed == false)
    }

    /// In the place of what is out of service a member that answers is fenced off.
    @Test func theWrongOneIsFencedOff() async {
        let report = await failure(saying: "worse than left alone") { intent, observation in
            var plan = ControlPlanePlanner().plan(intent, observation)
            let out = observation.substrate.instances.first {
                $0.role == .etcd && (observation.unavailableZones.contains($0.zone) || observation.isolatedInstances.contains($0.id.name))
            }
            guard let out, !intent.isDeleting,
                let wrong = observation.substrate.instances.first(where: { $0.role == .etcd && $0.zone != out.zone })
            else { return plan }
            plan.actions.removeAll { if case .ensureFence = $0 { true } else { false } }
            if observation.substrate.fenced != [wrong.address] { plan.actions.append(.ensureFence(intent.cluster, [wrong.address])) }
            return plan
        }
        #expect(report?.hasPassed == false)
    }

    /// A zone that is evacuated takes every API server with it.
    @Test func nobodyIsLeftBehindTheEndpoint() async {
        let report = await failure(saying: "worse than left alone") { intent, observation in
            var plan = ControlPlanePlanner().plan(intent, observation)
            guard !observation.unavailableZones.isEmpty, !intent.isDeleting, let balancer = observation.substrate.loadBalancer else {
                return plan
            }
            let closed = balancer.backends.map { LoadBalancerSpec.Backend(name: $0.name, address: $0.address, admission: .closed) }
            plan.actions.removeAll { if case .ensureLoadBalancer = $0 { true } else { false } }
            if balancer.backends.contains(where: { $0.admission != .closed }) {
                plan.actions.append(
                    .ensureLoadBalancer(
                        LoadBalancerIntent(cluster: intent.cluster, network: intent.spec.network, backends: closed)))
            }
            return plan
        }
        #expect(report?.hasPassed == false)
    }

    /// Whoever forgets that an update is under way gives traffic to what nobody has tried.
    @Test func newOnesAreLetInUntried() async {
        let report = await failure(saying: "has not passed its check") { Self.forgetting($0, $1) }
        #expect(report?.hasPassed == false)
    }

    /// And takes what is no good for good.
    @Test func aBadReleaseStays() async {
        let report = await failure(saying: "a bad release stays") { Self.forgetting($0, $1) }
        #expect(report?.hasPassed == false)
    }

    private static func forgetting(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> Plan {
        var forgetful = intent
        forgetful.update = nil
        return ControlPlanePlanner().plan(forgetful, observation)
    }

    /// etcd's members go back though their storage has moved on.
    @Test func etcdGoesBackBehindItsStorage() async {
        let report = await failure(saying: "invariant 4") { intent, observation in
            var backward = intent
            if let update = intent.update, update.reversal != nil { backward.spec.etcdRelease = update.previous.etcdRelease }
            return ControlPlanePlanner().plan(backward, observation)
        }
        #expect(report?.hasPassed == false)
    }

    /// Members are exchanged although a zone is not well.
    @Test func aFaultIsNotWaitedFor() async {
        let report = await failure(saying: "out of service or not well") { intent, observation in
            var blind = observation
            blind.impairedZones = []
            return ControlPlanePlanner().plan(intent, blind)
        }
        #expect(report?.hasPassed == false)
    }

    @Test func restlessness() async {
        let report = await failure(saying: "were changed although") { intent, observation in
            var plan = ControlPlanePlanner().plan(intent, observation)
            if plan.outlook == .healthy {
                plan.actions = [.ensureNetwork(NetworkSpec(cluster: intent.cluster, network: intent.spec.network))]
            }
            return plan
        }
        #expect(report?.hasPassed == false)
    }
}
