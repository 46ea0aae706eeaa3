import Foundation

/// Which operation a method and a path name. Paths are those of the EKS service model of 2017-11-01.
struct EKSRoute: Sendable {
    enum Target: Sendable {
        case offered(EKSOperation)
        /// In the service model, and not in Slipway.
        case unoffered(String)
    }

    var target: Target
    /// What stood for `{}` in the path, decoded, in order.
    var labels: [String]

    var operationName: String {
        switch target {
        case .offered(let operation): operation.rawValue
        case .unoffered(let name): name
        }
    }

    /// - Parameters:
    ///   - path: still percent-encoded, so that a slash inside a label is not a separator.
    /// - Returns: nil when no operation has that method and path.
    init?(method: String, path: String) {
        let raw = path.split(separator: "/", omittingEmptySubsequences: true)
        let segments = raw.compactMap { $0.removingPercentEncoding }
        guard segments.count == raw.count, let kind = Self.patterns[method] else { return nil }
        if segments.first == "tags", segments.count >= 2, let operation = Self.tagOperations[method] {
            // Some clients leave the slash in the ARN as it is.
            self.target = .offered(operation)
            self.labels = [segments.dropFirst().joined(separator: "/")]
            return
        }
        for pattern in kind {
            guard let labels = pattern.match(segments) else { continue }
            self.labels = labels
            self.target = EKSOperation(rawValue: pattern.name).map { .offered($0) } ?? .unoffered(pattern.name)
            return
        }
        return nil
    }

    private struct Pattern: Sendable {
        var name: String
        /// nil: any.
        var segments: [String?]

        init(_ line: Substring) {
            let parts = line.split(separator: " ")
            self.name = String(parts[0])
            self.segments = parts[2].split(separator: "/").map { $0 == "{}" ? nil : String($0) }
        }

        func match(_ given: [String]) -> [String]? {
            guard given.count == segments.count else { return nil }
            var labels: [String] = []
            for (wanted, segment) in zip(segments, given) {
                if wanted == nil { labels.append(segment) } else if wanted != segment { return nil }
            }
            return labels
        }
    }

    private static let tagOperations: [String: EKSOperation] = [
        "GET": .listTagsForResource, "POST": .tagResource, "DELETE": .untagResource,
    ]

    /// By method.
    private static let patterns: [String: [Pattern]] = Dictionary(
        grouping: table.split(separator: "\n").map { line in (String(line.split(separator: " ")[1]), Pattern(line)) },
        by: { $0.0 }
    ).mapValues { $0.map(\.1) }

    /// Operation, method, path.
    private static let table = """
        CreateCluster POST /clusters
        ListClusters GET /clusters
        DescribeCluster GET /clusters/{}
        DeleteCluster DELETE /clusters/{}
        DescribeClusterVersions GET /cluster-versions
        ListUpdates GET /clusters/{}/updates
        DescribeUpdate GET /clusters/{}/updates/{}
        CancelUpdate POST /clusters/{}/updates/{}/cancel-update
        CreateAccessEntry POST /clusters/{}/access-entries
        ListAccessEntries GET /clusters/{}/access-entries
        DescribeAccessEntry GET /clusters/{}/access-entries/{}
        UpdateAccessEntry POST /clusters/{}/access-entries/{}
        DeleteAccessEntry DELETE /clusters/{}/access-entries/{}
        AssociateAccessPolicy POST /clusters/{}/access-entries/{}/access-policies
        ListAssociatedAccessPolicies GET /clusters/{}/access-entries/{}/access-policies
        DisassociateAccessPolicy DELETE /clusters/{}/access-entries/{}/access-policies/{}
        ListAccessPolicies GET /access-policies
        UpdateClusterConfig POST /clusters/{}/update-config
        UpdateClusterVersion POST /clusters/{}/updates
        AssociateEncryptionConfig POST /clusters/{}/encryption-config/associate
        AssociateIdentityProviderConfig POST /clusters/{}/identity-provider-configs/associate
        DescribeIdentityProviderConfig POST /clusters/{}/identity-provider-configs/describe
        DisassociateIdentityProviderConfig POST /clusters/{}/identity-provider-configs/disassociate
        ListIdentityProviderConfigs GET /clusters/{}/identity-provider-configs
        CreateAddon POST /clusters/{}/addons
        ListAddons GET /clusters/{}/addons
        DescribeAddon GET /clusters/{}/addons/{}
        DeleteAddon DELETE /clusters/{}/addons/{}
        UpdateAddon POST /clusters/{}/addons/{}/update
        DescribeAddonConfiguration GET /addons/configuration-schemas
        DescribeAddonVersions GET /addons/supported-versions
        CreateCapability POST /clusters/{}/capabilities
        ListCapabilities GET /clusters/{}/capabilities
        DescribeCapability GET /clusters/{}/capabilities/{}
        UpdateCapability POST /clusters/{}/capabilities/{}
        DeleteCapability DELETE /clusters/{}/capabilities/{}
        CreateFargateProfile POST /clusters/{}/fargate-profiles
        ListFargateProfiles GET /clusters/{}/fargate-profiles
        DescribeFargateProfile GET /clusters/{}/fargate-profiles/{}
        DeleteFargateProfile DELETE /clusters/{}/fargate-profiles/{}
        CreateNodegroup POST /clusters/{}/node-groups
        ListNodegroups GET /clusters/{}/node-groups
        DescribeNodegroup GET /clusters/{}/node-groups/{}
        DeleteNodegroup DELETE /clusters/{}/node-groups/{}
        UpdateNodegroupConfig POST /clusters/{}/node-groups/{}/update-config
        UpdateNodegroupVersion POST /clusters/{}/node-groups/{}/update-version
        CreatePodIdentityAssociation POST /clusters/{}/pod-identity-associations
        ListPodIdentityAssociations GET /clusters/{}/pod-identity-associations
        DescribePodIdentityAssociation GET /clusters/{}/pod-identity-associations/{}
        UpdatePodIdentityAssociation POST /clusters/{}/pod-identity-associations/{}
        DeletePodIdentityAssociation DELETE /clusters/{}/pod-identity-associations/{}
        ListInsights POST /clusters/{}/insights
        DescribeInsight GET /clusters/{}/insights/{}
        StartInsightsRefresh POST /clusters/{}/insights-refresh
        DescribeInsightsRefresh GET /clusters/{}/insights-refresh
        CreateEksAnywhereSubscription POST /eks-anywhere-subscriptions
        ListEksAnywhereSubscriptions GET /eks-anywhere-subscriptions
        DescribeEksAnywhereSubscription GET /eks-anywhere-subscriptions/{}
        UpdateEksAnywhereSubscription POST /eks-anywhere-subscriptions/{}
        DeleteEksAnywhereSubscription DELETE /eks-anywhere-subscriptions/{}
        CreateCertificateAuthority POST /clusters/{}/certificate-authorities
        ListCertificateAuthorities GET /clusters/{}/certificate-authorities
        DescribeCertificateAuthority GET /clusters/{}/certificate-authorities/{}
        ActivateCertificateAuthority POST /clusters/{}/certificate-authorities/{}/activate
        DeleteCertificateAuthority DELETE /clusters/{}/certificate-authorities/{}
        RegisterCluster POST /cluster-registrations
        DeregisterCluster DELETE /cluster-registrations/{}
        """
}
