import FleetModel
import Foundation
import Substrate
import Testing

@testable import LocalSubstrate

struct FaultTests {
    private let since = Date(timeIntervalSince1970: 0)
    private func zone(_ name: String) -> ZoneName { ZoneName(rawValue: name) }

    @Test(arguments: FaultKind.forms + ["loss=0.5%", "loss=99%"])
    func kindsAreWrittenAsTheyAreRead(text: String) throws {
        #expect(try FaultKind(text).description == text)
        #expect(try JSONDecoder().decode(FaultKind.self, from: JSONEncoder().encode(try FaultKind(text))) == FaultKind(text))
    }

    @Test(arguments: [
        "", "powerr", "Power", "loss", "loss=", "loss=%", "loss=0%", "loss=100%", "loss=-5%", "loss=1e1%", "loss=nan%", "loss=0x1p3",
        "loss=30%%", "disk", "loss=30 %",
    ])
    func whatIsNoKindIsRefusedWithAdvice(text: String) throws {
        let error = try #require(throws: SubstrateError.self) { try FaultKind(text) }
        #expect(error.code == .invalid)
        #expect(error.message.contains("loss=30%"))
    }

    @Test func aPercentSignMayBeLeftOut() throws { #expect(try FaultKind("loss=30") == .loss(percent: 30)) }

    @Test func aFaultCoversItsScopeOnly() throws {
        let (demo, other) = (try ClusterName("demo"), try ClusterName("other"))
        let id = InstanceID(cluster: demo, name: "etcd-a")
        var fault = Fault(id: "f1", zone: zone("a"), kind: .power, since: since)
        #expect(fault.covers(id, in: zone("a")) && !fault.covers(id, in: zone("b")))
        fault.cluster = other
        #expect(!fault.covers(id, in: zone("a")))
        fault.cluster = demo
        fault.instance = "api-1"
        #expect(!fault.covers(id, in: zone("a")))
        #expect(fault.covers(InstanceID(cluster: demo, name: "api-1"), in: zone("a")))
    }

    @Test func faultsAddUpAndVolumesFaultsNeedAVolume() throws {
        let id = InstanceID(cluster: try ClusterName("demo"), name: "api-1")
        let kinds: [FaultKind] = [.loss(percent: 50), .loss(percent: 50), .diskFull, .diskSlow, .freeze]
        let faults = kinds.enumerated().map { Fault(id: "f\($0.offset)", zone: zone("a"), kind: $0.element, since: since) }
        let effects = FaultEffects(of: faults, on: id, in: zone("a"), hasVolume: false)
        #expect(effects.lossPercent == 75 && effects.isFrozen && !effects.hasFullDisk && !effects.hasSlowDisk)
        #expect(FaultEffects(of: faults, on: id, in: zone("a"), hasVolume: true).hasFullDisk)
        #expect(FaultEffects(of: faults, on: id, in: zone("b"), hasVolume: true) == .none)
    }

    @Test func rulesDropAtBothPortsAndGoWithTheLastFault() {
        let rules = FaultRules(table: "slipway")
        let text = rules.definition([.init(link: "swv1", percent: 100), .init(link: "swv2", percent: 12.5)])
        #expect(text.contains("iifname \"swv1\" meta protocol { ip, ip6 } drop"))
        #expect(text.contains("oifname \"swv2\" meta protocol { ip, ip6 } numgen random mod 10000 < 1250 drop"))
        #expect(rules.definition([]) == "table bridge slipway\ndelete table bridge slipway\n")
    }

    @Test func aFaultThatCannotBeIsRefused() throws {
        for id in ["", "A", "../x", String(repeating: "a", count: 41)] {
            #expect(throws: SubstrateError.self) { try Fault(id: id, zone: zone("a"), kind: .power, since: since).check() }
        }
        let lost = Fault(id: "f1", zone: zone("a"), instance: "api-1", kind: .power, since: since)
        #expect(throws: SubstrateError.self) { try lost.check() }
    }
}
