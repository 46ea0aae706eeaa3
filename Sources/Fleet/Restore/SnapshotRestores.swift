import Backups
import FleetModel
import FleetStore
import Foundation
import Kubernetes
import Logging
import Planning
import Substrate
import Synchronization
import Timing

/// Restores backups onto volumes that this machine reaches as directories.
///
/// A checked snapshot waits in a directory of its own until the restore is done. On a volume, the new data is made beside the
/// old, the old is moved aside, and a mark with the restore's ID is written last.
public final class SnapshotRestores: ClusterRestoring {
    private let store: any FleetStore
    private let stores: BackupStores
    private let programs: EtcdPrograms
    private let catalog: any ReleaseCatalog
    private let substrate: any Substrate
    private let directory: String
    private let time: TimeSource
    private let logger: Logger
    /// Restores whose snapshots are being brought here.
    private let preparing = Mutex<Set<String>>([])

    /// - Parameter directory: absolute; for snapshots that are being restored, readable by us only.
    public init(
        store: any FleetStore, stores: BackupStores, programs: EtcdPrograms, catalog: any ReleaseCatalog, substrate: any Substrate,
        directory: String, time: TimeSource, logger: Logger
    ) {
        self.store = store
        self.stores = stores
        self.programs = programs
        self.catalog = catalog
        self.substrate = substrate
        self.directory = directory
        self.time = time
        self.logger = logger
    }

    public func observe(_ restore: RestoreIntent, of cluster: Cluster) async throws -> RestoreObservation {
        let place = PreparedSnapshot(directory: directory, restore: restore.id)
        let volumes = members(of: cluster).map { member in
            (member.name, RestoredVolume(path: volumePath(member.name, of: cluster)))
        }
        return try await place.observed(volumes, restore: restore.id)
    }

    public func prepare(_ restore: RestoreIntent, of cluster: Cluster) async throws {
        guard case .backup(let id, let cell) = restore.source else { return }
        guard preparing.withLock({ $0.insert(restore.id).inserted }) else {
            throw FleetError(.invariant, "the snapshot of \(restore.summary) is being made ready already")
        }
        defer { preparing.withLock { _ = $0.remove(restore.id) } }
        let place = PreparedSnapshot(directory: directory, restore: restore.id)
        try await place.begin()
        guard let backup = try await store.get(Backup.self, StoreKeys.backup(id, in: cell))?.value else {
            return try await place.refuse("there is no backup \(id) any more")
        }
        do {
            let archive = try stores.archive(at: backup.location)
            let facts = try await BackupVerifier(archive: archive, programs: programs, scratch: place.path, time: time)
                .verify(id, keeping: place.snapshot)
            if let problem = try await mismatch(facts, cluster) { return try await place.refuse(problem) }
            try await place.accept(facts)
        } catch let error as BackupError where error.code == .damaged {
            logger.error("a damaged backup is not restored", metadata: ["cluster": "\(cluster.name)", "error": "\(error)"])
            try await note(error, backup)
            try await place.refuse(error.message)
        }
    }

    /// An etcd does not read what a later one wrote.
    private func mismatch(_ facts: BackupFacts, _ cluster: Cluster) async throws -> String? {
        guard let release = try await catalog.release(cluster.spec.controlPlane.etcdRelease) else { return nil }
        func minor(_ text: String) -> String { text.split(separator: ".").prefix(2).joined(separator: ".") }
        guard minor(release.etcdVersion).compare(minor(facts.etcdVersion), options: .numeric) == .orderedAscending else { return nil }
        return "the backup is of etcd \(facts.etcdVersion), and the cluster runs etcd \(release.etcdVersion), which cannot read it"
    }

    /// The list of backups says it, too.
    private func note(_ error: BackupError, _ backup: Backup) async throws {
        let now = time.now
        _ = try await store.update(Backup.self, backup.storeKey) { current in
            var new = current
            new.verification = BackupVerification(
                verdict: .damaged, requestedAt: current.verification?.requestedAt ?? now, finishedAt: now, message: error.message)
            return new
        }
    }

    public func restore(_ member: InstanceIntent, from restore: RestoreIntent, of cluster: Cluster) async throws {
        let place = PreparedSnapshot(directory: directory, restore: restore.id)
        guard let facts = try await place.facts() else {
            // Another manager had it: here it is made ready again, before anything is touched.
            return try await prepare(restore, of: cluster)
        }
        let known = members(of: cluster)
        guard let restored = known.first(where: { $0.name == member.id.name }) else {
            throw FleetError(.invariant, "'\(member.id.name)' is no etcd member of '\(cluster.name)'")
        }
        let release = try await catalog.release(cluster.spec.controlPlane.etcdRelease)
        let tool = try await programs.snapshotTool(for: release?.etcdVersion ?? facts.etcdVersion)
        let work = SnapshotRestore(
            tool: tool, members: known, token: "\(cluster.metadata.uid)/\(restore.id)",
            revisionRise: restore.kind == .inPlace ? SnapshotRestore.rise(above: facts.revision, at: restore.requestedAt) : 0)
        let volume = RestoredVolume(path: volumePath(member.id.name, of: cluster))
        try await volume.replace(mark: restore.id) { data in
            try await work.restore(place.snapshot, member: restored, to: data)
        }
    }

    public func cleanUp(_ restore: RestoreIntent, of cluster: Cluster) async throws {
        try await PreparedSnapshot(directory: directory, restore: restore.id).remove()
        for member in members(of: cluster) {
            try await RestoredVolume(path: volumePath(member.name, of: cluster)).forgetFormer()
        }
    }

    /// Removes what restores of clusters that are gone have left.
    func sweep(keeping restores: Set<String>) async throws {
        try await PreparedSnapshot.sweep(directory, keeping: restores)
    }

    private func members(of cluster: Cluster) -> [RestoredMember] {
        let spec = cluster.spec.controlPlane
        return spec.memberZones.enumerated().map { index, zone in
            RestoredMember(
                name: ControlPlaneRenderer.etcdMemberName(in: zone),
                peerURL: "https://\(spec.network.etcdMember(index)):\(KubernetesEndpoints.etcdPeerPort)")
        }
    }

    private func volumePath(_ name: String, of cluster: Cluster) -> String {
        substrate.paths(
            of: InstanceID(cluster: cluster.name, name: name), volume: VolumeID(cluster: cluster.name, name: name)
        ).volume
    }
}

extension PreparedSnapshot {
    func observed(_ volumes: [(String, RestoredVolume)], restore: String) async throws -> RestoreObservation {
        var observation = RestoreObservation(isPrepared: try await facts() != nil, refusal: try await refusal())
        for (name, volume) in volumes where try await volume.mark() == restore { observation.restoredVolumes.insert(name) }
        return observation
    }
}
