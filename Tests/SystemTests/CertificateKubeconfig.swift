import Foundation
import Testing

extension RegionFixture {
    /// A kubeconfig with an administrator's certificate.
    func certificateKubeconfig(of cluster: String) async throws -> String {
        let path = "\(scratch)/\(cluster).kubeconfig"
        let text = try await slipway("cluster", "kubeconfig", cluster).required().output
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }
}
