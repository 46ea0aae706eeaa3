/// The content of an authenticator's `signing-keys.json`: Signature V4 keys, each derived for one access key, one day, one
/// region and the service `sts`. No secret can be found from them, and each is worthless when its day is over.
public struct SigningKeyPackage: Codable, Hashable, Sendable {
    public struct Key: Codable, Hashable, Sendable {
        public var accessKeyID: String
        /// `yyyyMMdd`, UTC.
        public var date: String
        public var region: String
        /// Of the principal that has the access key.
        public var arn: String
        public var userID: String
        /// 32 bytes.
        public var keyBase64: String

        public init(accessKeyID: String, date: String, region: String, arn: String, userID: String, keyBase64: String) {
            self.accessKeyID = accessKeyID
            self.date = date
            self.region = region
            self.arn = arn
            self.userID = userID
            self.keyBase64 = keyBase64
        }
    }

    public var keys: [Key]

    public init(keys: [Key]) { self.keys = keys }
}
