import FleetModel
import FleetStore
import Foundation

/// What a rotation does to a cluster's credentials.
public protocol CredentialRotating: Sendable {
    /// Makes the generation that comes, and says how to write it together with the spec that speaks of it. Nothing of it is used, nor
    /// kept, unless that is written.
    func makeNext(of cluster: Cluster, _ rotation: RotationIntent) async throws -> CredentialChange
    /// Has the cluster forget what it keeps of the generation of before, and says how to write that it is gone. May be repeated.
    func retire(of cluster: Cluster, _ rotation: RotationIntent) async throws -> CredentialChange
}

/// A change of stored credentials, to be written in the transaction that changes the cluster's spec.
public struct CredentialChange: Sendable {
    /// The newest generation in them.
    public var generation: Int
    var operation: StoreOperation
    var condition: StoreCondition
}

/// Rotates the credentials of real clusters.
public struct LiveCredentialRotation: CredentialRotating {
    private let credentials: CredentialStore
    private let operations: LiveControlPlaneOperations

    public init(credentials: CredentialStore, operations: LiveControlPlaneOperations) {
        self.credentials = credentials
        self.operations = operations
    }

    public func makeNext(of cluster: Cluster, _ rotation: RotationIntent) async throws -> CredentialChange {
        try await credentials.renewal(of: cluster, from: rotation.present, rotation.parts)
    }

    /// API servers only ever add to `extension-apiserver-authentication`, which says whom extension API servers trust: it is deleted,
    /// and they make it anew with what they trust now.
    public func retire(of cluster: Cluster, _ rotation: RotationIntent) async throws -> CredentialChange {
        if rotation.parts.contains(.authorities) {
            try await operations.api(of: cluster).delete("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")
        }
        return try await credentials.retirement(of: cluster, keeping: rotation.next ?? rotation.present)
    }
}
