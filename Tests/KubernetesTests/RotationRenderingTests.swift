import FleetModel
import Foundation
import Kubernetes
import PKI
import Substrate
import Testing

/// What components are told in each phase of a rotation.
@Suite struct RotationRenderingTests {
    private func fixture(_ phase: RotationPhase) throws -> Fixture {
        var fixture = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16")
        let parts = RotationIntent.Part.allCases
        let stored = try fixture.context.credentials.renewed(from: 1, parts, cluster: fixture.context.cluster, now: Fixture.now)
        let use = RotationIntent(parts: parts, phase: phase, present: 1, next: 2).use
        fixture.context.credentials = try #require(stored?.used(as: use))
        return fixture
    }

    private func issuer(_ path: String, _ spec: InstanceSpec) throws -> String {
        try CertificateDetails(pem: try #require(spec.file(path)).content).issuer
    }

    @Test(arguments: [
        (RotationPhase.requested, ["", ""], 1), (.trusted, ["", ""], 2), (.issued, ["", "-2"], 2), (.served, ["-2", "-2"], 2),
        (.retiring, ["-2", "-2"], 1),
    ])
    func apiServer(_ phase: RotationPhase, _ names: [String], _ trusted: Int) throws {
        let spec = try fixture(phase).apiServer()
        // Towards clients and kubelets; and among themselves.
        for file in ["apiserver", "kubelet-client"] { #expect(try issuer("pki/\(file).crt", spec).contains("kubernetes-ca\(names[0]),")) }
        for (file, authority) in [
            ("serving", "kubernetes-ca"), ("authenticator", "kubernetes-ca"), ("etcd-client", "etcd-ca"),
            ("front-proxy-client", "kubernetes-front-proxy-ca"),
        ] {
            #expect(try issuer("pki/\(file).crt", spec).contains("\(authority)\(names[1]),"), "\(file)")
        }
        for file in ["ca", "etcd-ca", "front-proxy-ca"] {
            #expect(try #require(spec.file("pki/\(file).crt")).content.ranges(of: "BEGIN CERTIFICATE").count == trusted)
        }
        #expect(try #require(spec.file("pki/service-account.pub")).content.ranges(of: "BEGIN PUBLIC KEY").count == trusted)
        // The controller manager signs with the key that belongs to the certificate, and takes one only.
        let signer = try #require(spec.file("pki/signing-ca.crt")).content
        #expect(signer.ranges(of: "BEGIN CERTIFICATE").count == 1)
        #expect(try CertificateDetails(pem: signer).subject.contains("kubernetes-ca\(names[1]),"))
        #expect(spec.arguments(of: .controllerManager).contains("--cluster-signing-cert-file=/data/demo/api-1/pki/signing-ca.crt"))
        let authority = CertificateAuthority(
            certificatePEM: signer, privateKeyPEM: try #require(spec.file("pki/ca.key")).content)
        let leaf = try CertificateIssuer(authority).issue(CertificateRequest(commonName: "x", usage: .client), now: Fixture.now)
        #expect(try CertificateDetails(pem: leaf.certificatePEM).issuer.contains("kubernetes-ca\(names[1]),"))
    }

    @Test(arguments: [(RotationPhase.trusted, "", 2), (.issued, "-2", 2), (.retiring, "-2", 1)])
    func etcd(_ phase: RotationPhase, _ name: String, _ trusted: Int) throws {
        let spec = try fixture(phase).etcd()
        for file in ["server", "peer"] { #expect(try issuer("pki/\(file).crt", spec).contains("etcd-ca\(name),")) }
        #expect(try #require(spec.file("pki/etcd-ca.crt")).content.ranges(of: "BEGIN CERTIFICATE").count == trusted)
    }

    @Test func anInstanceSaysWhenItsCertificatesEnd() throws {
        let year: TimeInterval = 365 * 86_400
        #expect(try fixture(.requested).apiServer().certificatesExpireAt == Fixture.now.addingTimeInterval(year))
        var fixture = try fixture(.requested)
        fixture.context.now = Fixture.now.addingTimeInterval(9.5 * year)
        // No certificate outlives its authority.
        #expect(try fixture.etcd().certificatesExpireAt == Fixture.now.addingTimeInterval(10 * year))
    }
}
