import FleetModel
import Foundation
import Kubernetes
import PKI
import Substrate

/// A control plane of three zones on a fixed block of addresses.
struct Fixture {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    var context: ControlPlaneContext

    init(kubernetes: String, etcd: String, enabledLogTypes: [String] = []) throws {
        let cluster = try ClusterName("demo")
        let version = try KubernetesVersion(kubernetes)
        let release = Release(
            id: ReleaseID(rawValue: "\(kubernetes)-eks.1"), kubernetesVersion: version, platformVersion: 1, etcdVersion: etcd,
            artifacts: Release.requiredArtifacts.map { Artifact(name: $0, sha256: "00", size: 1) }, importedAt: 0)
        var settings = ClusterSettings(
            roleARN: "arn:aws:iam::000000000000:role/eks", subnetIDs: [], creatorARN: "arn:aws:iam::000000000000:user/ada")
        settings.enabledLogTypes = enabledLogTypes
        let zones = Region.standard().zones
        self.context = ControlPlaneContext(
            cluster: cluster, clusterUID: "uid-1", region: "local-1",
            spec: ControlPlaneSpec(
                release: release.id, version: version.minorVersion, zones: zones,
                network: try ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: 2)),
            settings: settings, release: release, credentials: try ClusterCredentials.make(cluster: cluster, now: Self.now),
            authenticator: Artifact(name: "slipway", sha256: "11", size: 1), now: Self.now)
    }

    /// Its secrets are encrypted, as far as `phase` says: with the first version of a key, or from the first to the second.
    func encrypted(_ phase: EncryptionPhase, rotating: Bool = false) throws -> Fixture {
        let key = "1a2b3c4d-0000-4000-8000-000000000000"
        let version = context.release.kubernetesVersion
        let intent = EncryptionIntent(
            keyARN: Region.standard().keyARN(key), scope: "uid-1", target: .newest(keyVersion: rotating ? 2 : 1, for: version),
            older: rotating ? [EncryptionSeal(keyVersion: 1, interface: .v1)] : [], phase: phase)
        var fixture = self
        fixture.context.encryption = EncryptionContext(
            intent: intent,
            keys: KeyPackage(
                keys: intent.sealingOrder.map {
                    .init(id: KeyPackage.keyID(key, version: $0.keyVersion), keyBase64: Data(repeating: 7, count: 32).base64EncodedString())
                }))
        return fixture
    }

    static let issuerAuthorities = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"

    /// People log in with the tokens of an identity provider, whose certificate is of a private authority.
    func loggingIn() -> Fixture {
        var fixture = self
        fixture.context.settings.identityProvider = IdentityProvider(
            id: "1a2b3c4d-0000-4000-8000-000000000000", name: "corp", issuerURL: "https://100.66.0.65:8443/realms/a",
            clientID: "kubernetes", usernameClaim: "email", usernamePrefix: "-", groupsClaim: "groups", groupsPrefix: "oidc:",
            requiredClaims: ["tenant": "7", "hd": "example.com,a=b"])
        fixture.context.issuerAuthorities = Self.issuerAuthorities
        return fixture
    }

    func etcdPlacement(_ index: Int) -> InstancePlacement {
        let zone = context.spec.zones[index]
        let name = ControlPlaneRenderer.etcdMemberName(in: zone)
        return InstancePlacement(
            id: InstanceID(cluster: context.cluster, name: name), zone: zone, size: context.spec.etcdSize,
            address: context.spec.network.etcdMember(index), volume: VolumeID(cluster: context.cluster, name: name),
            paths: InstancePaths(directory: "/data/demo/\(name)", volume: "/data/demo/volumes/\(name)", logs: "/data/demo/\(name)/log"))
    }

    func apiServerPlacement(_ index: Int) -> InstancePlacement {
        let name = "api-\(index + 1)"
        return InstancePlacement(
            id: InstanceID(cluster: context.cluster, name: name), zone: context.spec.zones[index], size: context.spec.apiServerSize,
            address: context.spec.network.apiServers[index],
            paths: InstancePaths(directory: "/data/demo/\(name)", volume: "", logs: "/data/demo/\(name)/log"))
    }

    func etcd() throws -> InstanceSpec { try ControlPlaneRenderer(context).etcdInstance(etcdPlacement(0)) }
    func apiServer() throws -> InstanceSpec { try ControlPlaneRenderer(context).apiServerInstance(apiServerPlacement(0)) }
}

extension InstanceSpec {
    func arguments(of kind: ComponentKind) -> [String] { components.first { $0.kind == kind }?.arguments ?? [] }

    func file(_ path: String) -> InstanceFile? { files.first { $0.path == path } }

    /// Everything but what is new each time: keys and certificates.
    var golden: String {
        var lines = ["instance \(id) \(role.rawValue) \(zone) \(address) release \(release) revision \(configurationRevision)"]
        for component in components {
            lines += ["", "component \(component.kind.rawValue) artifact \(component.artifact.name)"]
            lines += component.environment.sorted { $0.key < $1.key }.map { "  env \($0.key)=\($0.value)" }
            lines += component.arguments.map { "  \($0)" }
        }
        for file in files {
            lines += ["", "file \(file.path) 0\(String(file.mode, radix: 8))"]
            guard !file.content.hasPrefix("-----BEGIN") else { continue }
            lines += file.content.split(separator: "\n").map { line in
                let isData = ["certificate-authority-data:", "client-certificate-data:", "client-key-data:"].contains { line.contains($0) }
                return "  " + (isData ? "\(line.prefix { $0 != ":" }): …" : String(line))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
