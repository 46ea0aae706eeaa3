import Foundation

/// The update of a cluster that is under way: how it is made, what it goes back to, and what was decided about it. All of it is
/// intent: a service that is killed at any point reads here what to go on with.
public struct UpdateIntent: Codable, Hashable, Sendable {
    public enum Strategy: String, Codable, Hashable, Sendable {
        /// New API servers beside the old; etcd's members in place, one after the other.
        case blueGreen
        /// The same, one after the other: etcd's members when all that is old of the API servers has gone.
        case sequential
        /// API servers, too, in the instances that there are: a second one in each, which takes over.
        case inPlace
    }

    /// That it does not go on, and why: the cluster becomes again what it was.
    public struct Reversal: Codable, Hashable, Sendable {
        /// For an operator: what was seen, and what can be done.
        public var reason: String
        /// One of the EKS model's `ErrorCode`.
        public var errorCode: String
        /// Somebody asked for it; nothing was found wrong.
        public var isCancelled: Bool
        public var decidedAt: Date

        public init(reason: String, errorCode: String, isCancelled: Bool = false, decidedAt: Date) {
            self.reason = reason
            self.errorCode = errorCode
            self.isCancelled = isCancelled
            self.decidedAt = decidedAt
        }
    }

    /// Of the `ClusterUpdate`.
    public var id: String
    public var strategy: Strategy
    public var startedAt: Date
    /// What the cluster was before.
    public var previous: ControlPlaneSpec
    public var previousSettings: ClusterSettings
    /// Nil also in updates of before there were rotations.
    public var previousRotation: RotationIntent?
    /// The new etcd has another storage than the old, which cannot read it once all members have gone over.
    public var changesEtcdStorage: Bool
    /// Every etcd member has gone over to that storage, or the last one is about to. Written before that one goes, and never taken
    /// back: from then on etcd stays on its new release, whatever becomes of the update.
    public var hasMovedEtcd = false
    /// Of an update that goes back: etcd's release that was asked for. Members that run on it already may yet turn out to be all there are.
    public var abandonedEtcdRelease: ReleaseID?
    /// Names of instances that were not well when the update was accepted: their trouble says nothing about the new release.
    public var troubled: Set<String> = []
    public var reversal: Reversal?

    public init(
        id: String, strategy: Strategy = .blueGreen, startedAt: Date, previous: ControlPlaneSpec, previousSettings: ClusterSettings,
        previousRotation: RotationIntent? = nil, changesEtcdStorage: Bool = false
    ) {
        self.id = id
        self.strategy = strategy
        self.startedAt = startedAt
        self.previous = previous
        self.previousSettings = previousSettings
        self.previousRotation = previousRotation
        self.changesEtcdStorage = changesEtcdStorage
    }

    /// It is to other programs than those of before, and not only to another configuration of the same.
    public func changesRelease(to spec: ControlPlaneSpec) -> Bool {
        previous.release != spec.release || previous.etcdRelease != spec.etcdRelease
    }

    /// Intents of before say nothing of trouble, nor of etcd's way over.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        id = try values.decode(String.self, forKey: .id)
        strategy = try values.decode(Strategy.self, forKey: .strategy)
        startedAt = try values.decode(Date.self, forKey: .startedAt)
        previous = try values.decode(ControlPlaneSpec.self, forKey: .previous)
        previousSettings = try values.decode(ClusterSettings.self, forKey: .previousSettings)
        previousRotation = try values.decodeIfPresent(RotationIntent.self, forKey: .previousRotation)
        changesEtcdStorage = try values.decode(Bool.self, forKey: .changesEtcdStorage)
        reversal = try values.decodeIfPresent(Reversal.self, forKey: .reversal)
        // Where it is not known, the careful answer; what goes back already goes by what was decided.
        hasMovedEtcd = try values.decodeIfPresent(Bool.self, forKey: .hasMovedEtcd) ?? (changesEtcdStorage && reversal == nil)
        abandonedEtcdRelease = try values.decodeIfPresent(ReleaseID.self, forKey: .abandonedEtcdRelease)
        troubled = try values.decodeIfPresent(Set<String>.self, forKey: .troubled) ?? []
    }
}

extension Cluster {
    /// The cluster from when an update begins.
    /// - Parameter spec: what is wanted from then on.
    public func updating(
        to spec: ClusterSpec, by update: ClusterUpdate, strategy: UpdateIntent.Strategy = .blueGreen, changesEtcdStorage: Bool = false
    ) -> Cluster {
        var new = self
        new.spec = spec
        new.spec.update = UpdateIntent(
            id: update.id, strategy: strategy, startedAt: update.createdAt, previous: self.spec.controlPlane,
            previousSettings: self.spec.settings, previousRotation: self.spec.rotation, changesEtcdStorage: changesEtcdStorage)
        new.spec.proving = nil
        new.metadata.generation += 1
        if new.status.phase == .active { new.status.phase = .updating }
        return new
    }
}

extension ClusterSpec {
    /// Makes what is wanted what it was before the update that is under way, and says why. Nothing when it goes back already.
    ///
    /// What an update does not touch stays as it is now: tags. So does etcd's release, once its storage has moved on.
    public mutating func revert(_ reversal: UpdateIntent.Reversal) {
        guard var update, update.reversal == nil else { return }
        let etcd = controlPlane.etcdRelease
        let (tags, provider) = (settings.tags, settings.identityProvider)
        controlPlane = update.previous
        if update.hasMovedEtcd { controlPlane.etcdRelease = etcd }
        settings = update.previousSettings
        settings.tags = tags
        if let provider, settings.identityProvider?.id == provider.id { settings.identityProvider?.tags = provider.tags }
        rotation = update.previousRotation
        // Nothing has been sealed with it yet.
        if isStartingEncryption { encryption = nil }
        update.reversal = reversal
        update.abandonedEtcdRelease = controlPlane.etcdRelease == etcd ? nil : etcd
        self.update = update
    }

    /// Notes that etcd's storage has moved on; etcd stays on the release that does so, also in an update that goes back.
    public mutating func noteMovedEtcd() {
        update?.hasMovedEtcd = true
        if let release = update?.abandonedEtcdRelease { controlPlane.etcdRelease = release }
    }
}
