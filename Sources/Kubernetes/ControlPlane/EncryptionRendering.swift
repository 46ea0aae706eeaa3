import FleetModel
import Foundation
import Substrate

/// How a cluster's secrets are encrypted, and with what.
public struct EncryptionContext: Hashable, Sendable {
    public var intent: EncryptionIntent
    /// The keys that the intent's phase asks for; the first seals.
    public var keys: KeyPackage

    public init(intent: EncryptionIntent, keys: KeyPackage) {
        self.intent = intent
        self.keys = keys
    }
}

/// Files of the KMS plugin, relative to its instance's directory.
public enum KMSPluginFiles {
    public static let configuration = "kms/config.json"
    /// For nobody but the plugin: mode 0600.
    public static let keys = "kms/keys.json"
    static let socket = "kms/plugin.sock"
    /// The API server's `EncryptionConfiguration`.
    static let encryption = "kms/encryption.yaml"
}

extension ControlPlaneRenderer {
    /// `EncryptionConfiguration` names a socket by its whole path, which may be at most 107 bytes long, and the path of an instance may be
    /// longer. Both processes run in their instance's directory, so each finds it by that.
    private static let endpoint = "unix:///proc/self/cwd/\(KMSPluginFiles.socket)"

    /// One data key a secret, about 600 bytes each: the most secrets that are read without the plugin (version 1 of the interface only).
    /// An API server reads all of them twice when it starts, so that one less than there are would spare it nothing.
    private static let cachedKeys = 250_000

    func kmsPlugin(_ placement: InstancePlacement) -> [ComponentSpec] {
        guard context.encryption != nil else { return [] }
        return [
            ComponentSpec(
                kind: .kmsPlugin, artifact: context.authenticator,
                arguments: ["kms-plugin", "--socket", KMSPluginFiles.socket, "--config", path(KMSPluginFiles.configuration, in: placement)])
        ]
    }

    func addEncryption(_ flags: inout FlagList, _ placement: InstancePlacement) {
        guard let encryption = context.encryption else { return }
        flags.set("--encryption-provider-config", path(KMSPluginFiles.encryption, in: placement))
        // Version 1 goes on being read where it was written; it is off by default since 1.29.
        if encryption.intent.sealingOrder.contains(where: { $0.interface == .v1 }), capabilities.minor >= 29 {
            flags.set("--feature-gates", "KMSv1=true")
        }
    }

    func encryptionFiles(_ placement: InstancePlacement) throws -> [InstanceFile] {
        guard let encryption = context.encryption else { return [] }
        let configuration = KMSPluginConfiguration(
            keysFile: path(KMSPluginFiles.keys, in: placement),
            // Kubernetes 1.27 and 1.28 take no other (k8s.io/apiserver, `pkg/server/options/encryptionconfig`).
            statusVersion: capabilities.minor < 29 ? "v2beta1" : "v2")
        return [
            InstanceFile(path: KMSPluginFiles.configuration, content: try Self.json(configuration)),
            InstanceFile(path: KMSPluginFiles.keys, content: try Self.json(encryption.keys)),
            InstanceFile(path: KMSPluginFiles.encryption, content: Self.yaml(encryption.intent)),
        ]
    }

    private static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
        } catch {
            throw KubernetesError(.encoding, "The KMS plugin's files could not be written as JSON.", cause: error)
        }
    }

    private static func yaml(_ intent: EncryptionIntent) -> String {
        var lines = ["apiVersion: apiserver.config.k8s.io/v1", "kind: EncryptionConfiguration", "resources:", "  - resources:"]
        lines += intent.resources.map { "      - \($0)" }
        lines.append("    providers:")
        for provider in intent.apiServerProviders {
            switch provider {
            case .identity: lines.append("      - identity: {}")
            case .kms(let seal):
                lines.append("      - kms:")
                if seal.interface == .v2 { lines.append("          apiVersion: v2") }
                lines += [
                    "          name: \(seal.providerName(of: intent.keyID))", "          endpoint: \(endpoint)", "          timeout: 3s",
                ]
                if seal.interface == .v1 { lines.append("          cachesize: \(cachedKeys)") }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// What `slipway kms-plugin --config` reads.
private struct KMSPluginConfiguration: Encodable {
    var keysFile: String
    var statusVersion: String
}
