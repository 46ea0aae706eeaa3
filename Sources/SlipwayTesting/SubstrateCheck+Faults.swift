import FleetModel
import Foundation
import Substrate

extension SubstrateCheck {
    private func faulty() throws -> any FaultInjecting {
        guard let faulty = substrate as? any FaultInjecting else { throw SubstrateConformanceFailure("it takes no faults") }
        return faulty
    }

    private func fault(_ id: String, _ kind: FaultKind, cluster: ClusterName? = nil, zone index: Int = 0) -> Fault {
        Fault(id: id, zone: zone(index), cluster: cluster, kind: kind, since: Date(timeIntervalSince1970: 1_800_000_000))
    }

    func faultsStandUntilCleared() async throws {
        let faulty = try faulty()
        try await makeNetwork()
        try await make(etcd(0))
        let before = try await running(etcd(0))
        let kinds: [FaultKind] = [.blackhole, .loss(percent: 30), .slow, .freeze]
        let faults = kinds.enumerated().map { fault("f\($0.offset)", $0.element) }
        for fault in faults { try await faulty.inject(fault) }
        try require(try await faulty.faults() == faults, "the faults that were injected are not those that stand")
        try await faulty.inject(faults[0])
        try require(try await faulty.faults() == faults, "the same fault again is another one")
        try await refused(.conflict, "another fault with the same id") { try await faulty.inject(fault("f0", .freeze)) }
        try await refused(.invalid, "an id that cannot be") { try await faulty.inject(fault("F/0", .freeze)) }
        try await refused(.invalid, "clearing what does not stand") { try await faulty.clear("f9") }
        let hidden = try await instance(etcd(0).id)
        try require(hidden?.state == .running && hidden?.components.allSatisfy(\.isUp) == true, "a grey fault shows in the observation")
        try await faulty.clear("f1")
        try require(try await faulty.faults() == [faults[0], faults[2], faults[3]], "another fault was cleared than was asked for")
        try await faulty.clear(nil)
        try await faulty.clear(nil)
        try require(try await faulty.faults().isEmpty, "a fault stands after all were cleared")
        try require(processes(try await running(etcd(0))) == processes(before), "a fault that kills nothing restarted something")
    }

    func powerKeepsInstancesDown() async throws {
        let faulty = try faulty()
        try await makeNetwork()
        try await make(etcd(0))
        let before = try await running(etcd(0))
        try await faulty.inject(fault("f1", .power))
        let dark = try await instance(etcd(0).id)
        try require(dark?.state == .running && dark?.components.contains(where: \.isUp) == false, "not as seen from afar: \(dark as Any)")
        try await refused(.unavailable, "starting without power") { try await substrate.ensureInstance(etcd(0)) }
        try await refused(.unavailable, "making without power") { try await substrate.ensureInstance(apiServer(0)) }
        try await make(apiServer(1))
        _ = try await running(apiServer(1))
        try await faulty.clear("f1")
        let after = try await running(etcd(0))
        try require(after.components.count == before.components.count, "not all came back")
        try await make(apiServer(0))
        _ = try await running(apiServer(0))
    }

    func faultsDoNotHinderRemoval() async throws {
        let faulty = try faulty()
        try await makeNetwork()
        for (index, kind) in [FaultKind.freeze, .power, .diskFull].enumerated() {
            try await make(etcd(index))
            _ = try await running(etcd(index))
            try await faulty.inject(fault("f\(index)", kind, cluster: cluster, zone: index))
        }
        try await removeAll(cluster)
        try require(try await faulty.faults().isEmpty, "faults of a cluster that is gone stand")
    }
}
