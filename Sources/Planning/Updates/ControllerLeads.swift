import FleetModel
import Substrate

/// Whether the controllers of a new release are at work: those of before lead for as long as they are there.
extension ControlPlaneObservation {
    /// Wherever controllers run and a zone is in service, they are of the update.
    public func hasOnlyNewControllers(_ intent: ControlPlaneIntent) -> Bool {
        guard let update = intent.update, update.reversal == nil else { return false }
        let servers = substrate.instances.filter {
            $0.role == .apiServer && $0.state == .running && !$0.hasStoppedControllers && !unavailableZones.contains($0.zone)
        }
        return !servers.isEmpty && servers.allSatisfy { update.isNew($0, intent.spec) }
    }

    /// The first controller of the update that has not led for a while, or of which that cannot be said while those of before run. Nil where
    /// API servers are not exchanged at all.
    func controllerThatMayNotLead(_ intent: ControlPlaneIntent, _ policy: UpdatePolicy) -> ComponentKind? {
        guard let update = intent.update, substrate.instances.contains(where: { $0.role == .apiServer && update.isNew($0, intent.spec) })
        else { return nil }
        return hasOnlyNewControllers(intent) ? controllerWithoutLead(policy) : ComponentKind.controllers.first
    }

    /// The first controller of which no process that runs has led for a while.
    func controllerWithoutLead(_ policy: UpdatePolicy) -> ComponentKind? {
        ComponentKind.controllers.first { kind in
            guard let lead = leads[kind.rawValue], lead.seconds >= policy.trial else { return true }
            let servers = substrate.instances.filter { $0.role == .apiServer }
            // Instances of before Slipway gave them names of their own have the machine's.
            let holder = servers.filter { $0.id.name == lead.instance }
            let processes = (holder.isEmpty ? servers : holder).flatMap(\.components).filter { $0.kind == kind }
            // In a patch the instance stays, and the process of before may have led in it.
            return !processes.isEmpty && !processes.contains { $0.isUp && lead.seconds <= $0.seconds + policy.helperStart }
        }
    }
}
