import FleetModel
import Foundation

/// What of another cluster's data must not stay in a cluster that begins with it, since the new one has keys and authorities of
/// its own.
///
/// - Tokens of service accounts that are kept in Secrets were signed with the other's key: they are emptied, and Kubernetes'
///   token controller makes new ones (`pkg/controller/serviceaccount/tokens_controller.go`, `generateTokenIfNeeded`).
/// - `extension-apiserver-authentication` holds the client authorities that extension API servers trust, and API servers only
///   ever add to it (`pkg/controlplane/controller/clusterauthenticationtrust`): left alone, clients of the other cluster would
///   be trusted. It is deleted, and the API servers make it anew with their own.
///
/// `kube-root-ca.crt`, leases, and the endpoints of `default/kubernetes` put themselves right: their controllers compare, and the
/// other's API servers no longer renew theirs.
struct RestoredObjects: Sendable {
    let api: KubernetesAPI

    /// Repeating it does no harm while nothing but Slipway uses the cluster.
    func putRight() async throws {
        let tokens = "/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Fservice-account-token"
        for secret in try await api.objects(in: tokens) {
            try await api.merge(
                "/api/v1/namespaces/\(secret.namespace)/secrets/\(secret.name)", #"{"data":{"token":null,"ca.crt":null}}"#)
        }
        try await api.delete("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")
    }
}
