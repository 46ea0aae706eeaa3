import FleetModel
import Substrate

/// Whether the controllers of a new release are at work: those of before lead for as long as they are there.
extension ControlPlaneObservation {
    /// Wherever controllers run that anybody hears of, they are of the update.
    public func hasOnlyNewControllers(_ intent: ControlPlaneIntent) -> Bool {
        guard let update = intent.update, update.reversal == nil else { return false }
        let servers = substrate.instances.filter {
            $0.role == .apiServer && $0.state == .running && !$0.hasNoControllers && !unavailableZones.contains($0.zone)
                && !isolatedInstances.contains($0.id.name)
        }
        return !servers.isEmpty && servers.allSatisfy { update.isNew($0, intent.spec) }
    }

    /// The first controller of the update that has not led for a while, or of which that cannot be said while those of before run. Nil where
    /// API servers are not exchanged at all.
    func controllerThatMayNotLead(_ intent: ControlPlaneIntent, _ policy: UpdatePolicy) -> ComponentKind? {
        guard let update = intent.update, substrate.instances.contains(where: { $0.role == .apiServer && update.isNew($0, intent.spec) })
        else { return nil }
        return hasOnlyNewControllers(intent) ? controllerWithoutLead(intent, policy) : ComponentKind.controllers.first
    }

    /// The first controller of which no process of the update has led for a while, though none of before runs.
    public func leaderlessController(_ intent: ControlPlaneIntent, _ policy: UpdatePolicy) -> ComponentKind? {
        hasOnlyNewControllers(intent) ? controllerWithoutLead(intent, policy) : nil
    }

    private func controllerWithoutLead(_ intent: ControlPlaneIntent, _ policy: UpdatePolicy) -> ComponentKind? {
        ComponentKind.controllers.first { kind in
            guard let lead = leads[kind.rawValue], lead.seconds >= policy.trial else { return true }
            let servers = substrate.instances.filter { $0.role == .apiServer }
            // Instances of before Slipway gave them names of their own have the machine's.
            let named = servers.filter { $0.id.name == lead.instance }
            let holders = (named.isEmpty ? servers : named).filter { intent.update?.isNew($0, intent.spec) == true }
            guard !holders.isEmpty else { return true }
            let processes = holders.flatMap(\.components).filter { $0.kind == kind }
            // In a patch the instance stays, and the process of before may have led in it.
            return !processes.isEmpty && !processes.contains { $0.isUp && lead.seconds <= $0.seconds + policy.helperStart }
        }
    }
}
