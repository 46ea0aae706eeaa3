/// What of the API's traffic is recorded when a cluster's `audit` log is on.
///
/// Changes with what was asked, reads by who and what; never the content of secrets, tokens and reviews; nothing of the
/// control plane's own steady chatter, which would be most of the log.
enum AuditPolicy {
    static let yaml = """
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: ["RequestReceived"]
        rules:
        - level: None
          nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*"]
        - level: None
          users: ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]
          verbs: ["get", "list", "watch"]
        - level: None
          users: ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]
          verbs: ["update"]
          resources:
          - group: ""
            resources: ["endpoints"]
          - group: "coordination.k8s.io"
            resources: ["leases"]
        - level: None
          userGroups: ["system:nodes"]
          resources:
          - group: "coordination.k8s.io"
            resources: ["leases"]
        - level: None
          resources:
          - group: ""
            resources: ["events"]
          - group: "events.k8s.io"
        - level: Metadata
          resources:
          - group: ""
            resources: ["secrets", "configmaps", "serviceaccounts/token"]
          - group: "authentication.k8s.io"
        - level: Metadata
          verbs: ["get", "list", "watch"]
        - level: Request

        """
}
