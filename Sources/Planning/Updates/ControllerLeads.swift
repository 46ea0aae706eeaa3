import FleetModel
import Substrate

/// Whether the controllers of a new release are at work: those of before lead for as long as they are there.
extension ControlPlaneObservation {
    /// Every API server that runs, where a zone is in service, is of the update.
    public func hasOnlyNewAPIServers(_ intent: ControlPlaneIntent) -> Bool {
        guard let update = intent.update, update.reversal == nil else { return false }
        let servers = substrate.instances.filter {
            $0.role == .apiServer && $0.state == .running && !unavailableZones.contains($0.zone)
        }
        return !servers.isEmpty && servers.allSatisfy { update.isNew($0, intent.spec) }
    }

    /// The first controller of which no new process has led for a while.
    func controllerWithoutLead(_ intent: ControlPlaneIntent, _ policy: UpdatePolicy) -> ComponentKind? {
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
