/// A value that breaks one of the model's rules. `message` says which rule, and what to write instead.
public struct FleetModelError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rule that was broken.
    public enum Code: String, Sendable {
        case invalidName, invalidAddress, invalidVersion, invalidARN, invalidRelease, capacity, invalidBackupPolicy
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
