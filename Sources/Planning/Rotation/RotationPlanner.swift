import FleetModel

/// What to do next about a cluster's rotation.
public enum RotationStep: Codable, Hashable, Sendable {
    /// It has come as far as it was asked to: its update has ended.
    case end
    /// Next generation, which nobody knows of yet, is made and trusted.
    case makeNext
    /// What runs goes over to the phase.
    case enter(RotationPhase)
    /// Nobody needs the generation of before: it is forgotten, and the update has ended.
    case settle
}

/// From a rotation's phase to the next, each when everything of the one before it runs. Pure.
///
/// The rule that it keeps: components of two neighbouring phases run side by side while one replaces the other, and each trusts what
/// the other shows; so do Slipway's own clients, the endpoint's checks, and who has a kubeconfig of before until it is completed.
public struct RotationPlanner: Sendable {
    public init() {}

    /// To be asked when all that runs is as the phase wants it.
    public func step(_ rotation: RotationIntent) -> RotationStep {
        guard rotation.phase != rotation.goal else { return .end }
        return switch rotation.phase {
        case .requested: .makeNext
        case .trusted: .enter(.issued)
        // Clients verify API servers by authorities only.
        case .issued: .enter(rotation.parts.contains(.authorities) ? .served : .retiring)
        case .served: .enter(.retiring)
        case .retiring: .settle
        case .settled: .end
        }
    }

    /// Changes what is wanted of a cluster to a rotation's next phase, one in which components are made anew, with the revisions that
    /// have it taken up.
    ///
    /// Should that go wrong, the cluster goes back to the phase before this one, whose components and this one's trust each other.
    public func enter(_ phase: RotationPhase, next: Int? = nil, _ spec: inout ClusterSpec) {
        guard var rotation = spec.rotation else { return }
        if var update = spec.update {
            var before = rotation
            before.updateID = nil
            update.previous = spec.controlPlane
            update.previousSettings = spec.settings
            // Before the first phase there is nothing to stand at.
            if rotation.phase != .requested { update.previousRotation = before }
            spec.update = update
        }
        rotation.phase = phase
        if let next { rotation.next = next }
        spec.rotation = rotation
        let concernsAuthorities = rotation.parts.contains(.authorities)
        if concernsAuthorities, phase == .trusted || phase == .retiring { spec.controlPlane.trustRevision += 1 }
        // etcd knows nothing of service accounts, and shows nothing to the outside.
        if concernsAuthorities, phase != .served {
            spec.controlPlane.renewEverything()
        } else {
            spec.controlPlane.renewAPIServers()
        }
    }

    /// What is left of a rotation when all is done.
    public func settled(_ rotation: RotationIntent) -> RotationIntent {
        RotationIntent(parts: rotation.parts, phase: .settled, goal: .settled, present: rotation.next ?? rotation.present)
    }
}
