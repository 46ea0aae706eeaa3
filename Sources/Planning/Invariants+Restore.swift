import FleetModel
import Substrate

extension Invariants {
    /// 6: data is replaced only by a snapshot that was found good, never under a running member, and a member whose data was not
    /// replaced never meets those whose was.
    func restoring(_ actions: [Action], _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> [InvariantViolation] {
        let state = RestoreState(intent, observation)
        let left = Set(state.left.map(\.id))
        return actions.compactMap { action in
            switch action {
            case .restoreMember(let member, let restore):
                if intent.restore?.id != restore.id {
                    return InvariantViolation(6, "volume \(member.id.name) would be overwritten, and nobody asked for it")
                }
                if !state.hasBegun, observation.restore?.isPrepared != true {
                    return InvariantViolation(6, "volume \(member.id.name) would be overwritten from a snapshot that was not checked")
                }
                if !left.contains(member.id) {
                    return InvariantViolation(6, "volume \(member.id.name) is restored and would be overwritten")
                }
                let holds = observation.substrate.instances.contains { $0.id == member.id || $0.volume == member.volume }
                return holds ? InvariantViolation(6, "volume \(member.id.name) would be overwritten under a running member") : nil
            case .startInstance(let instance), .replaceInstance(let instance):
                guard state.hasBegun, intent.restore != nil, left.contains(instance.id) else { return nil }
                return InvariantViolation(6, "\(instance.id.name) would start with data from before the restore")
            default: return nil
            }
        }
    }
}
