import FleetModel
import Foundation
import Planning
import Substrate
import Testing

@Suite struct EncryptionPlanningTests {
    private static let arn = "arn:aws:kms:local-1:000000000000:key/1a2b3c4d-0000-4000-8000-000000000000"

    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func seal(_ version: Int, _ interface: EncryptionSeal.Interface = .v1) -> EncryptionSeal {
        EncryptionSeal(keyVersion: version, interface: interface)
    }

    private func intent(_ phase: EncryptionPhase, older: [EncryptionSeal] = [], target: Int = 1, plain: PlainRemains? = nil)
        -> EncryptionIntent
    {
        EncryptionIntent(keyARN: Self.arn, scope: "uid", target: seal(target), older: older, phase: phase, plain: plain, updateID: "u")
    }

    private func step(
        _ intent: EncryptionIntent, current: Bool = true, secrets: SecretCensus? = nil, newest: Int? = nil, busy: Bool = false,
        defragmentedAt: [String: Date?] = [:]
    ) -> EncryptionStep {
        EncryptionPlanner().step(
            intent,
            EncryptionObservation(
                areServersCurrent: current, newestKeyVersion: newest, isBusy: busy, secrets: secrets, defragmentedAt: defragmentedAt))
    }

    private func reason(_ step: EncryptionStep) -> String? {
        if case .wait(let wait) = step { wait.reason } else { nil }
    }

    @Test func anAssociationGoesFromPhaseToPhase() {
        #expect(step(intent(.readable)) == .enter(.writable, changesServers: true))
        #expect(step(intent(.writable)) == .enter(.rewriting, changesServers: false))
        #expect(step(intent(.rewriting), secrets: SecretCensus(total: 9, others: 3, revision: 50)) == .rewrite)
        #expect(
            step(intent(.rewriting), secrets: SecretCensus(total: 9, others: 0, revision: 60))
                == .enter(.compacting(60), changesServers: false))
        #expect(step(intent(.compacting(60)), secrets: SecretCensus(total: 9, others: 0, revision: 70)) == .compact(60))
        var young = EncryptionObservation(areServersCurrent: true, secrets: SecretCensus(total: 9, others: 0, revision: 70))
        young.phaseSeconds = EncryptionPlanner.listPatience - 1
        #expect(reason(EncryptionPlanner().step(intent(.compacting(60)), young)) == "ListsEnd")
        young.phaseSeconds = EncryptionPlanner.listPatience
        #expect(EncryptionPlanner().step(intent(.compacting(60)), young) == .compact(60))
        let gone = SecretCensus(total: 9, others: 0, revision: 70, isHistoryGone: true)
        #expect(step(intent(.compacting(60), plain: .values), secrets: gone) == .enter(.defragmenting, changesServers: false))
        #expect(step(intent(.compacting(60)), secrets: gone) == .enter(.settled, changesServers: false), "nothing ever was plain")
        let defragmenting = intent(.defragmenting, plain: .files(before: Self.now))
        let after = Self.now.addingTimeInterval(1)
        #expect(reason(step(defragmenting, defragmentedAt: ["a": after, "b": nil])) == "DefragmentationToCome")
        #expect(reason(step(defragmenting, defragmentedAt: ["a": after, "b": Self.now.addingTimeInterval(-1)])) == "DefragmentationToCome")
        #expect(step(defragmenting, defragmentedAt: ["a": after, "b": after]) == .enter(.settled, changesServers: false))
        #expect(step(intent(.settled), newest: 1) == .nothing)
    }

    /// No API server may be behind when the next phase begins: it could meet what it cannot read.
    @Test(arguments: [EncryptionPhase.readable, .writable, .retiring]) func nobodyIsLeftBehind(_ phase: EncryptionPhase) {
        #expect(reason(step(intent(phase), current: false)) == "EncryptionWaits")
    }

    @Test func aRotationEndsWithoutTheOldKey() {
        let begun = EncryptionPlanner().rotated(intent(.settled), to: seal(2), updateID: "v")
        #expect(begun.phase == .readable && begun.older == [seal(1)] && begun.target == seal(2) && begun.updateID == "v")
        let gone = SecretCensus(total: 1, others: 0, revision: 9, isHistoryGone: true)
        #expect(
            step(intent(.compacting(8), older: [seal(1)], target: 2), secrets: gone) == .enter(.retiring, changesServers: true))
        #expect(step(intent(.retiring, older: [seal(1)], target: 2)) == .enter(.settled, changesServers: false))
        // A backup of the time before was restored meanwhile: both are to go, what was plain and the old key.
        #expect(
            step(intent(.compacting(8), older: [seal(1)], target: 2, plain: .values), secrets: gone)
                == .enter(.defragmenting, changesServers: false))
        #expect(
            step(
                intent(.defragmenting, older: [seal(1)], target: 2, plain: .files(before: Self.now)), defragmentedAt: ["a": Self.now])
                == .enter(.retiring, changesServers: true))
    }

    @Test func aNewVersionIsTakenUpWhenNothingElseIsUnderWay() {
        #expect(step(intent(.settled), newest: 3) == .rotate(to: 3))
        #expect(reason(step(intent(.settled), newest: 3, busy: true)) == "RotationLater")
        #expect(reason(step(intent(.settled), current: false, newest: 3)) == "EncryptionWaits")
        #expect(step(intent(.settled), newest: nil) == .nothing, "a key service that does not answer changes nothing")
    }

    /// Data of before that comes back, by a restore say, is written anew and not left.
    @Test func plainDataThatComesBackIsNotMissed() {
        let back = SecretCensus(total: 5, others: 2, revision: 80, isHistoryGone: true)
        #expect(step(intent(.compacting(60)), secrets: back) == .enter(.rewriting, changesServers: false))
        #expect(reason(step(intent(.rewriting))) == "EtcdNotSeen")
        #expect(reason(step(intent(.compacting(60)))) == "EtcdNotSeen")
    }

    /// The rule behind the phases: of two that run side by side, each reads what the other writes. Every way of getting from plain to
    /// settled, and from one version to the next, also after a restore.
    @Test func neighboursReadEachOther() {
        let plain: [EncryptionProvider] = [.identity]
        let association = [EncryptionPhase.readable, .writable, .rewriting, .compacting(1), .defragmenting, .settled].map {
            intent($0).apiServerProviders
        }
        expectNeighbours([plain] + association)
        let rotation = [EncryptionPhase.readable, .writable, .rewriting, .compacting(1), .retiring, .settled].map {
            intent($0, older: [seal(1)], target: 2).apiServerProviders
        }
        expectNeighbours([intent(.settled).apiServerProviders] + rotation)
        let now = intent(.settled, target: 3)
        let restored = now.restored(from: intent(.rewriting, older: [seal(1)], target: 2))
        #expect(restored.older == [seal(2), seal(1)] && restored.phase == .writable)
        expectNeighbours([now.apiServerProviders, restored.apiServerProviders])
        #expect(restored.plain == .values && now.restored(from: nil).plain == .values)
        #expect(now.restored(from: intent(.settled)).plain == now.plain)
        #expect(now.restored(from: nil).older.isEmpty && now.restored(from: now).older.isEmpty)
    }

    private func expectNeighbours(_ sequence: [[EncryptionProvider]], _ location: SourceLocation = #_sourceLocation) {
        for (before, after) in zip(sequence, sequence.dropFirst()) {
            #expect(before.contains(after[0]), "\(before) cannot read what \(after) writes", sourceLocation: location)
            #expect(after.contains(before[0]), "\(after) cannot read what \(before) writes", sourceLocation: location)
        }
    }

    @Test func onlyTheKeysOfThePhaseAreHandedOut() {
        #expect(intent(.readable).sealingOrder == [seal(1)])
        #expect(intent(.readable, older: [seal(1)], target: 2).sealingOrder == [seal(1), seal(2)], "the old one still seals")
        #expect(intent(.writable, older: [seal(1)], target: 2).sealingOrder == [seal(2), seal(1)])
        #expect(intent(.retiring, older: [seal(1)], target: 2).sealingOrder == [seal(2)])
    }

    @Test func storedValuesAreToldByTheirPrefix() throws {
        let id = intent(.settled).keyID
        #expect(seal(1).storedPrefix(of: id) == "k8s:enc:kms:v1:slipway-1a2b3c4d-1:")
        #expect(seal(12, .v2).storedPrefix(of: id) == "k8s:enc:kms:v2:slipway-1a2b3c4d-12:")
        #expect(EncryptionSeal.newest(keyVersion: 1, for: try KubernetesVersion("1.26.3")).interface == .v1)
        #expect(EncryptionSeal.newest(keyVersion: 1, for: try KubernetesVersion("1.27")).interface == .v2)
    }

    // MARK: A plugin that does not work

    @Test func aPluginThatIsDownIsSaidAndCostsNoInstance() throws {
        var fixture = try PlannerFixture.whole()
        #expect(fixture.plan.outlook == .healthy)
        fixture.observation.health.apiServers["api-1"]?.isSealing = false
        #expect(fixture.reasons == ["KMSPluginDown"] && fixture.plan.actions.isEmpty && fixture.plan.outlook == .degraded)
        fixture.observation.health.apiServers["api-1"]?.isSealing = true
        fixture.change("api-1") {
            $0.components = [ComponentObservation(kind: .kmsPlugin, isUp: false, processID: nil, seconds: 3)]
        }
        #expect(fixture.reasons == ["KMSPluginDown"] && fixture.plan.actions.isEmpty)
    }

    /// One whose plugin does not come back, while another's works, is made anew beside it.
    @Test func aPluginThatStaysDownCostsTheInstance() throws {
        var fixture = try PlannerFixture.whole()
        fixture.observation.health.apiServers["api-1"]?.isSealing = false
        fixture.change("api-1") {
            $0.components = [ComponentObservation(kind: .kmsPlugin, isUp: false, processID: nil, seconds: 3, lastWords: "mode 0644")]
        }
        fixture.observation.unsealingSeconds["api-1"] = 61
        #expect(fixture.titles.contains("start instance api-3") && fixture.reasons.contains("KMSPluginDown"))
        #expect(fixture.plan.waits.contains { $0.message.contains("its last words: mode 0644") })
        fixture.carryOut(fixture.plan.actions)
        fixture.observation.health.apiServers["api-1"]?.isSealing = false
        for _ in 0..<4 where fixture.observation.substrate.instances.contains(where: { $0.id.name == "api-1" }) {
            #expect(fixture.ownViolations.isEmpty)
            fixture.carryOut(fixture.plan.actions)
            fixture.observation.health.apiServers["api-1"]?.isSealing = false
        }
        #expect(!fixture.observation.substrate.instances.contains { $0.id.name == "api-1" }, "\(fixture.titles) \(fixture.reasons)")
        // Where the one that came for it does no better, no more come.
        var again = fixture
        for name in ["api-2", "api-3"] {
            again.observation.health.apiServers[name]?.isSealing = name == "api-2"
            again.observation.unsealingSeconds[name] = name == "api-3" ? 100 : nil
        }
        again.carryOut(again.plan.actions)
        let newest = again.observation.substrate.instances.map(\.id.name).filter { $0.hasPrefix("api") }.max() ?? ""
        for name in ["api-3", newest] {
            again.observation.health.apiServers[name]?.isSealing = false
            again.observation.unsealingSeconds[name] = 100
        }
        #expect(!again.titles.contains { $0.hasPrefix("start instance") }, "\(again.titles)")
        // Where no plugin works it is something else.
        var all = try PlannerFixture.whole()
        for name in ["api-1", "api-2"] {
            all.observation.health.apiServers[name]?.isSealing = false
            all.observation.unsealingSeconds[name] = 100
        }
        #expect(all.titles.isEmpty)
    }

    /// New API servers that cannot decrypt do not take the place of old ones that can.
    @Test func nobodyGoesForOneThatCannotDecrypt() throws {
        var fixture = try PlannerFixture.whole()
        fixture.intent.spec.renewAPIServers()
        for (number, zone) in [(3, PlannerFixture.zones[0]), (4, PlannerFixture.zones[1])] {
            fixture.addAPIServer(number, zone, ready: true)
        }
        fixture.pointEndpoint()
        for name in ["api-3", "api-4"] { fixture.observation.health.apiServers[name]?.isSealing = false }
        #expect(!fixture.titles.contains { $0.contains("drain") || $0.contains("remove") || $0.contains("retire") }, "\(fixture.titles)")
        for name in ["api-3", "api-4"] { fixture.observation.health.apiServers[name]?.isSealing = true }
        #expect(fixture.titles.contains { $0.contains("api-1 (drain)") }, "\(fixture.titles)")
    }
}
