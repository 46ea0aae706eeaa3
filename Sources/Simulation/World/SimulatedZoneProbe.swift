import Fleet
import FleetModel
import Planning
import SimulatedSubstrate
import Synchronization
import Timing

/// What the zones' probes see of simulated control planes: one question at a time, as the real ones.
public final class SimulatedZoneProbe: ZoneProbing {
    private let reach: @Sendable (ClusterName) -> [String: SimulatedReach]
    private let time: TimeSource
    /// When the question that waits was asked.
    private let asked = Mutex<[ProbeSubject: Duration]>([:])

    public convenience init(_ substrate: SimulatedSubstrate, time: TimeSource) {
        self.init(time: time) { substrate.reach(of: $0) }
    }

    /// - Parameter reach: what questions to a cluster's instances meet, by their names; to one that is missing, nothing.
    public init(time: TimeSource, reach: @escaping @Sendable (ClusterName) -> [String: SimulatedReach]) {
        self.time = time
        self.reach = reach
    }

    public func look(at endpoints: [ProbeEndpoint]) async -> [ProbeSubject: ProbeSample] {
        let now = time.uptime
        var reaches: [ClusterName: [String: SimulatedReach]] = [:]
        for endpoint in endpoints where reaches[endpoint.subject.cluster] == nil {
            reaches[endpoint.subject.cluster] = reach(endpoint.subject.cluster)
        }
        return asked.withLock { asked in
            let known = asked
            asked = [:]
            var samples: [ProbeSubject: ProbeSample] = [:]
            for subject in endpoints.map(\.subject) {
                let since = known[subject] ?? now
                let reach = reaches[subject.cluster]?[subject.instance] ?? .lost
                switch reach {
                case .answers(let took, let resent):
                    let isLate = now - since < took && known[subject] != nil
                    samples[subject] =
                        isLate ? ProbeSample(silence: now - since, isDelivered: true) : ProbeSample(answers: [took], resent: resent)
                    asked[subject] = isLate ? since : now
                case .delivered, .lost:
                    samples[subject] = ProbeSample(silence: now - since, isDelivered: reach == .delivered)
                    asked[subject] = since
                case .refused:
                    samples[subject] = ProbeSample(isRefused: true)
                }
            }
            return samples
        }
    }

    public func peers(of lost: ProbeEndpoint, as seenBy: [ProbeEndpoint]) async -> PeerView? { nil }
}
