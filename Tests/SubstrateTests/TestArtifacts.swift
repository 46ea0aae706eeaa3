import Crypto
import FleetModel
import Foundation
import LocalSubstrate
import Substrate
import Synchronization

/// Programs by their SHA-256, checked each time.
final class TestArtifacts: ArtifactLocating {
    private let paths = Mutex<[String: String]>([:])

    func add(_ path: String, name: String) throws -> Artifact {
        let content = try Data(contentsOf: URL(fileURLWithPath: path))
        let artifact = Artifact(name: name, sha256: Self.digest(content), size: Int64(content.count))
        paths.withLock { $0[artifact.sha256] = path }
        return artifact
    }

    func verifiedPath(of artifact: Artifact) throws -> String {
        guard let path = paths.withLock({ $0[artifact.sha256] }),
            Self.digest(try Data(contentsOf: URL(fileURLWithPath: path))) == artifact.sha256
        else { throw SubstrateError(.invalidArtifact, "\(artifact.name) was changed.") }
        return path
    }

    private static func digest(_ content: Data) -> String {
        SHA256.hash(data: content).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
