import Foundation

/// `kubectl` with a certificate.
struct Kubectl {
    var kubeconfig: String

    func callAsFunction(_ arguments: [String]) async throws -> CommandRun {
        try await CommandRun.run("kubectl", ["--kubeconfig", kubeconfig, "--request-timeout=20s"] + arguments)
    }

    func callAsFunction(_ arguments: String...) async throws -> CommandRun { try await callAsFunction(arguments) }
}
