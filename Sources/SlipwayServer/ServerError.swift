/// Why a region's service or its surroundings cannot do what they should.
public struct ServerError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The configuration is wrong.
        case configuration
        /// Somebody else has what is needed: a port, a lock, the address pool.
        case taken
        /// Something that must be there is not: a file, a release, a program.
        case missing
        /// What the region's store holds does not open with the key that is here.
        case sealed
        /// It did not come up in time.
        case timedOut
        case failed
    }

    public var code: Code
    /// What happened and what to do.
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { cause.map { "\(message) (\($0))" } ?? message }
}
