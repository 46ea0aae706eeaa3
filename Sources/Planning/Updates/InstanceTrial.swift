import FleetModel
import Substrate

/// How one instance has behaved since it was first seen. In memory only: what a new process does not know, it finds out again.
public struct InstanceTrial: Codable, Hashable, Sendable {
    /// How often a process ended by itself, by the component's name.
    public var ends: [String: Int] = [:]
    /// Of these, by a signal or in good order: a person's doing, the kernel's for lack of memory, or its own after all.
    public var kills: [String: Int] = [:]
    /// How often it could not be made or started, in a row, and why the last time.
    public var failedStarts = 0
    public var startFailure: String?
    /// By its programs, whatever the instance was like before.
    public var isStartFailureOfRelease = false
    /// Of the customer-like check: how often it has passed in a row, since when, and when last. Seconds ago.
    public var passes = 0
    public var passingSeconds: Double = 0
    /// Nil: never checked.
    public var secondsSinceCheck: Double?
    /// The check fails, and passes on an instance of before: what went wrong the last time, and for how long it has been so.
    public var failure: String?
    public var failingSeconds: Double = 0
    /// How often it has failed so in a row.
    public var failures = 0
    /// How many of the last `UpdatePolicy.checkWindow` checks have failed so; of a member of etcd, looks that found it slow.
    public var recentFailures = 0
    /// The check fails, and does so at the same step on an instance of before, say since a webhook of the cluster's owner does not
    /// answer: what went wrong the last time, for how long it has been so, and how often in a row.
    public var commonFailure: String?
    public var commonFailingSeconds: Double = 0
    public var commonFailures = 0

    public init() {}

    /// Passes are counted anew when a process has ended.
    public func hasPassed(_ policy: UpdatePolicy) -> Bool {
        passes >= 2 && passingSeconds >= policy.trial || isNoWorse(policy)
    }

    /// It has passed once; enough where haste is asked for.
    func hasPassedOnce(_ policy: UpdatePolicy) -> Bool { passes > 0 || isNoWorse(policy) }

    /// What customers do does not work through it, and no more through those of before: nobody loses anything by it.
    private func isNoWorse(_ policy: UpdatePolicy) -> Bool {
        commonFailures >= 3 && commonFailingSeconds > policy.checkPatience
    }

    public func needsCheck(_ policy: UpdatePolicy) -> Bool { secondsSinceCheck.map { $0 >= policy.checkInterval } ?? true }
}

extension ComponentObservation {
    /// To be added to a sentence about it; empty when it said nothing.
    static func quoted(_ lastWords: String?) -> String { lastWords.map { "; its last words: \($0.prefix(300))" } ?? "" }
}

extension InstanceObservation {
    /// Of its component of that kind.
    func quotedWords(of kind: ComponentKind) -> String {
        ComponentObservation.quoted(components.first { $0.kind == kind }?.lastWords)
    }
}

extension ControlPlaneIntent {
    /// An update is under way to other programs, and not only to another configuration of the same.
    var changesRelease: Bool { update?.changesRelease(to: spec) ?? false }
}

extension UpdateIntent {
    /// The instance is what the update asks for, and was not there before it.
    /// - Parameter spec: the intent's.
    func isNew(_ instance: InstanceObservation, _ spec: ControlPlaneSpec) -> Bool {
        func matches(_ spec: ControlPlaneSpec) -> Bool {
            instance.release == spec.release(of: instance.role) && instance.configurationRevision == spec.revision(of: instance.role)
                && instance.sizeName == spec.sizeName(of: instance.role)
        }
        return matches(spec) && !matches(previous)
    }

    /// Whether etcd's members have, or had, a part in it.
    func concernsEtcd(_ spec: ControlPlaneSpec) -> Bool {
        abandonedEtcdRelease != nil || previous.etcdRelease != spec.etcdRelease || previous.revision(of: .etcd) != spec.revision(of: .etcd)
            || previous.etcdSize != spec.etcdSize
    }

    /// In place, and not on the way back.
    var isPatching: Bool { strategy == .inPlace && reversal == nil }

    /// What goes back does so at once.
    var waitsForAPIServers: Bool { strategy == .sequential && reversal == nil }
}

extension ControlPlaneObservation {
    /// All that there are are what the intent asks for, and serve.
    func areAPIServersThrough(_ intent: ControlPlaneIntent) -> Bool {
        let servers = substrate.instances.filter { $0.role == .apiServer }
        return servers.count == intent.spec.apiServerCount
            && servers.allSatisfy { server in
                server.release == intent.spec.release(of: .apiServer)
                    && server.configurationRevision == intent.spec.revision(of: .apiServer) && isReady(server) && isBalanced(server.id.name)
            }
    }

    /// Whether what runs beside a patched API server, which is exchanged last, has been looked at since it has started.
    func areHelpersChecked(_ instance: InstanceObservation, _ policy: UpdatePolicy) -> Bool {
        guard let checked = trials[instance.id.name]?.secondsSinceCheck else { return false }
        return instance.components.allSatisfy { $0.isUp && checked + policy.helperStart <= $0.seconds }
    }

    /// An API server or etcd that has ended by itself, and has not been ready for long enough since.
    func mayEndAgain(_ name: String, _ policy: UpdatePolicy) -> Bool {
        let ends = trials[name]?.ends ?? [:]
        let hasEnded = [ComponentKind.apiServer, .etcd].contains { ends[$0.rawValue, default: 0] > 0 }
        return hasEnded && readySeconds[name, default: 0] < policy.bakeAfterEnd
    }
}

/// What one check of an API server has shown.
public enum InstanceCheckResult: Codable, Hashable, Sendable {
    case passed
    /// What went wrong, for people.
    case failed(String)
    /// It failed at the same step on an instance of before: what went wrong there.
    case asBefore(String)
    /// It failed on an instance of before, too, but elsewhere.
    case undecided(String)
}
