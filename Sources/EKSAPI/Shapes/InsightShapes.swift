import FleetModel
import Foundation

struct InsightStatusShape: Encodable {
    var status: String
    var reason: String
}

/// The service model's `InsightSummary`.
struct InsightSummaryShape: Encodable {
    var id: String
    var name: String
    var category: String
    var kubernetesVersion: String
    var lastRefreshTime: Date
    var lastTransitionTime: Date
    var description: String
    var insightStatus: InsightStatusShape

    init(_ insight: Insight) {
        self.id = insight.id
        self.name = insight.name
        self.category = insight.category.rawValue
        self.kubernetesVersion = insight.kubernetesVersion
        self.lastRefreshTime = insight.refreshedAt
        self.lastTransitionTime = insight.changedAt
        self.description = insight.summary
        self.insightStatus = InsightStatusShape(status: insight.status.rawValue, reason: insight.reason)
    }
}

/// The service model's `Insight`.
struct InsightShape: Encodable {
    struct Resource: Encodable {
        var insightStatus: InsightStatusShape
        var kubernetesResourceUri: String
    }

    struct Deprecation: Encodable {
        struct ClientStat: Encodable {}
        var usage: String
        var replacedWith: String?
        var stopServingVersion: String
        var startServingReplacementVersion: String?
        /// Which clients asked is not known: API servers' metrics do not tell.
        var clientStats: [ClientStat] = []
    }

    struct Summary: Encodable {
        struct Addon: Encodable {}
        var deprecationDetails: [Deprecation]
        var addonCompatibilityDetails: [Addon] = []
    }

    /// Its members are this shape's, too.
    private var summary: InsightSummaryShape
    var recommendation: String
    var additionalInfo: [String: String]
    var resources: [Resource]
    var categorySpecificSummary: Summary

    private enum CodingKeys: CodingKey { case recommendation, additionalInfo, resources, categorySpecificSummary }

    func encode(to encoder: any Encoder) throws {
        try summary.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(recommendation, forKey: .recommendation)
        try values.encode(additionalInfo, forKey: .additionalInfo)
        try values.encode(resources, forKey: .resources)
        try values.encode(categorySpecificSummary, forKey: .categorySpecificSummary)
    }

    init(_ insight: Insight) {
        self.summary = InsightSummaryShape(insight)
        self.recommendation = insight.recommendation
        self.additionalInfo = insight.references
        self.resources = insight.resources.map {
            Resource(insightStatus: .init(status: $0.status.rawValue, reason: $0.reason), kubernetesResourceUri: $0.uri)
        }
        self.categorySpecificSummary = Summary(
            deprecationDetails: insight.deprecations.map {
                Deprecation(
                    usage: $0.usage, replacedWith: $0.replacement, stopServingVersion: $0.stopServingVersion,
                    startServingReplacementVersion: $0.replacementSince)
            })
    }
}

struct InsightList: Encodable {
    var insights: [InsightSummaryShape]
    var nextToken: String?
}

struct InsightAnswer: Encodable { var insight: InsightShape }

struct InsightsRefreshAnswer: Encodable {
    var message: String
    var status: String
}

struct InsightsRefreshDescription: Encodable {
    var message: String
    var status: String
    var startedAt: Date
    var endedAt: Date?
}
