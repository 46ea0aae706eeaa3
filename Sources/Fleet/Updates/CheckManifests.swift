import Foundation

/// What checks of API servers create, as JSON.
enum CheckManifests {
    /// What is created, in words, where, and its text.
    struct Manifest {
        var what: String
        var collection: String
        var body: String
    }

    static let namespace = "slipway-system"
    /// Of the objects of checks.
    static let label = "slipway-check"
    /// A service account without rights.
    static let account = "slipway-check"

    static let configMaps = "/api/v1/namespaces/\(namespace)/configmaps"
    static let secrets = "/api/v1/namespaces/\(namespace)/secrets"

    static func name() -> String { "check-\(UUID().uuidString.lowercased())" }

    static let ownNamespace = #"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"\#(namespace)"}}"#

    static func configMap(_ name: String) -> String {
        #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\#(name)","labels":{"\#(label)":""}},"data":{"step":"created"}}"#
    }

    /// The value of `label` of objects that a webhook of checks is asked about.
    enum Webhook: String, CaseIterable {
        case validating, mutating

        private var kind: String { self == .validating ? "ValidatingWebhookConfiguration" : "MutatingWebhookConfiguration" }

        /// Nobody is there: an API server that asks it has to refuse.
        var configuration: Manifest {
            Manifest(
                what: "a \(rawValue) webhook",
                collection: "/apis/admissionregistration.k8s.io/v1/\(rawValue)webhookconfigurations",
                body:
                    #"{"apiVersion":"admissionregistration.k8s.io/v1","kind":"\#(kind)","metadata":{"name":"slipway-check"},"webhooks":[{"name":"check.slipway.invalid","admissionReviewVersions":["v1"],"sideEffects":"None","timeoutSeconds":1,"failurePolicy":"Fail","clientConfig":{"url":"https://127.0.0.1:1/"},"objectSelector":{"matchLabels":{"\#(label)":"\#(rawValue)"}},"rules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["configmaps"],"scope":"Namespaced"}]}]}"#
            )
        }

        var refused: Manifest {
            Manifest(
                what: "an object that a webhook refuses", collection: configMaps,
                body: #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"check","labels":{"\#(label)":"\#(rawValue)"}}}"#)
        }
    }

    /// In base64, as the API has it.
    static let secretValue = Data("checked".utf8).base64EncodedString()

    static func secret(_ name: String) -> Manifest {
        Manifest(
            what: "a secret", collection: secrets,
            body:
                #"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"\#(name)","labels":{"\#(label)":""}},"data":{"value":"\#(secretValue)"}}"#
        )
    }

    static let serviceAccount = Manifest(
        what: "a service account", collection: "/api/v1/namespaces/\(namespace)/serviceaccounts",
        body:
            #"{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"\#(account)"},"automountServiceAccountToken":false}"#)

    /// Good for the shortest time that can be had: 600 s.
    static let tokenRequest =
        #"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":600}}"#

    static let accessReview = Manifest(
        what: "an access review with a service account's token",
        collection: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body:
            #"{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"namespace":"kube-system","verb":"list","resource":"secrets"}}}"#
    )

    /// A token of IAM that its authenticator refuses, and what it says of it.
    static let tokenReview = Manifest(
        what: "a token review", collection: "/apis/authentication.k8s.io/v1/tokenreviews",
        body: #"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"k8s-aws-v1."}}"#)
    static let tokenRefusal = "the token holds no URL"

    /// One that the strictest of Kubernetes' own pod security standards allows.
    private static let podSpec =
        #"{"serviceAccountName":"\#(account)","automountServiceAccountToken":false,"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"check","image":"check.invalid/check:1","resources":{"requests":{"cpu":"1m","memory":"1Mi"},"limits":{"cpu":"1m","memory":"1Mi"}},"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]}"#

    private static let metadata = #"{"name":"check","labels":{"\#(label)":""}}"#

    static let pod = Manifest(
        what: "a pod", collection: "/api/v1/namespaces/\(namespace)/pods",
        body: #"{"apiVersion":"v1","kind":"Pod","metadata":\#(metadata),"spec":\#(podSpec)}"#)

    static let deployment = Manifest(
        what: "a deployment", collection: "/apis/apps/v1/namespaces/\(namespace)/deployments",
        body:
            #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":\#(metadata),"spec":{"selector":{"matchLabels":{"\#(label)":""}},"template":{"metadata":\#(metadata),"spec":\#(podSpec)}}}"#
    )

    static let service = Manifest(
        what: "a service", collection: "/api/v1/namespaces/\(namespace)/services",
        body:
            #"{"apiVersion":"v1","kind":"Service","metadata":\#(metadata),"spec":{"selector":{"\#(label)":""},"ports":[{"port":443}]}}"#)
}
