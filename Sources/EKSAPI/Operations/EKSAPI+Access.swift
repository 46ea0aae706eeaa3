import ClusterService
import FleetModel
import Hummingbird

extension EKSAPI {
    func createAccessEntry(_ call: EKSCall) async throws -> Response {
        try answer(await clusters.createAccessEntry(call.decoded(NewAccessEntry.self), of: call.cluster, as: call.caller))
    }

    func describeAccessEntry(_ call: EKSCall) async throws -> Response {
        try answer(await clusters.accessEntry(call.label(1), of: call.cluster, as: call.caller))
    }

    func updateAccessEntry(_ call: EKSCall) async throws -> Response {
        let change = try call.decoded(AccessEntryChange.self)
        return try answer(await clusters.updateAccessEntry(call.label(1), of: call.cluster, change, as: call.caller))
    }

    func deleteAccessEntry(_ call: EKSCall) async throws -> Response {
        try await clusters.deleteAccessEntry(call.label(1), of: call.cluster, as: call.caller)
        return try JSONAnswers.json(EmptyAnswer())
    }

    func listAccessEntries(_ call: EKSCall) async throws -> Response {
        let policy = call.query["associatedPolicyArn"]
        let entries = try await clusters.accessEntries(of: call.cluster, withPolicy: policy, as: call.caller)
        let page = try Page(of: entries.map { $0.principalARN }, "access-entries/\(call.cluster)", call.query, key: { $0 })
        return try JSONAnswers.json(AccessEntryNames(accessEntries: page.items, nextToken: page.nextToken))
    }

    func associateAccessPolicy(_ call: EKSCall) async throws -> Response {
        let association = try call.decoded(PolicyAssociation.self)
        let policy = try await clusters.associatePolicy(association, to: call.label(1), of: call.cluster, as: call.caller)
        return try JSONAnswers.json(
            AssociationAnswer(
                clusterName: call.cluster, principalArn: call.label(1), associatedAccessPolicy: AssociatedPolicyShape(policy)))
    }

    func disassociateAccessPolicy(_ call: EKSCall) async throws -> Response {
        try await clusters.disassociatePolicy(call.label(2), from: call.label(1), of: call.cluster, as: call.caller)
        return try JSONAnswers.json(EmptyAnswer())
    }

    func listAssociatedAccessPolicies(_ call: EKSCall) async throws -> Response {
        let entry = try await clusters.accessEntry(
            call.label(1), of: call.cluster, action: "eks:ListAssociatedAccessPolicies", as: call.caller)
        let policies = entry.policies.sorted { $0.policyARN < $1.policyARN }
        let page = try Page(of: policies, "access-policies/\(call.cluster)/\(call.label(1))", call.query, key: { $0.policyARN })
        return try JSONAnswers.json(
            AssociatedPolicies(
                clusterName: call.cluster, principalArn: entry.principalARN,
                associatedAccessPolicies: page.items.map { AssociatedPolicyShape($0) }, nextToken: page.nextToken))
    }

    func listAccessPolicies(_ call: EKSCall) throws -> Response {
        let policies = try clusters.accessPolicies(as: call.caller).map { AccessPolicies.Policy(name: $0.rawValue, arn: $0.arn) }
        let page = try Page(of: policies.sorted { $0.arn < $1.arn }, "access-policies", call.query, key: { $0.arn })
        return try JSONAnswers.json(AccessPolicies(accessPolicies: page.items, nextToken: page.nextToken))
    }

    private func answer(_ entry: AccessEntry) throws -> Response {
        try JSONAnswers.json(AccessEntryAnswer(accessEntry: AccessEntryShape(entry, region: region)))
    }
}
