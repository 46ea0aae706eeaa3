extension OperatorClient {
    /// Newest first.
    /// - Parameter cluster: nil: of all.
    public func backups(of cluster: String? = nil) async throws -> [BackupDetail] {
        let list: BackupList = try await call("GET", cluster.map { "/clusters/\(Self.encoded($0))/backups" } ?? "/backups")
        return list.backups
    }

    public func backup(_ id: String) async throws -> BackupDetail { try await call("GET", "/backups/\(Self.encoded(id))") }

    /// Asks for it; `backup(_:)` says how far it is.
    public func createBackup(of cluster: String) async throws -> BackupDetail {
        try await call("POST", "/clusters/\(Self.encoded(cluster))/backups")
    }

    public func verifyBackup(_ id: String) async throws -> BackupDetail { try await call("POST", "/backups/\(Self.encoded(id))/verify") }

    public func deleteBackup(_ id: String) async throws -> BackupDetail { try await call("DELETE", "/backups/\(Self.encoded(id))") }

    public func restoreLoss(_ id: String) async throws -> RestoreLossDetail { try await call("GET", "/backups/\(Self.encoded(id))/loss") }

    /// Asks for it; the cluster's watch says how far it is.
    public func restoreBackup(_ id: String, _ request: RestoreRequest) async throws -> ClusterDetail {
        try await call("POST", "/backups/\(Self.encoded(id))/restore", request)
    }

    public func backupPolicy() async throws -> BackupPolicyDetail { try await call("GET", "/backup-policy") }

    public func setBackupPolicy(_ request: BackupPolicyRequest) async throws -> BackupPolicyDetail {
        try await call("POST", "/backup-policy", request)
    }
}
