import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// A request's context that knows the client's address.
public struct EKSRequestContext: RequestContext, RemoteAddressRequestContext {
    public var coreContext: CoreRequestContextStorage
    public let remoteAddress: SocketAddress?

    public init(source: Source) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.remoteAddress = source.channel.remoteAddress
    }
}

/// Every path and method, answered by the API: for a listener of its own.
public struct EKSResponder: HTTPResponder {
    public typealias Context = EKSRequestContext

    let api: EKSAPI

    public init(_ api: EKSAPI) { self.api = api }

    public func respond(to request: Request, context: EKSRequestContext) async throws -> Response {
        await api.respond(
            to: request, remoteAddress: context.remoteAddress?.ipAddress, requestID: UUID().uuidString.lowercased())
    }
}
