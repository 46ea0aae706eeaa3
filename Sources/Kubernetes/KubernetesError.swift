/// What cannot be rendered.
public struct KubernetesError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable {
        private enum Value { case unsupportedVersion, invalidContext, encoding }
        private var value: Value
        /// A Kubernetes or etcd version that Slipway has no facts about.
        public static let unsupportedVersion = Code(value: .unsupportedVersion)
        /// What was handed in does not fit together.
        public static let invalidContext = Code(value: .invalidContext)
        /// A value could not be written as JSON.
        public static let encoding = Code(value: .encoding)
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
