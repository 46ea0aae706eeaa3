import FleetModel

/// Knows where a release's programs are.
public protocol ArtifactLocating: Sendable {
    /// The absolute path of the program, after its content was found to be what the artifact's SHA-256 says. May block.
    /// - Throws: any error that says what is wrong and what to do.
    func verifiedPath(of artifact: Artifact) throws -> String
}
