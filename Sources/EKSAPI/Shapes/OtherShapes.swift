import FleetModel
import Foundation

/// An answer without members.
struct EmptyAnswer: Encodable {}

struct ClusterNames: Encodable {
    var clusters: [String]
    var nextToken: String?
}

struct TagsAnswer: Encodable { var tags: [String: String] }

struct UpdateIDs: Encodable {
    var updateIds: [String]
    var nextToken: String?
}

/// The service model's `Update`.
struct UpdateShape: Encodable {
    struct Parameter: Encodable {
        var type: String
        var value: String
    }

    struct Failure: Encodable {
        var errorCode: String
        var errorMessage: String
        var resourceIds: [String]
    }

    var id: String
    var status: String
    var type: String
    var params: [Parameter]
    var createdAt: Date
    var errors: [Failure]
    /// Nil: nobody asked for it.
    var cancellation: Cancellation?

    /// `InProgress`, or `Successful`.
    struct Cancellation: Encodable {
        var status: String
        var reason: String
    }

    init(_ update: ClusterUpdate) {
        self.id = update.id
        self.cancellation = update.cancellation.map {
            Cancellation(status: update.status == .inProgress ? "InProgress" : "Successful", reason: $0)
        }
        self.status = update.status.rawValue
        // Older models have no word for a rotation of certificates, and clients that are made of one may know no others; `ConfigUpdate`
        // is what a key's rotation is called, too. Nor have they names for the parameters.
        let isKnown = update.type != ClusterUpdate.rotationType
        self.type = isKnown ? update.type : "ConfigUpdate"
        let parameters = isKnown ? update.parameters : [:]
        self.params = parameters.sorted { $0.key < $1.key }.map { Parameter(type: $0.key, value: $0.value) }
        self.createdAt = update.createdAt
        self.errors = update.errors.map {
            Failure(errorCode: $0.errorCode, errorMessage: $0.errorMessage, resourceIds: $0.resourceIDs)
        }
    }
}

struct UpdateAnswer: Encodable { var update: UpdateShape }

/// The service model's `ClusterVersionInformation`. What is imported is supported.
struct VersionShape: Encodable {
    var clusterVersion: String
    var clusterType = "eks"
    var defaultPlatformVersion: String
    var defaultVersion: Bool
    var releaseDate: Date
    var status = "standard-support"
    var versionStatus = "STANDARD_SUPPORT"
    var kubernetesPatchVersion: String

    init(_ release: Release, isDefault: Bool) {
        self.clusterVersion = release.kubernetesVersion.minorVersion.description
        self.defaultPlatformVersion = "eks.\(release.platformVersion)"
        self.defaultVersion = isDefault
        self.releaseDate = Date(timeIntervalSince1970: release.importedAt)
        self.kubernetesPatchVersion = release.kubernetesVersion.description
    }
}

struct VersionList: Encodable {
    var clusterVersions: [VersionShape]
    var nextToken: String?
}
