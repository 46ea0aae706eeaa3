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
        let reaches = Dictionary(
            Set(endpoints.map(\.subject.cluster)).map { ($0, reach($0)) }, uniquingKeysWith: { $1 })
        return asked.withLock { asked in
            let subjects = Set(endpoints.map(\.subject))
            asked = asked.filter { subjects.contains($0.key) }
            var samples: [ProbeSubject: ProbeSample] = [:]
            for subject in subjects {
                let since = asked[subject] ?? now
                switch reaches[subject.cluster]?[subject.instance] ?? .lost {
                case .answers(let took):
                    let isLate = now - since < took && asked[subject] != nil
                    samples[subject] = isLate ? ProbeSample(silence: now - since, isDelivered: true) : ProbeSample(answers: [took])
                    asked[subject] = isLate ? since : now
                case .delivered, .lost:
                    let isDelivered = reaches[subject.cluster]?[subject.instance] == .delivered
                    samples[subject] = ProbeSample(silence: now - since, isDelivered: isDelivered)
                    asked[subject] = since
                case .refused:
                    samples[subject] = ProbeSample(isRefused: true)
                    asked[subject] = nil
                }
            }
            return samples
        }
    }

    public func peers(of lost: ProbeEndpoint, as seenBy: [ProbeEndpoint]) async -> PeerView? { nil }
}
