import FleetModel
import Foundation
import Kubernetes
import PKI
import Substrate
import Testing

@Suite struct RenderingTests {
    @Test func plainPortsAreClosedWhereTheyExist() throws {
        let old = try Fixture(kubernetes: "1.20.2", etcd: "3.4.23").apiServer()
        #expect(old.arguments(of: .apiServer).contains("--insecure-port=0"))
        #expect(old.arguments(of: .controllerManager).contains("--port=0"))
        #expect(old.arguments(of: .scheduler).contains("--port=0"))
        let new = try Fixture(kubernetes: "1.24.1", etcd: "3.5.16").apiServer()
        for component in new.components {
            #expect(!component.arguments.contains { $0.hasPrefix("--insecure-port") || $0.hasPrefix("--port=") })
        }
    }

    /// Plain HTTP would show the metrics, and who leads, to whoever is on the network.
    @Test(arguments: ["3.4.9", "3.5.16", "3.6.5"]) func etcdSpeaksOnlyTLS(_ version: String) throws {
        let arguments = try Fixture(kubernetes: "1.30.14", etcd: version).etcd().arguments(of: .etcd)
        #expect(!arguments.contains { $0.contains("http://") })
        #expect(arguments.contains("--client-cert-auth=true") && arguments.contains("--peer-client-cert-auth=true"))
    }

    @Test func everyFileThatIsNamedIsThere() throws {
        let fixture = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16", enabledLogTypes: ["audit"])
        for spec in [try fixture.etcd(), try fixture.apiServer()] {
            let directory = "/data/demo/\(spec.id.name)/"
            let named = spec.components.flatMap(\.arguments).compactMap { argument in
                argument.firstRange(of: directory).map { String(argument[$0.upperBound...]) }
            }
            for path in named where !path.hasPrefix("log/") {
                #expect(spec.file(path) != nil, "\(path)")
            }
            #expect(Set(spec.files.map(\.path)).count == spec.files.count)
        }
    }

    @Test func privateKeysAreForTheOwnerOnly() throws {
        let fixture = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16")
        for file in try fixture.etcd().files + fixture.apiServer().files where file.mode != 0o600 {
            #expect(!file.content.contains("PRIVATE KEY") && !file.content.contains("client-key-data"), "\(file.path)")
        }
    }

    @Test func everyComponentNamesItsCluster() throws {
        let fixture = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16")
        for component in try fixture.etcd().components + fixture.apiServer().components {
            #expect(component.arguments.contains { $0.contains("demo") }, "\(component.kind)")
        }
    }

    @Test func auditIsOnlyWrittenWhenAskedFor() throws {
        let without = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16", enabledLogTypes: ["api"]).apiServer()
        #expect(!without.arguments(of: .apiServer).contains { $0.hasPrefix("--audit") })
        #expect(without.file("audit-policy.yaml") == nil)
        let with = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16", enabledLogTypes: ["audit"]).apiServer()
        #expect(with.arguments(of: .apiServer).contains("--audit-log-path=/data/demo/api-1/log/delivered/audit/api-1/audit.log"))
    }

    @Test func largerInstancesTakeMoreRequests() throws {
        var fixture = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16")
        fixture.context.spec.apiServerSize = InstanceSize(name: "large", memoryMiB: 16384, milliCPU: 4000)
        #expect(try fixture.apiServer().arguments(of: .apiServer).contains("--max-requests-inflight=1600"))
    }

    @Test func aMemberThatComesLaterSaysSo() throws {
        let fixture = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16")
        let spec = try ControlPlaneRenderer(fixture.context).etcdInstance(fixture.etcdPlacement(1), initialClusterState: .existing)
        #expect(spec.arguments(of: .etcd).contains("--initial-cluster-state=existing"))
        #expect(spec.arguments(of: .etcd).contains("--quota-backend-bytes=-1"))
        #expect(!spec.arguments(of: .etcd).contains { $0.contains("bootstrap-defrag") })
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let fixture = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16")
        let renderer = try ControlPlaneRenderer(fixture.context)
        var placement = fixture.etcdPlacement(0)
        placement.volume = nil
        #expect(code { _ = try renderer.etcdInstance(placement) } == .invalidContext)
        placement = fixture.etcdPlacement(0)
        placement.address = fixture.context.spec.network.etcdMember(1)
        #expect(code { _ = try renderer.etcdInstance(placement) } == .invalidContext)
        var context = fixture.context
        context.spec.version = KubernetesVersion(major: 1, minor: 29)
        let other = try ControlPlaneRenderer(context)
        #expect(code { _ = try other.apiServerInstance(fixture.apiServerPlacement(0)) } == .invalidContext)
    }

    @Test(arguments: ["1.19.3", "1.37.0", "2.20.0"]) func unknownKubernetesIsRefused(_ version: String) throws {
        let context = try Fixture(kubernetes: version, etcd: "3.5.16").context
        #expect(code { _ = try ControlPlaneRenderer(context) } == .unsupportedVersion)
    }

    @Test(arguments: ["3.3.10", "3.7.0", "4.0.0", "3.5", "x"]) func unknownEtcdIsRefused(_ version: String) throws {
        #expect(code { _ = try EtcdVersion(version) } == .unsupportedVersion)
    }

    @Test func theAuthenticatorFindsItsFiles() throws {
        let spec = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16").apiServer()
        let data = Data(try #require(spec.file(AuthenticatorFiles.configuration)).content.utf8)
        let configuration = try JSONDecoder().decode([String: String].self, from: data)
        #expect(
            configuration == [
                "clusterName": "demo", "region": "local-1", "listen": "127.0.0.1:21362",
                "certificateFile": "/data/demo/api-1/pki/authenticator.crt", "keyFile": "/data/demo/api-1/pki/authenticator.key",
                "mappingsFile": "/data/demo/api-1/authenticator/mappings.json",
                "signingKeysFile": "/data/demo/api-1/authenticator/signing-keys.json",
            ])
    }

    private func code(_ body: () throws -> Void) -> KubernetesError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? KubernetesError)?.code
        }
    }
}
