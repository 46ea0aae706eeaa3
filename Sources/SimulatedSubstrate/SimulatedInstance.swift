import FleetModel
import Substrate

struct SimulatedComponent: Sendable {
    var kind: ComponentKind
    /// The process runs from this time on; later than now while supervision waits.
    var startsAt: Duration
    var processID: Int32
}

struct SimulatedInstance: Sendable {
    var id: InstanceID
    var role: InstanceRole
    var zone: ZoneName
    var address: IPv4Address
    var volume: VolumeID?
    var sizeName: String
    var release: ReleaseID
    var configurationRevision: Int
    var state: InstanceObservation.State = .incomplete
    var components: [SimulatedComponent] = []
    /// It runs, and never becomes ready.
    var isWedged = false
    /// Started to join members that are there.
    var isJoining: Bool
    /// What is wrong with its release.
    var flaw: ReleaseFlaw?
    /// Of its etcd.
    var etcdMinor = 0
    /// What customers do has worked through it.
    var isProven = false
    /// Beside its API server, to take over from it.
    var standby: SimulatedStandby?
    /// The standby serves, and what was before it has not gone yet.
    var isHandingOver = false
    /// Its controllers were told to end.
    var hasStoppedControllers = false
    /// Of the call that works on it; a call that finds another's number has been overtaken.
    var operation: Int

    init(_ spec: InstanceSpec, operation: Int) {
        id = spec.id
        role = spec.role
        zone = spec.zone
        address = spec.address
        volume = spec.volume
        sizeName = spec.size.name
        release = spec.release
        configurationRevision = spec.configurationRevision
        isJoining = spec.isJoining
        self.operation = operation
    }

    /// It would not have to be made anew.
    func isAsWanted(_ spec: InstanceSpec) -> Bool {
        isJoining == spec.isJoining && sizeName == spec.size.name && release == spec.release
            && configurationRevision == spec.configurationRevision
    }

    /// What is asked for differs from it in nothing but the release.
    func takes(_ spec: InstanceSpec) -> Bool {
        var other = spec
        other.release = release
        return role == .apiServer && spec.role == .apiServer && address == spec.address && zone == spec.zone && isAsWanted(other)
    }

    /// The standby serves from now on; what runs beside it comes anew.
    mutating func takeOver(_ next: SimulatedStandby) {
        release = next.release
        (flaw, isProven, isWedged) = (next.flaw, next.isProven, false)
        for index in components.indices where components[index].kind == .apiServer { components[index] = next.component }
        standby = nil
        isHandingOver = true
    }

    /// What runs beside the server is exchanged.
    mutating func endHandover(_ now: Duration, process: Int32) {
        isHandingOver = false
        startControllers(now, process: process)
    }

    mutating func setControllers(areStopped: Bool, _ now: Duration, process: Int32) {
        guard hasStoppedControllers != areStopped else { return }
        hasStoppedControllers = areStopped
        if !areStopped { startControllers(now, process: process) }
    }

    private mutating func startControllers(_ now: Duration, process: Int32) {
        for index in components.indices where ComponentKind.controllers.contains(components[index].kind) {
            components[index].startsAt = now
            components[index].processID = process
        }
    }

    /// The standby as if it were an instance.
    var standbyInstance: SimulatedInstance? {
        guard let standby else { return nil }
        var made = self
        made.id = id.standby
        made.release = standby.release
        made.components = [standby.component]
        (made.flaw, made.isProven, made.isWedged) = (standby.flaw, standby.isProven, false)
        (made.standby, made.isHandingOver) = (nil, false)
        return made
    }

    /// Since when its main process runs, if it does.
    func runningSince(_ kind: ComponentKind, now: Duration) -> Duration? {
        guard state == .running, let main = components.first(where: { $0.kind == kind }), main.startsAt <= now else { return nil }
        return main.startsAt
    }

    /// Without power it looks as it last did, with nobody there to speak for its components; no other fault shows.
    func observation(now: Duration, _ effects: FaultEffects) -> InstanceObservation {
        func observed(_ component: SimulatedComponent) -> ComponentObservation {
            let isEnding = effects.hasFullDisk && component.kind == .etcd
            let isStopped = hasStoppedControllers && ComponentKind.controllers.contains(component.kind)
            let isUp = state == .running && component.startsAt <= now && !effects.hasNoPower && !isEnding && !isStopped
            let seconds = (now - component.startsAt).magnitudeInSeconds
            return ComponentObservation(kind: component.kind, isUp: isUp, processID: isUp ? component.processID : nil, seconds: seconds)
        }
        var seen = InstanceObservation(
            id: id, role: role, zone: zone, address: address, volume: volume, sizeName: sizeName, release: release,
            configurationRevision: configurationRevision, state: state,
            components: components.map(observed), isJoining: isJoining)
        seen.standby = standby.map { StandbyServer(release: $0.release, component: observed($0.component), port: 6444) }
        seen.isHandingOver = isHandingOver
        seen.hasStoppedControllers = hasStoppedControllers
        return seen
    }
}

struct SimulatedStandby: Sendable {
    var release: ReleaseID
    var component: SimulatedComponent
    var flaw: ReleaseFlaw?
    var isProven = false
}

struct SimulatedVolume: Sendable {
    var id: VolumeID
    var zone: ZoneName
    var isUsable = true
    /// The newest write that it holds.
    var written = 0
}

struct SimulatedBalancer: Sendable {
    struct Backend: Sendable {
        var name: String
        var address: IPv4Address
        var admission: LoadBalancerSpec.Admission
        /// Since when it has this admission.
        var since: Duration
    }

    var address: IPv4Address
    var startsAt: Duration
    var backends: [Backend]
    var access: EndpointAccess?
    var trustRevision = 0
}

extension Duration {
    var magnitudeInSeconds: Double { abs(Double(components.seconds) + Double(components.attoseconds) / 1e18) }
}
