import FleetModel
import Substrate

/// What every substrate must do. A substrate's tests run `check(_:)` for each case, each on clusters that are its own.
public enum SubstrateConformance: String, CaseIterable, Sendable, CustomStringConvertible {
    case nothingIsThereAtFirst, networkIsMadeOnceAndRemoved, halfMadeClusterIsListed
    case volumeOutlivesInstances, volumeStaysInItsZone
    case instanceRunsAndIsNotRestarted, instanceIsRemadeForNewRevision, instanceIsRemadeForNewSize, instancesAreMadeInParallel,
        standbyTakesOver, controllersStopAndStart
    case addressIsHeldOnce, volumeIsHeldOnce, filesAreReplacedWithoutRestart
    case fenceStandsUntilLifted, loadBalancerFollowsItsBackends, removingWhatIsNotThereIsFine, everythingGoes, clustersAreIndependent
    case faultsStandUntilCleared, powerKeepsInstancesDown, faultsDoNotHinderRemoval

    public var description: String { rawValue }

    /// What a case works on.
    public struct Surroundings: Sendable {
        public var substrate: any Substrate
        /// Two clusters of which nothing exists, with networks that do not overlap.
        public var clusters: [(name: ClusterName, network: ClusterNetwork)]
        /// Something that starts at once and runs for long.
        public var component: @Sendable (ComponentKind) -> ComponentSpec
        /// Lets a little time pass; called between looks.
        public var pause: @Sendable () async throws -> Void

        public init(
            substrate: any Substrate, clusters: [(name: ClusterName, network: ClusterNetwork)],
            component: @escaping @Sendable (ComponentKind) -> ComponentSpec, pause: @escaping @Sendable () async throws -> Void
        ) {
            self.substrate = substrate
            self.clusters = clusters
            self.component = component
            self.pause = pause
        }
    }

    /// - Throws: `SubstrateConformanceFailure`, or what the substrate threw.
    public func check(_ surroundings: Surroundings) async throws {
        let check = SubstrateCheck(surroundings)
        try await check.substrate.prepare()
        switch self {
        case .nothingIsThereAtFirst: try await check.nothingIsThereAtFirst()
        case .networkIsMadeOnceAndRemoved: try await check.networkIsMadeOnceAndRemoved()
        case .halfMadeClusterIsListed: try await check.halfMadeClusterIsListed()
        case .volumeOutlivesInstances: try await check.volumeOutlivesInstances()
        case .volumeStaysInItsZone: try await check.volumeStaysInItsZone()
        case .instanceRunsAndIsNotRestarted: try await check.instanceRunsAndIsNotRestarted()
        case .instanceIsRemadeForNewRevision: try await check.instanceIsRemade { $0.configurationRevision += 1 }
        case .instanceIsRemadeForNewSize:
            try await check.instanceIsRemade { $0.size = InstanceSize(name: "other", memoryMiB: 300, milliCPU: 100) }
        case .instancesAreMadeInParallel: try await check.instancesAreMadeInParallel()
        case .standbyTakesOver: try await check.standbyTakesOver()
        case .controllersStopAndStart: try await check.controllersStopAndStart()
        case .addressIsHeldOnce: try await check.addressIsHeldOnce()
        case .volumeIsHeldOnce: try await check.volumeIsHeldOnce()
        case .filesAreReplacedWithoutRestart: try await check.filesAreReplacedWithoutRestart()
        case .fenceStandsUntilLifted: try await check.fenceStandsUntilLifted()
        case .loadBalancerFollowsItsBackends: try await check.loadBalancerFollowsItsBackends()
        case .removingWhatIsNotThereIsFine: try await check.removingWhatIsNotThereIsFine()
        case .everythingGoes: try await check.everythingGoes()
        case .faultsStandUntilCleared: try await check.faultsStandUntilCleared()
        case .powerKeepsInstancesDown: try await check.powerKeepsInstancesDown()
        case .faultsDoNotHinderRemoval: try await check.faultsDoNotHinderRemoval()
        case .clustersAreIndependent: try await check.clustersAreIndependent()
        }
        for cluster in surroundings.clusters { try await check.removeAll(cluster.name) }
    }
}

/// A rule that a substrate broke.
public struct SubstrateConformanceFailure: Error, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}
