import FleetModel
import Foundation
import PKI
import Substrate

/// Files of the authenticator, relative to its instance's directory.
public enum AuthenticatorFiles {
    public static let configuration = "authenticator/config.json"
    /// Written and replaced at run time: who is whom.
    public static let mappings = "authenticator/mappings.json"
    /// Written and replaced at run time: the coming days' signing keys.
    public static let signingKeys = "authenticator/signing-keys.json"
    static let webhook = "authenticator/webhook.kubeconfig"
    static let serving = "pki/authenticator"
}

extension ControlPlaneRenderer {
    func authenticatorFiles(_ placement: InstancePlacement) throws -> [InstanceFile] {
        let loopback = IPv4Address(bits: 0x7f00_0001)
        let serving = try clusterIssuer.issue(
            CertificateRequest(commonName: "authenticator", dnsNames: ["localhost"], addresses: [loopback], usage: .server),
            now: context.now)
        let listen = "127.0.0.1:\(KubernetesEndpoints.authenticatorPort)"
        let webhook = Kubeconfig(
            clusterName: "authenticator", server: "https://\(listen)\(KubernetesEndpoints.authenticatorPath)",
            certificateAuthority: context.credentials.clusterTrust, userName: "kube-apiserver", user: .none)
        let configuration = AuthenticatorConfiguration(
            clusterName: context.cluster, region: context.region, listen: listen,
            certificateFile: path("\(AuthenticatorFiles.serving).crt", in: placement),
            keyFile: path("\(AuthenticatorFiles.serving).key", in: placement),
            mappingsFile: path(AuthenticatorFiles.mappings, in: placement),
            signingKeysFile: path(AuthenticatorFiles.signingKeys, in: placement))
        return serving.files(AuthenticatorFiles.serving) + [
            InstanceFile(path: AuthenticatorFiles.webhook, content: webhook.yaml),
            InstanceFile(path: AuthenticatorFiles.configuration, content: try configuration.json()),
        ]
    }
}

/// What `slipway authenticator --config` reads.
private struct AuthenticatorConfiguration: Encodable {
    var clusterName: ClusterName
    var region: String
    var listen: String
    var certificateFile: String
    var keyFile: String
    var mappingsFile: String
    var signingKeysFile: String

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        } catch {
            throw KubernetesError(.encoding, "The authenticator's configuration could not be written as JSON.", cause: error)
        }
    }
}
