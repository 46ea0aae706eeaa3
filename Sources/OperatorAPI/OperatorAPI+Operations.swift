import ClusterService
import FleetModel
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Kubernetes
import PKI
import SignatureV4
import SlipwayClient

extension OperatorAPI {
    func perform(_ operation: Operation, body: [UInt8], by principal: Principal) async throws -> Response {
        switch operation {
        case .describeRegion:
            try allow(principal, .list, operation)
            return Self.json(try await describeRegion())
        case .listReleases:
            try allow(principal, .list, operation)
            return Self.json(ReleaseList(releases: try await catalog.releases()))
        case .listClusters, .createCluster, .describeCluster, .watchCluster, .deleteCluster, .resizeCluster, .proposeRecovery,
            .recoverCluster, .createKubeconfig:
            return try await performOnClusters(operation, body: body, by: principal)
        case .listFaults, .injectFault, .clearFaults, .clearFault:
            return try await performOnFaults(operation, body: body, by: principal)
        case .listEncryptionKeys, .createEncryptionKey, .rotateEncryptionKey:
            return try await performOnKeys(operation, body: body, by: principal)
        case .updates(let operation): return try await performOnUpdates(operation, body: body, by: principal)
        case .backups(let operation): return try await performOnBackups(operation, body: body, by: principal)
        case .listUsers, .createUser, .deleteUser, .listKeys, .createKey, .deleteKey:
            try allow(principal, .identity, operation)
            return try await performOnUsers(operation, body: body)
        case .listZones, .describeZone, .evacuateZone, .restoreZone, .describeZonePolicy, .setZonePolicy:
            return try await performOnZones(operation, body: body, by: principal)
        }
    }

    private func performOnClusters(_ operation: Operation, body: [UInt8], by principal: Principal) async throws -> Response {
        switch operation {
        case .createCluster:
            let wanted = try Self.decode(ClusterRequest.self, body)
            let made = try await clusters.create(try newCluster(wanted), etcdQuotaMiB: wanted.etcdQuotaMiB, as: principal)
            return detail(made, status: .accepted)
        case .proposeRecovery(let name):
            return try await recovery(name, nil, by: principal)
        case .recoverCluster(let name):
            return try await recovery(name, try Self.decode(RecoveryRequest.self, body), by: principal)
        case .resizeCluster(let name):
            let wanted = try Self.decode(ClusterResize.self, body)
            return detail(try await clusters.resize(name, etcdQuotaMiB: wanted.etcdQuotaMiB, as: principal), status: .accepted)
        case .describeCluster(let name):
            return detail(try await clusters.describe(name, as: principal))
        case .watchCluster(let name):
            return watch(try await clusters.describe(name, as: principal))
        case .deleteCluster(let name):
            return detail(try await clusters.delete(name, as: principal), status: .accepted)
        case .createKubeconfig(let name):
            let cluster = try await clusters.describe(name, as: principal)
            // An administrator's certificate is more than a look at the cluster.
            try Authorization.check(
                principal,
                action(.change, operation, resource: region.clusterARN(name), owner: cluster.spec.settings.creatorID))
            return try await kubeconfig(cluster, for: principal)
        default:
            return Self.json(ClusterList(clusters: try await clusters.list(as: principal).map { ClusterOverview($0) }))
        }
    }

    private func newCluster(_ request: ClusterRequest) throws -> NewCluster {
        let subnets = try request.zones?.map { name in
            let zone = ZoneName(rawValue: name)
            guard region.zones.contains(zone) else {
                let known = region.zones.map(\.rawValue).joined(separator: ", ")
                throw OperatorError(400, "InvalidParameterException", "There is no zone '\(name)'; there are \(known).")
            }
            return region.subnetID(of: zone)
        }
        var wanted = NewCluster(
            name: request.name, roleArn: "arn:aws:iam::\(region.accountID):role/slipway",
            resourcesVpcConfig: NewCluster.VPCConfig(subnetIds: subnets))
        wanted.version = request.version
        wanted.tags = request.tags
        // Operators want it out of a zone that fails; in the EKS API it is the customer's word.
        wanted.zonalShiftConfig = NewCluster.Switch(enabled: true)
        return wanted
    }

    private func performOnUsers(_ operation: Operation, body: [UInt8]) async throws -> Response {
        switch operation {
        case .createUser:
            let request = try Self.decode(UserRequest.self, body)
            guard let role = Role(rawValue: request.role) else {
                let known = Role.allCases.map(\.rawValue).joined(separator: ", ")
                throw OperatorError(400, "InvalidParameterException", "There is no role '\(request.role)'; there are \(known).")
            }
            return Self.json(user(try await identity.createPrincipal(name: request.name, role: role)), status: .created)
        case .deleteUser(let name):
            try await identity.deletePrincipal(name)
            return Self.json([String: String]())
        case .listKeys(let name):
            guard try await identity.principal(name) != nil else { throw OperatorError.notFound("There is no user '\(name)'.") }
            let keys = try await identity.accessKeys(of: name)
            return Self.json(AccessKeyList(keys: keys.map { AccessKeyDetail(id: $0.id, user: $0.principal, createdAt: $0.createdAt) }))
        case .createKey(let name):
            let credential = try await identity.createAccessKey(of: name)
            return Self.json(
                NewAccessKey(id: credential.accessKeyID, secret: credential.secretAccessKey, user: name), status: .created)
        case .deleteKey(let id, let name):
            try await identity.deleteAccessKey(id, of: name)
            return Self.json([String: String]())
        default:
            return Self.json(UserList(users: try await identity.principals().map { user($0) }))
        }
    }

    private func user(_ principal: Principal) -> UserDetail {
        UserDetail(name: principal.name, arn: principal.arn, role: principal.role.rawValue, createdAt: principal.createdAt)
    }

    func detail(_ cluster: Cluster, status: HTTPResponse.Status = .ok) -> Response {
        Self.json(ClusterDetail(cluster, arn: region.clusterARN(cluster.name.rawValue)), status: status)
    }

    private func kubeconfig(_ cluster: Cluster, for principal: Principal) async throws -> Response {
        guard let server = cluster.status.endpoint, let authority = cluster.status.certificateAuthority else {
            throw OperatorError(409, "ResourceInUseException", "Cluster \(cluster.name) has no endpoint yet; wait until it is active.")
        }
        let pair = try await administratorCertificate(cluster, principal.name)
        let file = Kubeconfig(
            clusterName: cluster.name.rawValue, server: server, certificateAuthority: authority, userName: principal.name,
            user: .certificate(pair))
        return Self.json(KubeconfigAnswer(kubeconfig: file.yaml, expiresAt: try CertificateDetails.expiry(ofPEM: pair.certificatePEM)))
    }

    func allow(_ principal: Principal, _ kind: ActionRequest.Kind, _ operation: Operation) throws {
        try Authorization.check(principal, action(kind, operation))
    }

    private func action(
        _ kind: ActionRequest.Kind, _ operation: Operation, resource: String = "*", owner: String? = nil
    ) -> ActionRequest {
        ActionRequest(kind, name: "\(OperatorClient.serviceName):\(operation.name)", resource: resource, ownerID: owner)
    }
}
