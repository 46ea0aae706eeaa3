import Foundation

/// One call: who, what, when, from where, with which outcome. Never a secret, never a body.
public struct AuditRecord: Codable, Hashable, Sendable {
    public var time: Date
    public var requestID: String
    /// `eks`, `sts`, `slipway`
    public var service: String
    /// `CreateCluster`
    public var operation: String
    /// Of the caller; nil when nobody was recognised.
    public var principalARN: String?
    /// As the caller claims it.
    public var accessKeyID: String?
    public var sourceAddress: String?
    public var userAgent: String?
    /// The cluster or ARN that it was about.
    public var resource: String?
    /// HTTP status.
    public var status: Int
    public var errorCode: String?
    public var errorMessage: String?
    public var milliseconds: Int

    public init(
        time: Date, requestID: String, service: String, operation: String, principalARN: String? = nil, accessKeyID: String? = nil,
        sourceAddress: String? = nil, userAgent: String? = nil, resource: String? = nil, status: Int, errorCode: String? = nil,
        errorMessage: String? = nil, milliseconds: Int = 0
    ) {
        self.time = time
        self.requestID = requestID
        self.service = service
        self.operation = operation
        self.principalARN = principalARN
        self.accessKeyID = accessKeyID
        self.sourceAddress = sourceAddress
        self.userAgent = userAgent
        self.resource = resource
        self.status = status
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.milliseconds = milliseconds
    }
}

/// Where calls are written down.
public protocol AuditLog: Sendable {
    /// Does not fail: a call that was carried out cannot be taken back because it could not be written down.
    func record(_ record: AuditRecord)
}
