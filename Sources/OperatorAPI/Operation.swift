import Foundation
import HTTPTypes
import SlipwayClient

/// What a method and path of the operator API ask for. Names in the path are decoded.
enum Operation: Hashable, Sendable {
    case describeRegion
    case listClusters
    case createCluster
    case describeCluster(String)
    case watchCluster(String)
    case deleteCluster(String)
    case resizeCluster(String)
    case proposeRecovery(String)
    case recoverCluster(String)
    case createKubeconfig(String)
    case listUsers
    case createUser
    case deleteUser(String)
    case listKeys(String)
    case createKey(String)
    case deleteKey(String, user: String)
    case listReleases
    case listFaults
    case injectFault
    case clearFaults
    case clearFault(String)
    case listZones
    case describeZone(String)
    case evacuateZone(String)
    case restoreZone(String)
    case describeZonePolicy
    case setZonePolicy
    case backups(BackupOperation)
    case listEncryptionKeys
    case createEncryptionKey
    case rotateEncryptionKey(String)
    case updates(UpdateOperation)

    /// Nil when there is no such operation.
    init?(method: HTTPRequest.Method, path: Substring) {
        let prefix = OperatorClient.basePath + "/"
        guard path.hasPrefix(prefix) else { return nil }
        let parts = path.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
            .map { String($0).removingPercentEncoding ?? "" }
        switch (method, parts.first, parts.dropFirst().first, parts.dropFirst(2).first, parts.dropFirst(3).first, parts.count) {
        case (.get, "region", nil, nil, nil, 1): self = .describeRegion
        case (.get, "clusters", nil, nil, nil, 1): self = .listClusters
        case (.post, "clusters", nil, nil, nil, 1): self = .createCluster
        case (.get, "clusters", let name?, nil, nil, 2): self = .describeCluster(name)
        case (.get, "clusters", let name?, "watch", nil, 3): self = .watchCluster(name)
        case (.delete, "clusters", let name?, nil, nil, 2): self = .deleteCluster(name)
        case (.post, "clusters", let name?, "resize", nil, 3): self = .resizeCluster(name)
        case (.get, "clusters", let name?, "recovery", nil, 3): self = .proposeRecovery(name)
        case (.post, "clusters", let name?, "recovery", nil, 3): self = .recoverCluster(name)
        case (.post, "clusters", let name?, "kubeconfig", nil, 3): self = .createKubeconfig(name)
        case (.get, "users", nil, nil, nil, 1): self = .listUsers
        case (.post, "users", nil, nil, nil, 1): self = .createUser
        case (.delete, "users", let name?, nil, nil, 2): self = .deleteUser(name)
        case (.get, "users", let name?, "keys", nil, 3): self = .listKeys(name)
        case (.post, "users", let name?, "keys", nil, 3): self = .createKey(name)
        case (.delete, "users", let name?, "keys", let key?, 4): self = .deleteKey(key, user: name)
        case (.get, "releases", nil, nil, nil, 1): self = .listReleases
        case (.get, "faults", nil, nil, nil, 1): self = .listFaults
        case (.post, "faults", nil, nil, nil, 1): self = .injectFault
        case (.delete, "faults", nil, nil, nil, 1): self = .clearFaults
        case (.delete, "faults", let id?, nil, nil, 2): self = .clearFault(id)
        case (.get, "zones", nil, nil, nil, 1): self = .listZones
        case (.get, "zones", let name?, nil, nil, 2): self = .describeZone(name)
        case (.post, "zones", let name?, "evacuate", nil, 3): self = .evacuateZone(name)
        case (.post, "zones", let name?, "restore", nil, 3): self = .restoreZone(name)
        case (.get, "zone-policy", nil, nil, nil, 1): self = .describeZonePolicy
        case (.put, "zone-policy", nil, nil, nil, 1): self = .setZonePolicy
        case (.get, "encryption-keys", nil, nil, nil, 1): self = .listEncryptionKeys
        case (.post, "encryption-keys", nil, nil, nil, 1): self = .createEncryptionKey
        case (.post, "encryption-keys", let id?, "rotate", nil, 3): self = .rotateEncryptionKey(id)
        default:
            if let operation = BackupOperation(method: method.rawValue, parts: parts) {
                self = .backups(operation)
            } else if let operation = UpdateOperation(method: method.rawValue, parts: parts) {
                self = .updates(operation)
            } else {
                return nil
            }
        }
    }

    /// For the audit log, metrics and authorisation.
    var name: String {
        switch self {
        case .describeRegion: "DescribeRegion"
        case .listClusters: "ListClusters"
        case .createCluster: "CreateCluster"
        case .describeCluster: "DescribeCluster"
        case .watchCluster: "WatchCluster"
        case .deleteCluster: "DeleteCluster"
        case .resizeCluster: "ResizeCluster"
        case .proposeRecovery: "ProposeRecovery"
        case .recoverCluster: "RecoverCluster"
        case .createKubeconfig: "CreateKubeconfig"
        case .listUsers: "ListUsers"
        case .createUser: "CreateUser"
        case .deleteUser: "DeleteUser"
        case .listKeys: "ListAccessKeys"
        case .createKey: "CreateAccessKey"
        case .deleteKey: "DeleteAccessKey"
        case .listReleases: "ListReleases"
        case .listFaults: "ListFaults"
        case .injectFault: "InjectFault"
        case .clearFaults, .clearFault: "ClearFault"
        case .listZones: "ListZones"
        case .describeZone: "DescribeZone"
        case .evacuateZone: "EvacuateZone"
        case .restoreZone: "RestoreZone"
        case .describeZonePolicy: "DescribeZonePolicy"
        case .setZonePolicy: "SetZonePolicy"
        case .backups(let operation): operation.name
        case .listEncryptionKeys: "ListEncryptionKeys"
        case .createEncryptionKey: "CreateEncryptionKey"
        case .rotateEncryptionKey: "RotateEncryptionKey"
        case .updates(let operation): operation.name
        }
    }

    /// What the audit log says that it was about.
    var resource: String? {
        switch self {
        case .describeCluster(let name), .watchCluster(let name), .deleteCluster(let name), .resizeCluster(let name),
            .proposeRecovery(let name), .recoverCluster(let name),
            .createKubeconfig(let name),
            .deleteUser(let name),
            .listKeys(let name), .createKey(let name), .deleteKey(_, let name), .clearFault(let name),
            .describeZone(let name), .evacuateZone(let name), .restoreZone(let name), .rotateEncryptionKey(let name):
            name
        case .backups(let operation): operation.resource
        case .updates(let operation): operation.resource
        default: nil
        }
    }
}
