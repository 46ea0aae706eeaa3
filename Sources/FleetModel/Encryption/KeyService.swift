import Foundation

/// Holds the keys that clusters' secrets are encrypted with. The region's own key ring is one; a key service of elsewhere can be
/// another.
///
/// A key has versions: a new one seals, older ones open what they have sealed. No version is ever lost while anything of a cluster may
/// be sealed with it.
public protocol KeyService: Sendable {
    /// In the order in which they were made.
    func keys() async throws -> [KeyDescription]

    /// Makes a key of one version.
    /// - Parameter description: for people.
    func create(description: String) async throws -> KeyDescription

    /// Gives the key a new version, which seals from then on. Clusters that use the key follow by themselves.
    /// - Parameter arn: or the UUID that it ends in.
    /// - Throws: `KeyServiceError` (`notFound`).
    func rotate(_ arn: String) async throws -> KeyDescription

    /// What a KMS plugin needs so that it can seal and open without asking anybody: Slipway may be dead then.
    /// - Parameters:
    ///   - versions: the first seals.
    ///   - scope: of the cluster; keys of different scopes do not open each other's.
    /// - Throws: `KeyServiceError` (`notFound`).
    func package(_ arn: String, versions: [Int], scope: String) async throws -> KeyPackage
}

extension KeyService {
    /// - Parameter arn: or the UUID that it ends in.
    public func key(_ arn: String) async throws -> KeyDescription? { try await keys().first { $0.arn == arn || $0.id == arn } }
}

/// What may be seen of a key; nothing secret.
public struct KeyDescription: Codable, Hashable, Sendable {
    /// A UUID.
    public var id: String
    /// `arn:aws:kms:REGION:ACCOUNT:key/UUID`
    public var arn: String
    /// For people.
    public var description: String
    public var createdAt: Date
    /// The newest, which seals; from 1.
    public var version: Int
    /// When that was made.
    public var rotatedAt: Date

    public init(id: String, arn: String, description: String, createdAt: Date, version: Int, rotatedAt: Date) {
        self.id = id
        self.arn = arn
        self.description = description
        self.createdAt = createdAt
        self.version = version
        self.rotatedAt = rotatedAt
    }
}

/// The content of a KMS plugin's `keys.json`: keys derived for one cluster.
public struct KeyPackage: Codable, Hashable, Sendable {
    public struct Key: Codable, Hashable, Sendable {
        /// `UUID/VERSION`
        public var id: String
        /// 32 bytes.
        public var keyBase64: String

        public init(id: String, keyBase64: String) {
            self.id = id
            self.keyBase64 = keyBase64
        }
    }

    /// The first seals, all open.
    public var keys: [Key]

    public init(keys: [Key]) { self.keys = keys }

    public static func keyID(_ key: String, version: Int) -> String { "\(key)/\(version)" }
}

/// What a key service could not do.
public struct KeyServiceError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case notFound, sealed, invalid
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

extension Region {
    /// `arn:aws:kms:REGION:ACCOUNT:key/UUID`
    public func keyARN(_ id: String) -> String { "arn:aws:kms:\(name):\(accountID):key/\(id)" }
}
