import Foundation

/// A principal: who signs requests.
public struct UserDetail: Codable, Hashable, Sendable {
    public var name: String
    public var arn: String
    /// `admin`, `operator`, `owner` or `viewer`.
    public var role: String
    public var createdAt: Date

    public init(name: String, arn: String, role: String, createdAt: Date) {
        self.name = name
        self.arn = arn
        self.role = role
        self.createdAt = createdAt
    }
}

public struct UserRequest: Codable, Sendable {
    public var name: String
    public var role: String

    public init(name: String, role: String) {
        self.name = name
        self.role = role
    }
}

public struct UserList: Codable, Sendable {
    public var users: [UserDetail]
    public init(users: [UserDetail]) { self.users = users }
}

/// An access key without its secret.
public struct AccessKeyDetail: Codable, Hashable, Sendable {
    public var id: String
    public var user: String
    public var createdAt: Date

    public init(id: String, user: String, createdAt: Date) {
        self.id = id
        self.user = user
        self.createdAt = createdAt
    }
}

public struct AccessKeyList: Codable, Sendable {
    public var keys: [AccessKeyDetail]
    public init(keys: [AccessKeyDetail]) { self.keys = keys }
}

/// A new access key; the only time that its secret is said.
public struct NewAccessKey: Codable, Sendable {
    public var id: String
    public var secret: String
    public var user: String

    public init(id: String, secret: String, user: String) {
        self.id = id
        self.secret = secret
        self.user = user
    }
}
