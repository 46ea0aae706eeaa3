import Foundation

/// What a cluster's owner should know, and do before the next update, in the words of the EKS API (`Insight`).
public struct Insight: Codable, Hashable, Sendable {
    public enum Status: String, Codable, Hashable, Sendable, CaseIterable {
        case passing = "PASSING", warning = "WARNING", error = "ERROR", unknown = "UNKNOWN"
    }

    public enum Category: String, Codable, Hashable, Sendable, CaseIterable {
        case upgradeReadiness = "UPGRADE_READINESS", misconfiguration = "MISCONFIGURATION", rollbackReadiness = "ROLLBACK_READINESS"
    }

    /// One thing that the insight is about.
    public struct Resource: Codable, Hashable, Sendable {
        public var status: Status
        public var reason: String
        /// A path of the cluster's API: `/api/v1/nodes/NAME`.
        public var uri: String

        public init(status: Status, reason: String, uri: String) {
            self.status = status
            self.reason = reason
            self.uri = uri
        }
    }

    /// An API that is used and that a coming version does not serve.
    public struct Deprecation: Codable, Hashable, Sendable {
        /// `/apis/GROUP/VERSION/RESOURCE`.
        public var usage: String
        /// The same of what takes its place; nil: nothing does.
        public var replacement: String?
        /// The minor version that no longer serves it: `1.22`.
        public var stopServingVersion: String
        /// The first minor version that serves the replacement.
        public var replacementSince: String?

        public init(usage: String, replacement: String?, stopServingVersion: String, replacementSince: String?) {
            self.usage = usage
            self.replacement = replacement
            self.stopServingVersion = stopServingVersion
            self.replacementSince = replacementSince
        }
    }

    /// A UUID; stays the same for as long as the insight's name does.
    public var id: String
    public var name: String
    public var category: Category
    /// The minor version that it is about: `1.22`.
    public var kubernetesVersion: String
    public var refreshedAt: Date
    /// When its status last became another.
    public var changedAt: Date
    public var summary: String
    public var status: Status
    public var reason: String
    public var recommendation: String
    /// Titles and addresses to read on.
    public var references: [String: String]
    public var resources: [Resource]
    public var deprecations: [Deprecation]

    public init(
        id: String, name: String, category: Category, kubernetesVersion: String, refreshedAt: Date, changedAt: Date, summary: String,
        status: Status, reason: String, recommendation: String, references: [String: String] = [:], resources: [Resource] = [],
        deprecations: [Deprecation] = []
    ) {
        self.id = id
        self.name = name
        self.category = category
        self.kubernetesVersion = kubernetesVersion
        self.refreshedAt = refreshedAt
        self.changedAt = changedAt
        self.summary = summary
        self.status = status
        self.reason = reason
        self.recommendation = recommendation
        self.references = references
        self.resources = resources
        self.deprecations = deprecations
    }
}

/// All insights of one cluster, and how the last looks for them went.
public struct ClusterInsights: Codable, Hashable, Sendable {
    public struct Refresh: Codable, Hashable, Sendable {
        /// In the words of the EKS API (`InsightsRefreshStatus`).
        public enum Status: String, Codable, Hashable, Sendable {
            case inProgress = "IN_PROGRESS", failed = "FAILED", completed = "COMPLETED"
        }

        public var status: Status
        public var message: String
        public var startedAt: Date
        public var endedAt: Date?

        public init(status: Status, message: String, startedAt: Date, endedAt: Date? = nil) {
            self.status = status
            self.message = message
            self.startedAt = startedAt
            self.endedAt = endedAt
        }
    }

    /// One look, whether somebody asked for it or it was due.
    public struct Look: Codable, Hashable, Sendable {
        public var endedAt: Date
        /// No API server answered.
        public var isBlind: Bool

        public init(endedAt: Date, isBlind: Bool) {
            self.endedAt = endedAt
            self.isBlind = isBlind
        }
    }

    public var cluster: ClusterName
    public var cell: CellName
    /// Of the cluster: those of an older one of the same name do not count.
    public var clusterUID: String
    public var insights: [Insight]
    /// The last one that somebody asked for.
    public var refresh: Refresh?
    public var look: Look?

    public init(cluster: ClusterName, cell: CellName, clusterUID: String, insights: [Insight] = [], refresh: Refresh? = nil) {
        self.cluster = cluster
        self.cell = cell
        self.clusterUID = clusterUID
        self.insights = insights
        self.refresh = refresh
    }
}
