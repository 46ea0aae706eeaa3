import FleetModel
import FleetStore
import Identity
import Timing

extension Clusters {
    public func tags(of arn: String, as caller: Principal) async throws -> [String: String] {
        switch try await tagged(arn, .read, "eks:ListTagsForResource", caller) {
        case .cluster(let stored): stored.value.spec.settings.tags
        case .provider(_, let provider): provider.tags
        case .entry(let stored): stored.value.tags
        }
    }

    /// Adds tags, replacing those of the same keys.
    public func tag(_ arn: String, with tags: [String: String], as caller: Principal) async throws {
        guard !tags.isEmpty else { throw ClusterServiceError(.invalidParameter, "The parameter 'tags' must have one tag at least.") }
        _ = try TagRules.check(tags)
        try await changeTags(arn, "eks:TagResource", caller) { try TagRules.check($0.merging(tags) { $1 }) }
    }

    public func untag(_ arn: String, keys: [String], as caller: Principal) async throws {
        guard (1...TagRules.limit).contains(keys.count) else {
            throw ClusterServiceError(.invalidParameter, "The parameter 'tagKeys' must have 1 to \(TagRules.limit) keys.")
        }
        try await changeTags(arn, "eks:UntagResource", caller) { $0.filter { !keys.contains($0.key) } }
    }

    private func changeTags(
        _ arn: String, _ action: String, _ caller: Principal, _ change: ([String: String]) throws -> [String: String]
    ) async throws {
        switch try await tagged(arn, .change, action, caller) {
        case .cluster(let stored):
            let written = try await store.update(Cluster.self, stored.value.storeKey) { current in
                guard current.metadata.uid == stored.value.metadata.uid else { throw missing(arn) }
                var new = current
                new.spec.settings.tags = try change(current.spec.settings.tags)
                return new == current ? nil : new
            }
            if written == nil { throw missing(arn) }
        case .provider(let stored, let provider):
            let written = try await store.update(Cluster.self, stored.value.storeKey) { current in
                guard current.spec.settings.identityProvider?.id == provider.id else { throw missing(arn) }
                var new = current
                new.spec.settings.identityProvider?.tags = try change(current.spec.settings.identityProvider?.tags ?? [:])
                return new == current ? nil : new
            }
            if written == nil { throw missing(arn) }
        case .entry(let stored):
            let written = try await store.update(AccessEntry.self, stored.value.storeKey) { current in
                guard current.metadata.uid == stored.value.metadata.uid else { throw missing(arn) }
                var new = current
                new.tags = try change(current.tags)
                return new == current ? nil : new
            }
            if written == nil { throw missing(arn) }
        }
    }

    private enum Tagged {
        case cluster(Stored<Cluster>)
        /// Of the cluster; not one that is on its way out.
        case provider(Stored<Cluster>, IdentityProvider)
        case entry(Stored<AccessEntry>)
    }

    private func tagged(_ arn: String, _ kind: ActionRequest.Kind, _ action: String, _ caller: Principal) async throws -> Tagged {
        let prefix = region.clusterARN("").dropLast("cluster/".count)
        let rest = arn.hasPrefix(prefix) ? arn.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false) : []
        guard
            rest.count >= 2,
            rest[0] == "cluster" && rest.count == 2 || rest[0] == "access-entry" && rest.count >= 6
                || rest[0] == "identityproviderconfig" && rest.count == 5
        else {
            throw ClusterServiceError(
                .invalidParameter,
                "The resource ARN '\(arn.prefix(200))' is not that of a cluster, an access entry or an identity provider of this region.")
        }
        let cluster: Stored<Cluster>
        do {
            cluster = try await authorized(String(rest[1]), kind, action, caller, resource: arn)
        } catch let error as ClusterServiceError where error.code == .notFound {
            throw missing(arn)
        }
        if rest[0] == "identityproviderconfig" {
            guard let provider = cluster.value.spec.settings.identityProvider,
                region.identityProviderARN(provider, of: cluster.value.name) == arn
            else { throw missing(arn) }
            return .provider(cluster, provider)
        }
        guard rest[0] == "access-entry" else { return .cluster(cluster) }
        let principal = "arn:aws:iam::\(rest[3]):\(rest[2])/\(rest[4..<(rest.count - 1)].joined(separator: "/"))"
        guard let entry = try await entry(principal, of: cluster.value), region.accessEntryARN(entry.value) == arn else {
            throw missing(arn)
        }
        return .entry(entry)
    }

    private func missing(_ arn: String) -> ClusterServiceError {
        ClusterServiceError(.notFound, "Resource was not found for provided ARN '\(arn.prefix(200))'.")
    }
}
