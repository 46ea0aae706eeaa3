/// What went wrong with a release or one of its files. `message` names the file, address or program, and what to do.
public struct ReleaseError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// No release of that name.
        case notFound
        /// A cluster runs this release.
        case inUse
        /// A file's content is not what its digest says.
        case digestMismatch
        /// A program that a release must have is not there.
        case missingFile
        /// Something could not be downloaded.
        case download
        /// A program does not tell its version, or tells another than expected.
        case version
        /// A script of the project is missing or failed.
        case script
        /// A manifest that cannot be read or breaks the rules of its form.
        case invalidManifest
        /// The file system refused.
        case fileSystem
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { cause.map { "\(message) (\($0))" } ?? message }
}
