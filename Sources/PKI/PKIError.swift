/// What went wrong with keys or certificates.
public struct PKIError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable {
        private enum Value { case invalidCertificate, invalidKey, signing, keyFile, unknownKey, notAuthentic }
        private var value: Value
        /// Not a PEM certificate, or one that cannot be read.
        public static let invalidCertificate = Code(value: .invalidCertificate)
        /// Not a PEM private key of a kind that is used here.
        public static let invalidKey = Code(value: .invalidKey)
        /// A certificate could not be made.
        public static let signing = Code(value: .signing)
        /// The file of encryption keys cannot be made, read or trusted.
        public static let keyFile = Code(value: .keyFile)
        /// Something was sealed with a key that is not in the key file.
        public static let unknownKey = Code(value: .unknownKey)
        /// Sealed bytes were changed, or belong somewhere else.
        public static let notAuthentic = Code(value: .notAuthentic)
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
