import FleetModel
import Foundation
import PKI
import Substrate

extension ControlPlaneRenderer {
    /// One API server, with the controller manager, the scheduler and the authenticator beside it, and the KMS plugin when secrets are
    /// encrypted.
    ///
    /// `authenticator/mappings.json` and `authenticator/signing-keys.json` are written by who knows the access entries.
    /// - Throws: `KubernetesError`, `FleetModelError` (`invalidRelease`), `PKIError`.
    public func apiServerInstance(_ placement: InstancePlacement) throws -> InstanceSpec {
        let release = context.release
        guard release.kubernetesVersion.minorVersion == context.spec.version.minorVersion else {
            throw KubernetesError(
                .invalidContext,
                "Release \(release.id) is Kubernetes \(release.kubernetesVersion) and \(context.cluster) wants \(context.spec.version).")
        }
        return instance(
            placement, role: .apiServer,
            components: [
                ComponentSpec(
                    kind: .apiServer, artifact: try release.artifact("kube-apiserver"), arguments: apiServerArguments(placement),
                    environment: apiServerEnvironment(placement), deliveredLog: delivery("api", placement),
                    listening: .init(addressFlag: "--bind-address", port: KubernetesEndpoints.apiServerPort)),
                ComponentSpec(
                    kind: .controllerManager, artifact: try release.artifact("kube-controller-manager"),
                    arguments: controllerManagerArguments(placement), environment: goEnvironment(placement, share: 0.18, cores: 0.5),
                    deliveredLog: delivery("controllerManager", placement)),
                ComponentSpec(
                    kind: .scheduler, artifact: try release.artifact("kube-scheduler"), arguments: schedulerArguments(placement),
                    environment: goEnvironment(placement, share: 0.08, cores: 0.5),
                    deliveredLog: delivery("scheduler", placement)),
                ComponentSpec(
                    kind: .authenticator, artifact: context.authenticator,
                    arguments: ["authenticator", "--config", path(AuthenticatorFiles.configuration, in: placement)],
                    deliveredLog: delivery("authenticator", placement)),
            ] + kmsPlugin(placement),
            files: try authorityFiles() + servingFiles(placement) + clientFiles() + localKubeconfigs(placement)
                + authenticatorFiles(placement) + auditFiles() + encryptionFiles(placement) + identityProviderFiles())
    }

    /// One that decrypts makes twice the garbage of one that does not for each secret that it reads: it is collected a third as often, within the
    /// memory limit.
    private func apiServerEnvironment(_ placement: InstancePlacement) -> [String: String] {
        var environment = goEnvironment(placement, share: 0.6)
        if context.encryption != nil { environment["GOGC"] = "300" }
        return environment
    }

    /// Where a log of one of the EKS API's types goes; nil when the cluster's owner does not want it.
    func delivery(_ type: String, _ placement: InstancePlacement) -> String? {
        guard context.settings.enabledLogTypes.contains(type) else { return nil }
        return "\(placement.paths.deliveredLogs)/\(type)/\(placement.id.name)"
    }

    private func authorityFiles() -> [InstanceFile] {
        let credentials = context.credentials
        return [
            InstanceFile(path: "pki/ca.crt", content: credentials.clusterTrust, mode: 0o644),
            // The controller manager signs with one, and takes no file with two.
            InstanceFile(path: "pki/signing-ca.crt", content: credentials.clusterAuthority.certificatePEM, mode: 0o644),
            InstanceFile(path: "pki/ca.key", content: credentials.clusterAuthority.privateKeyPEM),
            InstanceFile(path: "pki/etcd-ca.crt", content: credentials.etcdTrust, mode: 0o644),
            InstanceFile(path: "pki/front-proxy-ca.crt", content: credentials.frontProxyTrust, mode: 0o644),
            InstanceFile(path: "pki/service-account.pub", content: credentials.tokenTrust, mode: 0o644),
            InstanceFile(path: "pki/service-account.key", content: credentials.serviceAccountKey.privateKeyPEM),
        ]
    }

    private func servingFiles(_ placement: InstancePlacement) throws -> [InstanceFile] {
        let loopback = IPv4Address(bits: 0x7f00_0001)
        let apiServer = CertificateRequest(
            commonName: "kube-apiserver",
            dnsNames: [
                "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost",
            ],
            addresses: [placement.address, context.spec.network.loadBalancer, try context.kubernetesServiceAddress(), loopback],
            usage: .server)
        // Given, so that the programs need not make RSA keys for themselves when they start.
        let beside = CertificateRequest(
            commonName: "control-plane", dnsNames: ["localhost"], addresses: [placement.address, loopback], usage: .server)
        return try outwardIssuer.issue(apiServer, now: context.now).files("pki/apiserver")
            + clusterIssuer.issue(beside, now: context.now).files("pki/serving")
    }

    private func clientFiles() throws -> [InstanceFile] {
        let etcd = CertificateRequest(commonName: "kube-apiserver-etcd-client", usage: .client)
        let kubelet = CertificateRequest(
            commonName: "kube-apiserver-kubelet-client", organizations: ["system:masters"], usage: .client)
        let frontProxy = CertificateRequest(commonName: "front-proxy-client", usage: .client)
        return try etcdIssuer.issue(etcd, now: context.now).files("pki/etcd-client")
            + outwardIssuer.issue(kubelet, now: context.now).files("pki/kubelet-client")
            + frontProxyIssuer.issue(frontProxy, now: context.now).files("pki/front-proxy-client")
    }

    /// The controller manager and the scheduler talk to the API server beside them: they live and fail together, and
    /// leader election decides which instance's pair works.
    private func localKubeconfigs(_ placement: InstancePlacement) throws -> [InstanceFile] {
        try ["controller-manager", "scheduler"].map { name in
            let user = "system:kube-\(name)"
            let certificate = try clusterIssuer.issue(CertificateRequest(commonName: user, usage: .client), now: context.now)
            let configuration = Kubeconfig(
                clusterName: context.cluster.rawValue, server: KubernetesEndpoints.apiServer(at: placement.address),
                certificateAuthority: context.credentials.clusterTrust, userName: user, user: .certificate(certificate))
            return InstanceFile(path: "\(name).kubeconfig", content: configuration.yaml)
        }
    }

    private func auditFiles() -> [InstanceFile] {
        isAuditing ? [InstanceFile(path: "audit-policy.yaml", content: AuditPolicy.yaml, mode: 0o644)] : []
    }

    var isAuditing: Bool { context.settings.enabledLogTypes.contains("audit") }
}
