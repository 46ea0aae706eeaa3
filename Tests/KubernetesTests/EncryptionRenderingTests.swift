import FleetModel
import Foundation
import Kubernetes
import Substrate
import Testing

@Suite struct EncryptionRenderingTests {
    private func providers(_ spec: InstanceSpec) throws -> [String] {
        let text = try #require(spec.file("kms/encryption.yaml")).content
        return text.split(separator: "\n").compactMap { line in
            let line = line.trimmingCharacters(in: .whitespaces)
            if line == "- identity: {}" { return "identity" }
            return line.hasPrefix("name: ") ? String(line.dropFirst(6)) : nil
        }
    }

    @Test func withoutEncryptionThereIsNothingOfIt() throws {
        let spec = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16").apiServer()
        #expect(!spec.components.contains { $0.kind == .kmsPlugin })
        #expect(!spec.files.contains { $0.path.hasPrefix("kms/") })
        #expect(!spec.arguments(of: .apiServer).contains { $0.contains("encryption") })
    }

    @Test func theOrderOfProvidersFollowsThePhase() throws {
        let fixture = try Fixture(kubernetes: "1.20.2", etcd: "3.4.23")
        let (one, two) = ("slipway-1a2b3c4d-1", "slipway-1a2b3c4d-2")
        #expect(try providers(fixture.encrypted(.readable).apiServer()) == ["identity", one])
        #expect(try providers(fixture.encrypted(.writable).apiServer()) == [one, "identity"])
        #expect(try providers(fixture.encrypted(.readable, rotating: true).apiServer()) == [one, two, "identity"])
        #expect(try providers(fixture.encrypted(.rewriting, rotating: true).apiServer()) == [two, one, "identity"])
        #expect(try providers(fixture.encrypted(.retiring, rotating: true).apiServer()) == [two, "identity"])
    }

    @Test func keysAreForThePluginOnly() throws {
        let spec = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16").encrypted(.settled).apiServer()
        let keys = try #require(spec.file(KMSPluginFiles.keys))
        #expect(keys.mode == 0o600)
        let secret = Data(repeating: 7, count: 32).base64EncodedString()
        #expect(keys.content.contains(secret))
        for file in spec.files where file.path != KMSPluginFiles.keys { #expect(!file.content.contains(secret), "\(file.path)") }
        let arguments = spec.components.flatMap(\.arguments)
        #expect(!arguments.contains { $0.contains(secret) })
    }

    /// The kernel takes 107 bytes at most; instances may lie deeper than that.
    @Test func theSocketsPathIsShortHoweverDeepTheInstanceIs() throws {
        let fixture = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16").encrypted(.settled)
        var placement = fixture.apiServerPlacement(0)
        placement.paths.directory = "/" + String(repeating: "d", count: 200)
        let spec = try ControlPlaneRenderer(fixture.context).apiServerInstance(placement)
        let text = try #require(spec.file("kms/encryption.yaml")).content
        #expect(text.contains("endpoint: unix:///proc/self/cwd/kms/plugin.sock"))
        #expect(spec.arguments(of: .kmsPlugin).contains("kms/plugin.sock"))
        let directory = placement.paths.directory
        let arguments = spec.components.flatMap(\.arguments)
        for path in ["kms/config.json", "kms/encryption.yaml"] {
            #expect(spec.file(path) != nil)
            #expect(arguments.contains { $0.hasSuffix("\(directory)/\(path)") }, "\(path)")
        }
    }

    @Test(arguments: [("1.27.3", "v2beta1"), ("1.28.0", "v2beta1"), ("1.29.0", "v2"), ("1.36.2", "v2")])
    func versionTwoCallsItselfWhatKubernetesTakes(_ version: String, _ status: String) throws {
        let spec = try Fixture(kubernetes: version, etcd: version == "1.36.2" ? "3.6.5" : "3.5.16").encrypted(.settled).apiServer()
        #expect(try #require(spec.file(KMSPluginFiles.configuration)).content.contains("\"statusVersion\" : \"\(status)\""))
        #expect(try #require(spec.file("kms/encryption.yaml")).content.contains("apiVersion: v2\n"))
        #expect(!spec.arguments(of: .apiServer).contains { $0.hasPrefix("--feature-gates") })
    }

    /// What version 1 of the interface once wrote stays readable where that version is off by default.
    @Test func versionOneIsReadByNewKubernetes() throws {
        let rotating = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16").encrypted(.writable, rotating: true).apiServer()
        #expect(rotating.arguments(of: .apiServer).contains("--feature-gates=KMSv1=true"))
        let done = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16").encrypted(.settled, rotating: true).apiServer()
        #expect(!done.arguments(of: .apiServer).contains { $0.hasPrefix("--feature-gates") })
    }
}
