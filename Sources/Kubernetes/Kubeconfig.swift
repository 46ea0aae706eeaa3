import FleetModel
import Foundation
import PKI

/// A kubeconfig file: one cluster, one user, one context.
public struct Kubeconfig: Hashable, Sendable {
    /// How the user shows who he is.
    public enum User: Hashable, Sendable {
        /// A client certificate.
        case certificate(KeyPair)
        /// `aws eks get-token` (AWS CLI 1.16.156 or later).
        case awsToken(region: String, cluster: ClusterName)
        /// No credentials: a webhook that does not ask for them.
        case none
    }

    public var clusterName: String
    /// `https://…`
    public var server: String
    /// PEM.
    public var certificateAuthority: String
    public var userName: String
    public var user: User

    public init(clusterName: String, server: String, certificateAuthority: String, userName: String, user: User) {
        self.clusterName = clusterName
        self.server = server
        self.certificateAuthority = certificateAuthority
        self.userName = userName
        self.user = user
    }

    /// The file's text, YAML. Every scalar is quoted as in JSON, which YAML takes.
    public var yaml: String {
        """
        apiVersion: v1
        kind: Config
        clusters:
        - name: \(clusterName.quoted)
          cluster:
            server: \(server.quoted)
            certificate-authority-data: \(certificateAuthority.base64)
        users:
        - name: \(userName.quoted)
          user:\(userYAML)
        contexts:
        - name: \(contextName.quoted)
          context:
            cluster: \(clusterName.quoted)
            user: \(userName.quoted)
        current-context: \(contextName.quoted)
        preferences: {}

        """
    }

    private var contextName: String { "\(userName)@\(clusterName)" }

    private var userYAML: String {
        switch user {
        case .certificate(let pair):
            """

                client-certificate-data: \(pair.certificatePEM.base64)
                client-key-data: \(pair.privateKeyPEM.base64)
            """
        case .awsToken(let region, let cluster):
            """

                exec:
                  apiVersion: client.authentication.k8s.io/v1beta1
                  command: aws
                  args: ["--region", \(region.quoted), "eks", "get-token", "--cluster-name", \(cluster.rawValue.quoted), "--output", "json"]
                  interactiveMode: Never
            """
        case .none: " {}"
        }
    }
}

extension String {
    fileprivate var base64: String { Data(utf8).base64EncodedString() }

    /// In double quotes, with what JSON escapes escaped.
    fileprivate var quoted: String {
        let escaped = unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case "\n": "\\n"
            case "\t": "\\t"
            case _ where scalar.value < 0x20: "\\u" + String(format: "%04x", scalar.value)
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}
