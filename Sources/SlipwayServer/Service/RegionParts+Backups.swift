import Backups
import ClusterService
import Fleet
import FleetModel
import FleetStore
import Logging
import Substrate
import Timing

/// Backups of a region: their service, and what its API does to them.
extension RegionParts {
    private var files: RegionFiles { RegionFiles(directory: configuration.dataDirectory) }

    private var defaultPolicy: BackupPolicy { BackupPolicy(location: .directory(files.backupDirectory)) }

    private var stores: BackupStores { BackupStores(box: box, http: http, time: time) }

    private var programs: EtcdPrograms { EtcdPrograms(catalog: catalog, programs: ReleaseArtifacts(store: releases)) }

    func restores(store: any FleetStore) -> SnapshotRestores {
        SnapshotRestores(
            store: store, stores: stores, programs: programs, catalog: catalog, substrate: substrate,
            directory: "\(files.snapshotDirectory)/restores", time: time, logger: Logger(label: "slipway.restores"))
    }

    func backupService(
        _ cell: CellName, store: any FleetStore, credentials: CredentialStore, probe: any HealthProbe, restores: SnapshotRestores,
        board: ServiceStateBoard
    ) -> BackupService {
        BackupService(
            settings: BackupSettings(cell: cell, defaultPolicy: defaultPolicy, scratch: "\(files.snapshotDirectory)/\(cell)"), store: store,
            stores: stores, programs: programs, credentials: credentials, probe: probe, board: board, restores: restores, time: time,
            logger: Logger(label: "slipway.backups"))
    }

    var clusterBackups: ClusterBackups {
        let operations = LiveControlPlaneOperations(
            client: http, credentials: CredentialStore(store: store, box: box, time: time), time: time)
        return ClusterBackups(
            clusters: clusters, store: store, defaultPolicy: defaultPolicy, sealing: BoxSealing(box: box),
            refusal: simulated == nil ? nil : "A simulated region has no data to back up.",
            revision: { await operations.etcdRevision(of: $0) }, suffix: { BackupID.randomSuffix() }, time: time)
    }
}

extension ReleaseArtifacts: ProgramLocating {}
