/// What somebody wants to do.
public struct ActionRequest: Hashable, Sendable {
    public enum Kind: Sendable {
        /// Looks at one resource.
        case read
        /// Looks at what belongs to nobody, or lists; owners see their own only.
        case list
        /// Makes something that the caller will own.
        case create
        /// Changes or deletes one resource.
        case change
        /// Changes what concerns more than one cluster: zones, releases, rollouts.
        case operate
        /// Principals and keys.
        case identity
    }

    public var kind: Kind
    /// As IAM names it: `eks:CreateCluster`.
    public var name: String
    /// ARN, or `*`.
    public var resource: String
    /// Unique id of who owns the resource, when it is owned. Not its ARN, which a new principal may take over.
    public var ownerID: String?

    public init(_ kind: Kind, name: String, resource: String, ownerID: String? = nil) {
        self.kind = kind
        self.name = name
        self.resource = resource
        self.ownerID = ownerID
    }
}

/// Decides by role. Pure.
public enum Authorization {
    public static func allows(_ principal: Principal, _ request: ActionRequest) -> Bool {
        switch principal.role {
        case .admin: true
        case .operator: request.kind != .identity
        case .viewer: request.kind == .read || request.kind == .list
        case .owner:
            switch request.kind {
            case .list, .create: true
            case .read, .change: request.ownerID == principal.userID
            case .operate, .identity: false
            }
        }
    }

    /// - Throws: `AccessDenied`.
    public static func check(_ principal: Principal, _ request: ActionRequest) throws {
        guard allows(principal, request) else { throw AccessDenied(principalARN: principal.arn, request: request) }
    }
}

/// The caller is known, and may not do this. Worded as AWS words it.
public struct AccessDenied: Error, Hashable, Sendable, CustomStringConvertible {
    public var principalARN: String
    public var request: ActionRequest

    public init(principalARN: String, request: ActionRequest) {
        self.principalARN = principalARN
        self.request = request
    }

    public var description: String {
        "User: \(principalARN) is not authorized to perform: \(request.name) on resource: \(request.resource)"
    }
}
