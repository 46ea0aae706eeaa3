import ClusterService
import FleetModel
import Foundation
import Hummingbird
import Identity
import SlipwayClient

/// What concerns backups.
enum BackupOperation: Hashable, Sendable {
    case list(cluster: String?)
    case create(cluster: String)
    case describe(String)
    case verify(String)
    case delete(String)
    case loss(String)
    case restore(String)
    case describePolicy
    case setPolicy

    var name: String {
        switch self {
        case .list: "ListBackups"
        case .create: "CreateBackup"
        case .describe: "DescribeBackup"
        case .verify: "VerifyBackup"
        case .delete: "DeleteBackup"
        case .loss: "DescribeRestoreLoss"
        case .restore: "RestoreBackup"
        case .describePolicy: "DescribeBackupPolicy"
        case .setPolicy: "SetBackupPolicy"
        }
    }

    var resource: String? {
        switch self {
        case .list(let cluster): cluster
        case .create(let name), .describe(let name), .verify(let name), .delete(let name), .loss(let name), .restore(let name): name
        case .describePolicy, .setPolicy: nil
        }
    }

    /// Nil when the path is not about backups.
    init?(method: String, parts: [String]) {
        switch (method, parts.count, parts.first, parts.last) {
        case ("GET", 1, "backups", _): self = .list(cluster: nil)
        case ("GET", 3, "clusters", "backups"): self = .list(cluster: parts[1])
        case ("POST", 3, "clusters", "backups"): self = .create(cluster: parts[1])
        case ("GET", 2, "backups", _): self = .describe(parts[1])
        case ("DELETE", 2, "backups", _): self = .delete(parts[1])
        case ("POST", 3, "backups", "verify"): self = .verify(parts[1])
        case ("GET", 3, "backups", "loss"): self = .loss(parts[1])
        case ("POST", 3, "backups", "restore"): self = .restore(parts[1])
        case ("GET", 1, "backup-policy", _): self = .describePolicy
        case ("POST", 1, "backup-policy", _): self = .setPolicy
        default: return nil
        }
    }
}

extension OperatorAPI {
    func performOnBackups(_ operation: BackupOperation, body: [UInt8], by principal: Principal) async throws -> Response {
        switch operation {
        case .list(let cluster):
            return Self.json(BackupList(backups: try await backups.list(of: cluster, as: principal).map { BackupDetail($0) }))
        case .create(let cluster):
            return Self.json(BackupDetail(try await backups.create(of: cluster, as: principal)), status: .accepted)
        case .describe(let id): return Self.json(BackupDetail(try await backups.describe(id, as: principal)))
        case .verify(let id): return Self.json(BackupDetail(try await backups.verify(id, as: principal)), status: .accepted)
        case .delete(let id): return Self.json(BackupDetail(try await backups.delete(id, as: principal)), status: .accepted)
        case .loss(let id): return try await loss(id, by: principal)
        case .restore(let id): return try await restore(id, try Self.decode(RestoreRequest.self, body), by: principal)
        case .describePolicy: return Self.json(BackupPolicyDetail(try await backups.policy(as: principal)))
        case .setPolicy: return try await setPolicy(try Self.decode(BackupPolicyRequest.self, body), by: principal)
        }
    }

    private func loss(_ id: String, by principal: Principal) async throws -> Response {
        let loss = try await backups.loss(id, as: principal)
        guard let facts = loss.backup.facts else { throw OperatorError(409, "ResourceInUseException", "Backup \(id) is not complete.") }
        return Self.json(
            RestoreLossDetail(
                cluster: loss.cluster.name.rawValue, backup: id, takenAt: facts.takenAt, backupRevision: facts.revision,
                presentRevision: loss.presentRevision))
    }

    private func restore(_ id: String, _ request: RestoreRequest, by principal: Principal) async throws -> Response {
        switch (request.inPlace, request.asNew) {
        case (let name?, nil):
            let owner = try BackupID(id).cluster.rawValue
            guard name == owner else {
                throw OperatorError(
                    400, "InvalidParameterException",
                    "Backup \(id) is of cluster \(owner), not of '\(name.prefix(120))'; nothing was changed.")
            }
            return detail(try await backups.restoreInPlace(id, as: principal), status: .accepted)
        case (nil, let name?): return detail(try await backups.restore(id, asNew: name, as: principal), status: .accepted)
        default:
            throw OperatorError(400, "InvalidParameterException", "A restore is either in place or as a new cluster: give one of both.")
        }
    }

    private func setPolicy(_ request: BackupPolicyRequest, by principal: Principal) async throws -> Response {
        guard request.directory == nil || request.s3 == nil else {
            throw OperatorError(400, "InvalidParameterException", "Backups are kept in a directory or in S3, not in both.")
        }
        let policy = try await backups.setPolicy(as: principal, secret: request.s3?.secretAccessKey) { policy in
            policy.isScheduled = request.isScheduled ?? policy.isScheduled
            policy.interval = request.interval ?? policy.interval
            policy.keepLast = request.keepLast ?? policy.keepLast
            policy.keepDays = request.keepDays ?? policy.keepDays
            if let directory = request.directory { policy.location = .directory(directory) }
            if let wanted = request.s3 { policy.location = .s3(try Self.location(wanted, replacing: policy.location)) }
        }
        return Self.json(BackupPolicyDetail(policy))
    }

    /// The same place with the same key keeps its secret.
    private static func location(_ wanted: BackupPolicyDetail.S3, replacing old: BackupLocation) throws -> S3Location {
        var place = S3Location(
            endpoint: wanted.endpoint, region: wanted.region, bucket: wanted.bucket, prefix: wanted.prefix, accessKeyID: wanted.accessKeyID,
            sealedSecret: Data())
        guard wanted.secretAccessKey == nil else { return place }
        guard case .s3(let known) = old, known.secretContext == place.secretContext else {
            throw OperatorError(
                400, "InvalidParameterException", "The secret access key of this S3 location is missing: set SLIPWAY_S3_SECRET_ACCESS_KEY.")
        }
        place.sealedSecret = known.sealedSecret
        return place
    }
}
