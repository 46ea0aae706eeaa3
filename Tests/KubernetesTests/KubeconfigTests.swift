import FleetModel
import Foundation
import Kubernetes
import PKI
import Testing
import Yams

@Suite struct KubeconfigTests {
    private func parse(_ configuration: Kubeconfig) throws -> [String: Any] {
        try #require(try Yams.load(yaml: configuration.yaml) as? [String: Any])
    }

    private func user(_ parsed: [String: Any]) throws -> [String: Any] {
        let users = try #require(parsed["users"] as? [[String: Any]])
        return try #require(users[0]["user"] as? [String: Any])
    }

    @Test func aCertificateIsEmbedded() throws {
        let parsed = try parse(
            Kubeconfig(
                clusterName: "demo", server: "https://100.66.0.2", certificateAuthority: "CA", userName: "ada",
                user: .certificate(KeyPair(certificatePEM: "CERT", privateKeyPEM: "KEY"))))
        #expect(parsed["current-context"] as? String == "ada@demo")
        let clusters = try #require(parsed["clusters"] as? [[String: Any]])
        let cluster = try #require(clusters[0]["cluster"] as? [String: Any])
        #expect(cluster["server"] as? String == "https://100.66.0.2")
        #expect(cluster["certificate-authority-data"] as? String == Data("CA".utf8).base64EncodedString())
        #expect(try user(parsed)["client-certificate-data"] as? String == Data("CERT".utf8).base64EncodedString())
        #expect(try user(parsed)["client-key-data"] as? String == Data("KEY".utf8).base64EncodedString())
    }

    @Test func aTokenComesFromTheAWSCommandLine() throws {
        let parsed = try parse(
            Kubeconfig(
                clusterName: "demo", server: "https://100.66.0.2", certificateAuthority: "CA", userName: "aws",
                user: .awsToken(region: "local-1", cluster: try ClusterName("demo"))))
        let exec = try #require(try user(parsed)["exec"] as? [String: Any])
        #expect(exec["command"] as? String == "aws")
        #expect(exec["args"] as? [String] == ["--region", "local-1", "eks", "get-token", "--cluster-name", "demo", "--output", "json"])
    }

    @Test func namesWithQuotesStayWhole() throws {
        let name = "a \"b\"\\ \n: #"
        let parsed = try parse(
            Kubeconfig(clusterName: name, server: "https://x", certificateAuthority: "CA", userName: "u", user: .none))
        #expect(parsed["current-context"] as? String == "u@\(name)")
    }
}
