import FleetModel
import Substrate
import Synchronization

/// What concerns one cluster of what is out of service, or about to be.
public struct ServiceStateView: Hashable, Sendable {
    public var evacuatedZones: Set<ZoneName> = []
    /// Names of single instances that were found dead.
    public var isolated: Set<String> = []
    /// Zones that were found impaired, and that the cluster has not left.
    public var impairedZones: Set<ZoneName> = []

    func isOut(_ instance: InstanceObservation) -> Bool {
        evacuatedZones.contains(instance.zone) || isolated.contains(instance.id.name)
    }
}

/// What is out of service at this moment: whole zones, and single instances that were found dead without resetting connections.
///
/// In memory and quick, since every half second of an unanswered connection counts: detection writes it, each look at a control
/// plane reads it. What must survive the process is in the stored zones, from which it is filled at start.
public final class ServiceStateBoard: Sendable {
    private struct State {
        var evacuated: Set<ZoneName> = []
        var exempt: Set<ClusterName> = []
        var impaired: Set<ZoneName> = []
        var isolated: [ClusterName: Set<String>] = [:]
        /// Whoever was looked up: these are concerned when a zone changes. Who was never looked up reads the newest anyway.
        var known: Set<ClusterName> = []
        var listeners: [Int: AsyncStream<Set<ClusterName>>.Continuation] = [:]
        var lastListener = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// Says the whole state; what is not named is in service.
    /// - Parameters:
    ///   - evacuated: zones out of service.
    ///   - isolated: names of single instances that do not answer and do not reset, by cluster.
    ///   - exempt: clusters that the evacuations do not concern.
    ///   - impaired: zones that were found impaired, whether they are out of service or not.
    public func set(
        evacuated: Set<ZoneName>, isolated: [ClusterName: Set<String>], exempt: Set<ClusterName> = [], impaired: Set<ZoneName> = []
    ) {
        let isolated = isolated.filter { !$0.value.isEmpty }
        let (concerned, listeners) = state.withLock { state in
            var concerned = Set(state.isolated.keys).union(isolated.keys).filter { state.isolated[$0] != isolated[$0] }
            if state.evacuated != evacuated || state.impaired != impaired {
                concerned.formUnion(state.known)
            } else if !evacuated.isEmpty {
                concerned.formUnion(state.exempt.symmetricDifference(exempt))
            }
            (state.evacuated, state.isolated, state.exempt, state.impaired) = (evacuated, isolated, exempt, impaired)
            // In one order for all processes, so that a simulation can be replayed.
            return (concerned, state.listeners.sorted { $0.key < $1.key }.map(\.value))
        }
        guard !concerned.isEmpty else { return }
        for listener in listeners { listener.yield(concerned) }
    }

    /// What concerns one cluster.
    public func view(of cluster: ClusterName) -> ServiceStateView {
        state.withLock { state in
            state.known.insert(cluster)
            let evacuated = state.exempt.contains(cluster) ? [] : state.evacuated
            return ServiceStateView(
                evacuatedZones: evacuated, isolated: state.isolated[cluster] ?? [], impairedZones: state.impaired.subtracting(evacuated))
        }
    }

    /// Forgets a cluster that is gone.
    public func forget(_ cluster: ClusterName) {
        state.withLock { state in
            state.known.remove(cluster)
            state.isolated[cluster] = nil
        }
    }

    /// The clusters that each change concerns, from now on; a stream of its own for each reader.
    public var changes: AsyncStream<Set<ClusterName>> {
        let (stream, continuation) = AsyncStream.makeStream(of: Set<ClusterName>.self)
        let number = state.withLock { state in
            state.lastListener += 1
            state.listeners[state.lastListener] = continuation
            return state.lastListener
        }
        continuation.onTermination = { [weak self] _ in self?.state.withLock { $0.listeners[number] = nil } }
        return stream
    }
}
