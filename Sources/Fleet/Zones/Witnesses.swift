import FleetModel
import Planning
import Substrate
import Synchronization
import Timing

/// Asks others, when Slipway's own probes miss an answer: the load balancers for their checks, and after some seconds etcd's
/// members for their peers. As long as all is well nobody is asked.
final class Witnesses: Sendable {
    private struct Question: Sendable {
        /// Clusters whose load balancer is asked.
        var clusters: Set<ClusterName> = []
        /// Members that are silent for long, with the others of their cluster that answer.
        var members: [ProbeSubject: (lost: ProbeEndpoint, others: [ProbeEndpoint])] = [:]
    }

    private struct State {
        var question = Question()
        var balancers = BalancerViews()
        var peers: [ProbeSubject: (view: PeerView, at: Duration)] = [:]
        /// When somebody was last asked about a member, whatever came of it.
        var peersAsked: [ProbeSubject: Duration] = [:]
        /// Those that the balancers' answers may be about.
        var apiServers: Set<ProbeSubject> = []
    }

    private let probe: any ZoneProbing
    private let backends: (any BackendChecking)?
    private let time: TimeSource
    private let state = Mutex(State())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// A silence that is worth a question.
    private static let suspicious = Duration.milliseconds(240)
    /// A view takes two answers: the first is there when `contradictionLasts` has passed.
    private static let longSilence = Duration.seconds(2)
    private static let peersEvery = Duration.seconds(3)
    /// Asked so often while something is silent, so that one answer comes soon after the check that it speaks of.
    private static let pause = Duration.milliseconds(110)
    private static let peerAge = Duration.seconds(6)

    init(probe: any ZoneProbing, backends: (any BackendChecking)?, time: TimeSource) {
        self.probe = probe
        self.backends = backends
        self.time = time
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// What they last said, if that is news; and asks them again where something is silent.
    func views(of sampling: ProbeSampling, _ samples: [ProbeSubject: ProbeSample]) -> (
        backends: [ProbeSubject: BackendCheck], peers: [ProbeSubject: PeerView]
    ) {
        let silent = Set(samples.filter { $0.value.silence >= Self.suspicious }.keys)
        guard !silent.isEmpty else { return ([:], [:]) }
        let now = time.uptime
        var question = Question(clusters: Set(silent.map(\.cluster)))
        for subject in silent where subject.role == .etcd && samples[subject]?.silence ?? .zero >= Self.longSilence {
            guard let lost = sampling.endpoints.first(where: { $0.subject == subject }) else { continue }
            let others = sampling.endpoints.filter {
                $0.subject.cluster == subject.cluster && $0.subject.role == .etcd && !silent.contains($0.subject)
            }
            question.members[subject] = (lost, others)
        }
        let views = state.withLock { state in
            state.question = question
            let apiServers = Set(sampling.endpoints.map(\.subject).filter { $0.role == .apiServer })
            state.apiServers = apiServers
            let backends = state.balancers.views(of: apiServers, samples, now: now)
            let peers = state.peers.filter { now - $0.value.at <= Self.peerAge }.mapValues(\.view)
            return (backends, peers)
        }
        signal.yield()
        return views
    }

    /// Until cancelled.
    func run() async {
        for await _ in signals {
            // Twice for each signal.
            await ask()
            guard (try? await time.sleep(for: Self.pause)) != nil else { return }
            await ask()
        }
    }

    private func ask() async {
        let question = state.withLock { $0.question }
        await withTaskGroup(of: Void.self) { group in
            for cluster in question.clusters.sorted() { group.addTask { await self.askBalancer(of: cluster) } }
            let now = time.uptime
            for (subject, members) in question.members.sorted(by: { $0.key < $1.key })
            where isDue(subject, now) && !members.others.isEmpty {
                group.addTask { await self.askPeers(of: members.lost, members.others) }
            }
        }
    }

    private func isDue(_ subject: ProbeSubject, _ now: Duration) -> Bool {
        state.withLock { state in
            if let asked = state.peersAsked[subject], now - asked < Self.peersEvery { return false }
            state.peersAsked[subject] = now
            return true
        }
    }

    private func askBalancer(of cluster: ClusterName) async {
        guard let backends else { return }
        let asked = time.uptime
        let checks = await backends.backendChecks(of: cluster)
        state.withLock { state in
            state.balancers.note(checks, of: state.apiServers.filter { $0.cluster == cluster }, at: asked)
        }
    }

    private func askPeers(of lost: ProbeEndpoint, _ others: [ProbeEndpoint]) async {
        let view = await probe.peers(of: lost, as: others)
        let now = time.uptime
        state.withLock { $0.peers[lost.subject] = view.map { ($0, now) } }
    }
}
