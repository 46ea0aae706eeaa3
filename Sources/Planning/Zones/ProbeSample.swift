import FleetModel
import Substrate

/// An instance that is asked how it is.
public struct ProbeSubject: Codable, Hashable, Sendable, Comparable, CustomStringConvertible {
    public var cluster: ClusterName
    /// Its name.
    public var instance: String
    /// `etcd` or `apiServer`.
    public var role: InstanceRole
    public var zone: ZoneName

    public init(cluster: ClusterName, instance: String, role: InstanceRole, zone: ZoneName) {
        self.cluster = cluster
        self.instance = instance
        self.role = role
        self.zone = zone
    }

    public var description: String { "\(instance) of \(cluster)" }
    public static func < (a: Self, b: Self) -> Bool { (a.cluster, a.instance) < (b.cluster, b.instance) }
}

/// What is known of one subject at one look. One question is under way at a time; the next is asked when it is answered.
public struct ProbeSample: Hashable, Sendable {
    /// How long each answer took that came since the last look.
    public var answers: [Duration]
    /// How long the oldest question has been waiting that nobody answered; zero when none waits.
    public var silence: Duration
    /// The question that waits arrived: the other machine's kernel acknowledged it.
    public var isDelivered: Bool
    /// It was refused with a reset: whoever was there is dead, and everybody who asks is told so.
    public var isRefused: Bool
    /// Segments that had to be sent again since the last look.
    public var resent: Int

    public init(
        answers: [Duration] = [], silence: Duration = .zero, isDelivered: Bool = false, isRefused: Bool = false, resent: Int = 0
    ) {
        self.answers = answers
        self.silence = silence
        self.isDelivered = isDelivered
        self.isRefused = isRefused
        self.resent = resent
    }
}

extension ProbeSample {
    /// No answer, and no refusal.
    var isSilent: Bool { answers.isEmpty && !isRefused }
}

/// What an etcd member of another zone says of its connection to a peer.
public enum PeerView: String, Hashable, Sendable {
    case connected
    case lost
}

/// One look from all views.
public struct ProbeTick: Sendable {
    /// Monotonic.
    public var now: Duration
    /// How much later than planned this look came: time in which this process was not let run.
    public var lateness: Duration
    public var samples: [ProbeSubject: ProbeSample]
    /// Subjects that are being started, replaced or removed: whatever they do means nothing.
    public var underWork: Set<ProbeSubject>
    /// Subjects that were ready when the store last heard of them: those that are new here need not prove themselves first.
    public var knownReady: Set<ProbeSubject>
    /// Subjects that were dead when this was last stored: they are not believed at once.
    public var knownOut: Set<ProbeSubject>
    /// Subjects of which nothing runs, as the store last heard: their silence says nothing of their zone's return.
    public var knownStopped: Set<ProbeSubject>
    /// Empty where nobody asked.
    public var backends: [ProbeSubject: BackendCheck]
    /// Empty where nobody asked.
    public var peers: [ProbeSubject: PeerView]

    public init(
        now: Duration, lateness: Duration = .zero, samples: [ProbeSubject: ProbeSample], underWork: Set<ProbeSubject> = [],
        knownReady: Set<ProbeSubject> = [], knownOut: Set<ProbeSubject> = [], knownStopped: Set<ProbeSubject> = [],
        backends: [ProbeSubject: BackendCheck] = [:],
        peers: [ProbeSubject: PeerView] = [:]
    ) {
        self.now = now
        self.lateness = lateness
        self.samples = samples
        self.underWork = underWork
        self.knownReady = knownReady
        self.knownOut = knownOut
        self.knownStopped = knownStopped
        self.backends = backends
        self.peers = peers
    }
}
