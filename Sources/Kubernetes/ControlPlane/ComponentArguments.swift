import FleetModel
import Substrate

extension ControlPlaneRenderer {
    func apiServerArguments(_ placement: InstancePlacement) -> [String] {
        var flags = FlagList(.apiServer, capabilities)
        addServing(&flags, placement)
        addStorage(&flags, placement)
        addClients(&flags, placement)
        addAuthentication(&flags, placement)
        addLimits(&flags, placement)
        addShutdown(&flags)
        addAudit(&flags, placement)
        return flags.arguments
    }

    private func addServing(_ flags: inout FlagList, _ placement: InstancePlacement) {
        flags.set("--bind-address", placement.address)
        flags.set("--advertise-address", placement.address)
        flags.set("--secure-port", KubernetesEndpoints.apiServerPort)
        flags.set("--insecure-port", 0)
        flags.set("--tls-cert-file", path("pki/apiserver.crt", in: placement))
        flags.set("--tls-private-key-file", path("pki/apiserver.key", in: placement))
        flags.set("--tls-min-version", "VersionTLS12")
        flags.set("--service-cluster-ip-range", context.settings.serviceIPv4CIDR)
        // API servers register themselves under a lease, so that one that is gone leaves the `kubernetes` service.
        flags.set("--endpoint-reconciler-type", "lease")
        flags.set("--allow-privileged", true)
        flags.set("--profiling", false)
    }

    private func addStorage(_ flags: inout FlagList, _ placement: InstancePlacement) {
        // All members: etcd's own client balances and fails over, and nothing stands in between.
        flags.set("--etcd-servers", context.memberAddresses.map { KubernetesEndpoints.etcdClient(at: $0) }.joined(separator: ","))
        flags.set("--etcd-cafile", path("pki/etcd-ca.crt", in: placement))
        flags.set("--etcd-certfile", path("pki/etcd-client.crt", in: placement))
        flags.set("--etcd-keyfile", path("pki/etcd-client.key", in: placement))
        flags.set("--event-ttl", "60m")
        addEncryption(&flags, placement)
    }

    private func addClients(_ flags: inout FlagList, _ placement: InstancePlacement) {
        flags.set("--kubelet-client-certificate", path("pki/kubelet-client.crt", in: placement))
        flags.set("--kubelet-client-key", path("pki/kubelet-client.key", in: placement))
        flags.set("--kubelet-preferred-address-types", "InternalIP,InternalDNS,Hostname,ExternalIP,ExternalDNS")
        flags.set("--proxy-client-cert-file", path("pki/front-proxy-client.crt", in: placement))
        flags.set("--proxy-client-key-file", path("pki/front-proxy-client.key", in: placement))
    }

    private func addAuthentication(_ flags: inout FlagList, _ placement: InstancePlacement) {
        flags.set("--client-ca-file", path("pki/ca.crt", in: placement))
        // Health checks come without credentials.
        flags.set("--anonymous-auth", true)
        flags.set("--enable-bootstrap-token-auth", true)
        flags.set("--authentication-token-webhook-config-file", path(AuthenticatorFiles.webhook, in: placement))
        flags.set("--authentication-token-webhook-version", "v1")
        // The authenticator is on the same machine and costs less than a millisecond, so a long memory (2 minutes by
        // default) would only delay a withdrawn access entry. Some memory spares it when a client repeats a bad token.
        flags.set("--authentication-token-webhook-cache-ttl", "5s")
        addIdentityProvider(&flags, placement)
        flags.set("--requestheader-client-ca-file", path("pki/front-proxy-ca.crt", in: placement))
        flags.set("--requestheader-allowed-names", "front-proxy-client")
        flags.set("--requestheader-username-headers", "X-Remote-User")
        flags.set("--requestheader-group-headers", "X-Remote-Group")
        flags.set("--requestheader-extra-headers-prefix", "X-Remote-Extra-")
        flags.set("--service-account-issuer", context.endpoint)
        flags.set("--service-account-key-file", path("pki/service-account.pub", in: placement))
        flags.set("--service-account-signing-key-file", path("pki/service-account.key", in: placement))
        flags.set("--authorization-mode", "Node,RBAC")
        flags.set("--enable-admission-plugins", "NodeRestriction")
    }

    /// Kubernetes' defaults (400 and 200) suit about 4 GiB; more memory carries more requests at once.
    private func addLimits(_ flags: inout FlagList, _ placement: InstancePlacement) {
        let factor = min(8, max(1, placement.size.memoryMiB / 4096))
        flags.set("--max-requests-inflight", 400 * factor)
        flags.set("--max-mutating-requests-inflight", 200 * factor)
        // One request in a thousand asks its client to connect anew, so that long-lived connections spread over the API
        // servers again after one was away. The value is the one that the flag's help suggests.
        flags.set("--goaway-chance", "0.001")
    }

    private func addShutdown(_ flags: inout FlagList) {
        // After SIGTERM it says "not ready" and goes on serving: time for the load balancer's health check to see it, which
        // takes 0.7 s.
        flags.set("--shutdown-delay-duration", "1s")
        // Not `--shutdown-send-retry-after`, which answers 429 from then on: without it, clients on HTTP/2 are told to connect
        // anew (GOAWAY) and nothing fails.
        flags.set("--shutdown-watch-termination-grace-period", "2s")
    }

    private func addAudit(_ flags: inout FlagList, _ placement: InstancePlacement) {
        guard let directory = delivery("audit", placement) else { return }
        flags.set("--audit-policy-file", path("audit-policy.yaml", in: placement))
        flags.set("--audit-log-path", "\(directory)/audit.log")
        flags.set("--audit-log-format", "json")
        flags.set("--audit-log-maxsize", 50)
        flags.set("--audit-log-maxbackup", 4)
        flags.set("--audit-log-maxage", 30)
        // Answers do not wait for the disk.
        flags.set("--audit-log-mode", "batch")
    }

    func controllerManagerArguments(_ placement: InstancePlacement) -> [String] {
        var flags = FlagList(.controllerManager, capabilities)
        addLocalClient(&flags, placement, name: "controller-manager", port: KubernetesEndpoints.controllerManagerPort)
        flags.set("--cluster-name", context.cluster)
        flags.set("--controllers", "*,bootstrapsigner,tokencleaner")
        flags.set("--allocate-node-cidrs", false)
        flags.set("--service-cluster-ip-range", context.settings.serviceIPv4CIDR)
        flags.set("--cluster-signing-cert-file", path("pki/signing-ca.crt", in: placement))
        flags.set("--cluster-signing-key-file", path("pki/ca.key", in: placement))
        flags.set("--root-ca-file", path("pki/ca.crt", in: placement))
        flags.set("--service-account-private-key-file", path("pki/service-account.key", in: placement))
        flags.set("--use-service-account-credentials", true)
        // Twice the default: on its first start it makes some forty service accounts, one request each.
        flags.set("--kube-api-qps", 40)
        flags.set("--kube-api-burst", 60)
        return flags.arguments
    }

    func schedulerArguments(_ placement: InstancePlacement) -> [String] {
        var flags = FlagList(.scheduler, capabilities)
        addLocalClient(&flags, placement, name: "scheduler", port: KubernetesEndpoints.schedulerPort)
        return flags.arguments
    }

    private func addLocalClient(_ flags: inout FlagList, _ placement: InstancePlacement, name: String, port: UInt16) {
        let kubeconfig = path("\(name).kubeconfig", in: placement)
        flags.set("--kubeconfig", kubeconfig)
        flags.set("--authentication-kubeconfig", kubeconfig)
        flags.set("--authorization-kubeconfig", kubeconfig)
        // What the lookup would find in the cluster is known here; without it the program starts before the API server does.
        flags.set("--authentication-skip-lookup", true)
        flags.set("--client-ca-file", path("pki/ca.crt", in: placement))
        flags.set("--requestheader-client-ca-file", path("pki/front-proxy-ca.crt", in: placement))
        flags.set("--requestheader-allowed-names", "front-proxy-client")
        flags.set("--bind-address", placement.address)
        flags.set("--secure-port", port)
        flags.set("--port", 0)
        flags.set("--tls-cert-file", path("pki/serving.crt", in: placement))
        flags.set("--tls-private-key-file", path("pki/serving.key", in: placement))
        flags.set("--profiling", false)
        flags.set("--leader-elect", true)
        // The defaults. 15 and 10 seconds are safe through an election of etcd; each renewal is a write to etcd for as long as
        // the cluster lives, so it does not come more often than it must.
        flags.set("--leader-elect-lease-duration", "15s")
        flags.set("--leader-elect-renew-deadline", "10s")
        flags.set("--leader-elect-retry-period", "2s")
    }
}
