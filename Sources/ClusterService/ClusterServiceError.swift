import FleetModel

/// Why a request about a cluster was refused.
public struct ClusterServiceError: Error, Sendable, CustomStringConvertible {
    /// As the EKS API's exceptions are named.
    public enum Code: String, Sendable {
        case invalidParameter, invalidRequest, notFound, inUse, limitExceeded
        /// Too many others wrote the same things at the same time; the same request may be sent again.
        case busy
    }

    public var code: Code
    public var message: String
    /// The cluster that it is about, as the caller named it.
    public var cluster: String?

    public init(_ code: Code, _ message: String, cluster: String? = nil) {
        self.code = code
        self.message = message
        self.cluster = cluster
    }

    public var description: String { message }
}
