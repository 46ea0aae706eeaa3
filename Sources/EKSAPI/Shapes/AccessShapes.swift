import ClusterService
import FleetModel
import Foundation

/// The service model's `AccessEntry`.
struct AccessEntryShape: Encodable {
    var clusterName: String
    var principalArn: String
    var kubernetesGroups: [String]
    var accessEntryArn: String
    var createdAt: Date
    var modifiedAt: Date
    var tags: [String: String]
    var username: String
    var type: String

    init(_ entry: AccessEntry, region: Region) {
        self.clusterName = entry.cluster.rawValue
        self.principalArn = entry.principalARN
        self.kubernetesGroups = entry.kubernetesGroups
        self.accessEntryArn = region.accessEntryARN(entry)
        self.createdAt = entry.metadata.createdAt
        self.modifiedAt = entry.modifiedAt
        self.tags = entry.tags
        self.username = entry.username
        self.type = entry.type
    }
}

struct AccessEntryAnswer: Encodable { var accessEntry: AccessEntryShape }

struct AccessEntryNames: Encodable {
    var accessEntries: [String]
    var nextToken: String?
}

/// The service model's `AssociatedAccessPolicy`.
struct AssociatedPolicyShape: Encodable {
    struct Scope: Encodable {
        var type: String
        var namespaces: [String]
    }

    var policyArn: String
    var accessScope: Scope
    var associatedAt: Date
    var modifiedAt: Date

    init(_ policy: AssociatedAccessPolicy) {
        self.policyArn = policy.policyARN
        self.accessScope = Scope(type: policy.namespaces.isEmpty ? "cluster" : "namespace", namespaces: policy.namespaces)
        self.associatedAt = policy.associatedAt
        self.modifiedAt = policy.modifiedAt
    }
}

struct AssociationAnswer: Encodable {
    var clusterName: String
    var principalArn: String
    var associatedAccessPolicy: AssociatedPolicyShape
}

struct AssociatedPolicies: Encodable {
    var clusterName: String
    var principalArn: String
    var associatedAccessPolicies: [AssociatedPolicyShape]
    var nextToken: String?
}

struct AccessPolicies: Encodable {
    struct Policy: Encodable {
        var name: String
        var arn: String
    }

    var accessPolicies: [Policy]
    var nextToken: String?
}
