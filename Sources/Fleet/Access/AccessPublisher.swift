import FleetModel
import FleetStore
import Foundation
import Identity
import Kubernetes
import Substrate
import Synchronization

/// Publishes access entries: as files beside each API server, and as role bindings in the cluster.
public final class AccessPublisher: AccessPublishing {
    private let store: any FleetStore
    private let identity: IdentityStore
    private let substrate: any Substrate
    private let operations: LiveControlPlaneOperations
    /// What was last written, by instance: writing again what is there would only cost time.
    private let written = Mutex<[String: [InstanceFile]]>([:])

    public init(store: any FleetStore, identity: IdentityStore, substrate: any Substrate, operations: LiveControlPlaneOperations) {
        self.store = store
        self.identity = identity
        self.substrate = substrate
        self.operations = operations
    }

    public func prefixes(in cell: CellName) -> [StoreKey] {
        [StoreKey(rawValue: "cells/\(cell)/access-entries/"), StoreKeys.principals, StoreKeys.accessKeys]
    }

    public func files(of cluster: Cluster) async throws -> [InstanceFile] {
        try await files(of: try await entries(of: cluster))
    }

    public func publish(_ cluster: Cluster) async throws -> Duration? {
        let entries = try await entries(of: cluster)
        let files = try await files(of: entries)
        for instance in cluster.status.instances where instance.role == .apiServer {
            let key = "\(cluster.metadata.uid)/\(instance.name)/\(instance.address)"
            guard written.withLock({ $0[key] }) != files else { continue }
            try await substrate.writeFiles(files, to: InstanceID(cluster: cluster.name, name: instance.name))
            written.withLock { $0[key] = files }
        }
        return try await bindNamespaces(entries, in: cluster) ? .seconds(10) : nil
    }

    private func entries(of cluster: Cluster) async throws -> [AccessEntry] {
        try await store.list(AccessEntry.self, prefix: StoreKeys.accessEntries(of: cluster.name, in: cluster.cell)).items.map(\.value)
    }

    private func files(of entries: [AccessEntry]) async throws -> [InstanceFile] {
        // Only the keys of those who may log in here; not of one who took the name of a former user.
        let known = Dictionary(entries.map { ($0.principalARN, $0.principalID) }, uniquingKeysWith: { $1 })
        let keys = SigningKeyPackage(keys: try await identity.signingKeys().keys.filter { known[$0.arn] == $0.userID })
        return [
            InstanceFile(path: AuthenticatorFiles.mappings, content: try text(AccessMappings(of: entries))),
            InstanceFile(path: AuthenticatorFiles.signingKeys, content: try text(keys)),
        ]
    }

    private func text(_ value: some Encodable) throws -> String { String(decoding: try StoreCoding.encode(value), as: UTF8.self) }

    /// Policies that were given for namespaces: a role binding in each that exists and matches.
    /// - Returns: whether there are any.
    private func bindNamespaces(_ entries: [AccessEntry], in cluster: Cluster) async throws -> Bool {
        let given = Set(
            entries.flatMap { entry in
                entry.policies.flatMap { policy in policy.namespaces.map { GivenPolicy(arn: policy.policyARN, pattern: $0) } }
            })
        guard !given.isEmpty else { return false }
        let api = try await operations.api(of: cluster)
        let namespaces = try await api.names(in: "/api/v1/namespaces")
        for item in given {
            guard let policy = AccessPolicy(arn: item.arn) else { continue }
            for namespace in namespaces where item.matches(namespace) {
                try await api.apply(try AccessPolicyManifests.roleBinding(policy, namespace: namespace, pattern: item.pattern))
            }
        }
        return true
    }
}

private struct GivenPolicy: Hashable {
    var arn: String
    /// A namespace, or the beginning of its name and `*`.
    var pattern: String

    func matches(_ namespace: String) -> Bool {
        pattern.hasSuffix("*") ? namespace.hasPrefix(pattern.dropLast()) : namespace == pattern
    }
}
