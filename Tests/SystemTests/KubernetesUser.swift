import Foundation
import Testing

/// Somebody with `aws` and `kubectl`, and nothing of Slipway's own.
struct KubernetesUser: Sendable {
    let environment: [String: String]
    let kubeconfig: String

    /// Writes the kubeconfig with the unmodified AWS command line.
    static func make(_ name: String, cluster: String, region: RegionFixture, environment: [String: String]) async throws -> KubernetesUser {
        let kubeconfig = "\(region.scratch)/\(name)-\(cluster).kubeconfig"
        try await CommandRun.run(
            "aws", ["eks", "update-kubeconfig", "--name", cluster, "--kubeconfig", kubeconfig], environment: environment
        ).required()
        return KubernetesUser(environment: environment, kubeconfig: kubeconfig)
    }

    /// The same kubeconfig with another person's key.
    func impersonating(key: String, secret: String) -> KubernetesUser {
        var environment = environment
        environment["AWS_ACCESS_KEY_ID"] = key
        environment["AWS_SECRET_ACCESS_KEY"] = secret
        return KubernetesUser(environment: environment, kubeconfig: kubeconfig)
    }

    func kubectl(_ arguments: String...) async throws -> CommandRun {
        try await CommandRun.run("kubectl", ["--kubeconfig", kubeconfig, "--request-timeout=10s"] + arguments, environment: environment)
    }
}
