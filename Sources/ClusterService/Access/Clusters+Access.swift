import FleetModel
import FleetStore
import Foundation
import Identity
import Timing

extension Clusters {
    /// How often a change is tried while others write the same cluster.
    private static let attempts = 64

    public func accessEntries(of name: String, withPolicy policyARN: String? = nil, as caller: Principal) async throws -> [AccessEntry] {
        let cluster = try await authorized(name, .read, "eks:ListAccessEntries", caller).value
        let entries = try await store.list(AccessEntry.self, prefix: StoreKeys.accessEntries(of: cluster.name, in: cluster.cell))
        return entries.items.map { $0.value }.filter { entry in
            policyARN.map { arn in entry.policies.contains { $0.policyARN == arn } } ?? true
        }
    }

    /// - Parameter action: as IAM names it.
    public func accessEntry(
        _ principalARN: String, of name: String, action: String = "eks:DescribeAccessEntry", as caller: Principal
    ) async throws -> AccessEntry {
        let cluster = try await authorized(name, .read, action, caller).value
        guard let entry = try await entry(principalARN, of: cluster) else { throw noEntry(principalARN, name) }
        return entry.value
    }

    public func createAccessEntry(_ request: NewAccessEntry, of name: String, as caller: Principal) async throws -> AccessEntry {
        for _ in 0..<Self.attempts {
            let cluster = try await changeable(name, "eks:CreateAccessEntry", caller)
            let now = time.now
            let principal = try AccessRules.principal(request.principalArn)
            let principalID = try await principalID(principal)
            var new = AccessEntry(
                cluster: cluster.value.name, cell: cluster.value.cell,
                metadata: Metadata(uid: UUID().uuidString.lowercased(), createdAt: now), principalARN: principal,
                principalID: principalID,
                username: try request.username.map(AccessRules.username) ?? AccessRules.defaultUsername(principal),
                kubernetesGroups: try AccessRules.groups(request.kubernetesGroups ?? []), type: try AccessRules.type(request.type),
                tags: try TagRules.check(request.tags ?? [:]), modifiedAt: now)
            new.clientRequestToken = request.clientRequestToken
            if let existing = try await entry(principal, of: cluster.value)?.value {
                guard existing.principalID == principalID else { throw formerPrincipal(principal, name) }
                guard let token = request.clientRequestToken, existing.clientRequestToken == token else {
                    throw ClusterServiceError(
                        .inUse, "The specified access entry resource is already in use on this cluster.", cluster: name)
                }
                return existing
            }
            do {
                // The cluster as it was read is not being deleted, so the deletion to come will see this entry.
                try await store.create(new, if: [.unchanged(cluster.value.storeKey, modRevision: cluster.modRevision)])
                return new
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
        throw ClusterServiceError(.busy, "The cluster \(name) is being changed by others at this moment; try again.", cluster: name)
    }

    public func updateAccessEntry(
        _ principalARN: String, of name: String, _ change: AccessEntryChange, as caller: Principal
    ) async throws -> AccessEntry {
        let cluster = try await changeable(name, "eks:UpdateAccessEntry", caller)
        let groups = try change.kubernetesGroups.map(AccessRules.groups)
        let username = try change.username.map(AccessRules.username)
        return try await changeEntry(principalARN, of: cluster.value) { entry in
            entry.kubernetesGroups = groups ?? entry.kubernetesGroups
            entry.username = username ?? entry.username
        }
    }

    public func deleteAccessEntry(_ principalARN: String, of name: String, as caller: Principal) async throws {
        let cluster = try await authorized(name, .change, "eks:DeleteAccessEntry", caller).value
        for _ in 0..<Self.attempts {
            guard let entry = try await entry(principalARN, of: cluster) else { throw noEntry(principalARN, name) }
            do {
                return try await store.remove(entry)
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
        throw ClusterServiceError(.busy, "The access entry is being changed by others at this moment; try again.", cluster: name)
    }

    /// Gives a policy, or changes the scope of one that was given before.
    public func associatePolicy(
        _ association: PolicyAssociation, to principalARN: String, of name: String, as caller: Principal
    ) async throws -> AssociatedAccessPolicy {
        let cluster = try await changeable(name, "eks:AssociateAccessPolicy", caller)
        let policy = try AccessRules.policy(association.policyArn)
        let namespaces = try AccessRules.namespaces(association.accessScope)
        let now = time.now
        var given = AssociatedAccessPolicy(policyARN: policy.arn, namespaces: namespaces, associatedAt: now, modifiedAt: now)
        let entry = try await changeEntry(principalARN, of: cluster.value) { entry in
            if let index = entry.policies.firstIndex(where: { $0.policyARN == policy.arn }) {
                given.associatedAt = entry.policies[index].associatedAt
                entry.policies[index] = given
            } else {
                entry.policies.append(given)
            }
        }
        return entry.policies.first { $0.policyARN == policy.arn } ?? given
    }

    public func disassociatePolicy(_ policyARN: String, from principalARN: String, of name: String, as caller: Principal) async throws {
        let cluster = try await changeable(name, "eks:DisassociateAccessPolicy", caller)
        _ = try await changeEntry(principalARN, of: cluster.value) { entry in
            guard entry.policies.contains(where: { $0.policyARN == policyARN }) else {
                throw ClusterServiceError(
                    .notFound, "The access policy '\(policyARN.prefix(200))' is not associated with the access entry.", cluster: name)
            }
            entry.policies.removeAll { $0.policyARN == policyARN }
        }
    }

    /// All access policies there are.
    public func accessPolicies(as caller: Principal) throws -> [AccessPolicy] {
        try check(caller, .list, "eks:ListAccessPolicies", "*")
        return AccessPolicy.allCases
    }

    // MARK: Parts

    private func changeable(_ name: String, _ action: String, _ caller: Principal) async throws -> Stored<Cluster> {
        let stored = try await authorized(name, .change, action, caller)
        guard stored.value.metadata.deletionRequestedAt == nil else {
            throw ClusterServiceError(.invalidRequest, "The cluster \(name) is being deleted.", cluster: name)
        }
        return stored
    }

    func entry(_ principalARN: String, of cluster: Cluster) async throws -> Stored<AccessEntry>? {
        // What is no ARN names no entry, and must not reach another key of the store.
        guard ARNRules.isPrincipal(principalARN) else { return nil }
        return try await store.get(AccessEntry.self, StoreKeys.accessEntry(principalARN, of: cluster.name, in: cluster.cell))
    }

    private func changeEntry(
        _ principalARN: String, of cluster: Cluster, _ change: (inout AccessEntry) throws -> Void
    ) async throws -> AccessEntry {
        guard ARNRules.isPrincipal(principalARN) else { throw noEntry(principalARN, cluster.name.rawValue) }
        let now = time.now
        let key = StoreKeys.accessEntry(principalARN, of: cluster.name, in: cluster.cell)
        let written = try await store.update(AccessEntry.self, key) { current in
            var new = current
            try change(&new)
            if new == current { return nil }
            new.modifiedAt = now
            new.metadata.generation += 1
            return new
        }
        guard let written else { throw noEntry(principalARN, cluster.name.rawValue) }
        return written.value
    }

    /// The unique id behind an ARN; nil for one of elsewhere.
    /// - Throws: `ClusterServiceError` (`invalidParameter`) when this region's account has no such user, as in EKS.
    private func principalID(_ arn: String) async throws -> String? {
        guard ARNRules.account(arn) == region.accountID, let name = ARNRules.iamName(arn, kind: "user") else { return nil }
        guard Principal.isValid(name: name), let principal = try await store.get(Principal.self, StoreKeys.principal(name))?.value else {
            throw ClusterServiceError(
                .invalidParameter, "The specified principalArn is invalid: there is no user '\(name.prefix(80))' in this account.")
        }
        return principal.userID
    }

    private func formerPrincipal(_ principalARN: String, _ cluster: String) -> ClusterServiceError {
        ClusterServiceError(
            .inUse,
            "The access entry of \(principalARN) on this cluster is of a former user of that name and lets nobody in; delete it, then make a new one.",
            cluster: cluster)
    }

    private func noEntry(_ principalARN: String, _ cluster: String) -> ClusterServiceError {
        ClusterServiceError(
            .notFound, "The specified principalArn '\(principalARN.prefix(200))' has no access entry in the cluster \(cluster).",
            cluster: cluster)
    }
}
