import ClusterService
import FleetModel
import Hummingbird

extension EKSAPI {
    func createCluster(_ call: EKSCall) async throws -> Response {
        try answer(await clusters.create(call.decoded(NewCluster.self), as: call.caller))
    }

    func describeCluster(_ call: EKSCall) async throws -> Response {
        try answer(await clusters.describe(call.cluster, as: call.caller))
    }

    func deleteCluster(_ call: EKSCall) async throws -> Response {
        try answer(await clusters.delete(call.cluster, as: call.caller))
    }

    func associateEncryptionConfig(_ call: EKSCall) async throws -> Response {
        let update = try await clusters.associateEncryption(call.cluster, call.decoded(EncryptionAssociation.self), as: call.caller)
        return try JSONAnswers.json(UpdateAnswer(update: UpdateShape(update)))
    }

    func listClusters(_ call: EKSCall) async throws -> Response {
        let page = try Page(of: try await clusters.names(as: call.caller), "clusters", call.query, key: { $0 })
        return try JSONAnswers.json(ClusterNames(clusters: page.items, nextToken: page.nextToken))
    }

    func describeClusterVersions(_ call: EKSCall) async throws -> Response {
        let releases = try await clusters.versions(as: call.caller)
        var versions = releases.enumerated().map { VersionShape($1, isDefault: $0 == 0) }
        let wanted = call.query.all("clusterVersions")
        if !wanted.isEmpty { versions = versions.filter { wanted.contains($0.clusterVersion) } }
        if try call.query.flag("defaultOnly") == true { versions = versions.filter { $0.defaultVersion } }
        if let type = call.query["clusterType"] { versions = versions.filter { $0.clusterType == type } }
        if let status = call.query["status"] { versions = versions.filter { $0.status == status } }
        if let status = call.query["versionStatus"] { versions = versions.filter { $0.versionStatus == status } }
        let page = try Page(of: versions, "cluster-versions", call.query, key: { $0.clusterVersion })
        return try JSONAnswers.json(VersionList(clusterVersions: page.items, nextToken: page.nextToken))
    }

    private func answer(_ cluster: Cluster) throws -> Response {
        try JSONAnswers.json(ClusterAnswer(cluster: ClusterShape(cluster, region: region)))
    }
}
