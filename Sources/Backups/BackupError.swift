/// An error about backups: of their format, their storage, or the programs that read them.
public struct BackupError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The backup is not what was written. Trying again does not help.
        case damaged
        /// The storage has no such object.
        case notFound
        /// The storage does not answer or refuses; trying again may help.
        case storage
        /// etcd's own tool is missing, or failed for a reason that is not the backup's.
        case tool
        /// etcd did not give a snapshot.
        case snapshot
        /// What was asked for cannot be.
        case invalid
    }

    public var code: Code
    /// What happened, and what to do.
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { cause.map { "\(message) (\($0))" } ?? message }
}
