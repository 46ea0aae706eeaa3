import FleetModel
import Planning
import Substrate
import Synchronization
import Timing

/// Remembers how the instances of clusters that are being updated behave. Lost with the process: then they are on trial anew.
final class InstanceTrials: Sendable {
    fileprivate struct Subject: Sendable {
        var release: ReleaseID
        var revision: Int
        var processes: [ComponentKind: Int32] = [:]
        /// Ends that were not the release's doing, by component.
        var excused: [String: Int] = [:]
        var excusedKills: [String: Int] = [:]
        var trial = InstanceTrial()
        var passingSince: Duration?
        var failingSince: Duration?
        var commonFailingSince: Duration?
        var checkedAt: Duration?
        /// A member of etcd that was healthy once.
        var hasJoined = false
        /// A member of etcd that was slow also before it became what it is.
        var wasSlow = false
        /// Of the last checks, or of etcd looks, that said something about it, whether they failed.
        var results: [Bool] = []
    }

    /// An API server that has started without etcd ends itself half a minute later.
    private static let aftermath = Duration.seconds(45)

    private let time: TimeSource
    /// When something other than its release was last amiss with a cluster.
    private let unrest = Mutex<[ClusterName: Duration]>([:])
    private let subjects = Mutex<[ClusterName: [String: Subject]]>([:])
    /// Instances that could not be made: there is nothing of them to be seen.
    private let failures = Mutex<[ClusterName: [String: (count: Int, reason: String, isOfRelease: Bool)]]>([:])

    init(time: TimeSource) { self.time = time }

    /// Looks for processes that have ended since the last look, and fills in the observation's trials.
    func note(_ observation: inout ControlPlaneObservation, of cluster: Cluster) {
        let isUpdating = cluster.spec.isUpdating
        let isProving = !isUpdating && cluster.spec.proving.map { time.now < $0.until } ?? false
        guard isUpdating || isProving, cluster.metadata.deletionRequestedAt == nil else { return forget(cluster.name) }
        let now = time.uptime
        let instances = observation.substrate.instancesAndStandbys
        let isForgiving = !observation.impairedZones.isEmpty
        let hasQuorum = observation.hasEtcdQuorum(ControlPlaneIntent(cluster))
        let seen = observation
        if isForgiving || !hasQuorum || !seen.unavailableZones.isEmpty || !seen.isolatedInstances.isEmpty {
            unrest.withLock { $0[cluster.name] = now }
        }
        let isAftermath = isProving && unrest.withLock { $0[cluster.name].map { now - $0 < Self.aftermath } ?? false }
        func isExcused(_ instance: InstanceObservation) -> Bool {
            isForgiving || isAftermath || seen.unavailableZones.contains(instance.zone)
                || seen.isolatedInstances.contains(instance.id.holder.name)
                || instance.role == .apiServer && !hasQuorum
        }
        observation.trials = subjects.withLock { all in
            let old = all[cluster.name] ?? [:]
            var new: [String: Subject] = [:]
            for instance in instances where instance.state == .running {
                var subject = old[instance.id.name] ?? Subject(release: instance.release, revision: instance.configurationRevision)
                if !subject.isOf(instance) {
                    // A standby that has taken over was tried before.
                    let standby = old[instance.id.standby.name].flatMap { $0.isOf(instance) ? $0 : nil }
                    let wasSlow = instance.role == .etcd && (subject.wasSlow || subject.results.count(where: { $0 }) > 2)
                    subject = standby ?? Subject(release: instance.release, revision: instance.configurationRevision, wasSlow: wasSlow)
                }
                subject.look(at: instance.ownComponents, countsProcesses: isUpdating)
                // What this process has not seen itself may have been anybody's doing.
                if isProving, old[instance.id.name] == nil { subject.excuse() }
                // What fails while a zone is not well says nothing about a release.
                if isForgiving {
                    subject.forgive()
                    subject.results = []
                }
                if isExcused(instance) {
                    subject.excuse()
                } else if instance.role == .etcd {
                    subject.look(at: seen.health, of: instance.id.name, now: now)
                }
                new[instance.id.name] = subject
            }
            all[cluster.name] = new
            return new.mapValues { $0.seen(at: now) }
        }
        for (name, failure) in failures.withLock({ $0[cluster.name] ?? [:] }) {
            observation.trials[name, default: InstanceTrial()].failedStarts = failure.count
            observation.trials[name]?.startFailure = failure.reason
            observation.trials[name]?.isStartFailureOfRelease = failure.isOfRelease
        }
    }

    func note(_ result: InstanceCheckResult, of id: InstanceID) {
        let now = time.uptime
        subjects.withLock { $0[id.cluster]?[id.name]?.note(result, at: now) }
    }

    /// Whether an instance could be made; `reason` when not.
    /// - Parameter isOfRelease: its programs are not what they should be.
    func noteStart(of id: InstanceID, failure reason: String?, isOfRelease: Bool = false) {
        failures.withLock { all in
            guard let reason else { return all[id.cluster, default: [:]][id.name] = nil }
            let last = all[id.cluster]?[id.name]
            let before = last?.isOfRelease == isOfRelease ? last?.count ?? 0 : 0
            all[id.cluster, default: [:]][id.name] = (before + 1, reason, isOfRelease)
        }
    }

    /// The cluster's spec is another now: what could not be started then may be now.
    func beginAnew(_ cluster: ClusterName) { failures.withLock { $0[cluster] = nil } }

    func forget(_ cluster: ClusterName) {
        subjects.withLock { $0[cluster] = nil }
        failures.withLock { $0[cluster] = nil }
        unrest.withLock { $0[cluster] = nil }
    }
}

extension InstanceTrials.Subject {
    fileprivate func isOf(_ instance: InstanceObservation) -> Bool {
        release == instance.release && revision == instance.configurationRevision
    }

    /// Whether a process has ended; an API server that came anew is checked anew. Substrates that do not count say so by another process
    /// than before.
    /// - Parameter countsProcesses: whether another process than before is an end where supervision does not count.
    fileprivate mutating func look(at components: [ComponentObservation], countsProcesses: Bool) {
        for part in components {
            let known = trial.ends[part.kind.rawValue, default: 0]
            var ends = known
            if let process = part.processID {
                if countsProcesses, let before = processes[part.kind], before != process { ends += 1 }
                processes[part.kind] = process
            }
            // An instance that was started again is counted anew.
            if let counted = part.ends { ends = counted }
            if ends < known { (excused[part.kind.rawValue], excusedKills[part.kind.rawValue]) = (nil, nil) }
            trial.ends[part.kind.rawValue] = ends
            trial.kills[part.kind.rawValue] = part.kills
            guard ends > known else { continue }
            (passingSince, checkedAt, trial.passes) = (nil, nil, 0)
            // It has to catch up again.
            if part.kind == .etcd { (hasJoined, results) = (false, []) }
            forgive()
        }
    }

    /// A member of etcd that has joined: whether it keeps up with the others. Looks in quick succession count as one.
    fileprivate mutating func look(at health: HealthObservation, of name: String, now: Duration) {
        let member = health.etcdMembers[name]
        if member?.isHealthy == true { hasJoined = true }
        // Who does not answer at all is not ready, which has a limit of its own.
        guard member != nil, hasJoined, !wasSlow, checkedAt.map({ now - $0 >= .seconds(1) }) ?? true else { return }
        checkedAt = now
        let isSlow = health.slowMembers.contains(name)
        remember(isFailure: isSlow)
        trial.failures = isSlow ? trial.failures + 1 : 0
    }

    /// What has ended until now was not the release's doing.
    fileprivate mutating func excuse() { (excused, excusedKills) = (trial.ends, trial.kills) }

    fileprivate mutating func forgive() {
        (failingSince, trial.failures, trial.failure) = (nil, 0, nil)
        (commonFailingSince, trial.commonFailures, trial.commonFailure) = (nil, 0, nil)
    }

    fileprivate mutating func note(_ result: InstanceCheckResult, at now: Duration) {
        checkedAt = now
        switch result {
        case .passed:
            forgive()
            remember(isFailure: false)
            trial.passes += 1
            passingSince = passingSince ?? now
        case .asBefore(let reason):
            let (since, count) = (commonFailingSince ?? now, trial.commonFailures)
            forgive()
            (commonFailingSince, trial.commonFailures, trial.commonFailure) = (since, count + 1, reason)
        // Says nothing about this instance.
        case .undecided: forgive()
        case .failed(let reason):
            let (since, count) = (failingSince ?? now, trial.failures)
            forgive()
            remember(isFailure: true)
            (failingSince, trial.failures, trial.failure) = (since, count + 1, reason)
            (passingSince, trial.passes) = (nil, 0)
        }
    }

    private mutating func remember(isFailure: Bool) { results = (results + [isFailure]).suffix(UpdatePolicy.checkWindow) }

    fileprivate func seen(at now: Duration) -> InstanceTrial {
        var seen = trial
        func unexcused(_ counts: [String: Int], _ excused: [String: Int]) -> [String: Int] {
            counts.reduce(into: [:]) { $0[$1.key] = max(0, $1.value - excused[$1.key, default: 0]) }.filter { $0.value > 0 }
        }
        seen.ends = unexcused(trial.ends, excused)
        seen.kills = unexcused(trial.kills, excusedKills)
        seen.recentFailures = results.count(where: { $0 })
        seen.passingSeconds = passingSince.map { (now - $0).seconds } ?? 0
        seen.failingSeconds = failingSince.map { (now - $0).seconds } ?? 0
        seen.commonFailingSeconds = commonFailingSince.map { (now - $0).seconds } ?? 0
        seen.secondsSinceCheck = checkedAt.map { (now - $0).seconds }
        return seen
    }
}
