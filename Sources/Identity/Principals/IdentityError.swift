/// Why something about a principal or a key was refused.
public struct IdentityError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case invalidName, exists, notFound, limit
        /// A stored secret does not open with the region's key.
        case sealed
        case unavailable
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
