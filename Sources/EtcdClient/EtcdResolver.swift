import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOPosix

/// The endpoints of one etcd cluster as a gRPC target: addresses as they are, names looked up anew for each connection.
struct EtcdTarget: ResolvableTarget {
    var endpoints: [EtcdEndpoint]
}

struct EtcdResolver: NameResolverFactory {
    func resolver(for target: EtcdTarget) -> NameResolver {
        // One name is the authority of its connections; addresses, and several names, have none in common.
        let single = target.endpoints.count == 1 ? target.endpoints.first : nil
        let authority = single.flatMap { $0.address == nil ? $0.description : nil }
        return NameResolver(
            names: RPCAsyncSequence(wrapping: Results(endpoints: target.endpoints)), updateMode: .pull, authority: authority)
    }

    /// Each call of `next` looks up again.
    struct Results: AsyncSequence, AsyncIteratorProtocol, Sendable {
        typealias Element = NameResolutionResult
        typealias Failure = any Error

        var endpoints: [EtcdEndpoint]

        func makeAsyncIterator() -> Self { self }

        func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> NameResolutionResult? { try await resolve() }

        func next() async throws -> NameResolutionResult? { try await resolve() }

        private func resolve() async throws -> NameResolutionResult {
            var found: [Endpoint] = []
            var failure: (any Error)?
            for endpoint in endpoints {
                // A name that cannot be looked up must not keep the others from being used.
                do { found.append(Endpoint(addresses: [try await endpoint.lookUp()])) } catch { failure = error }
            }
            if found.isEmpty, let failure {
                throw RPCError(code: .unavailable, message: "No etcd endpoint could be looked up.", cause: failure)
            }
            return NameResolutionResult(endpoints: found, serviceConfig: nil)
        }
    }
}

extension EtcdEndpoint {
    /// Nil for a name.
    fileprivate var address: NIOCore.SocketAddress? { try? NIOCore.SocketAddress(ipAddress: host, port: port) }

    fileprivate func lookUp() async throws -> GRPCNIOTransportCore.SocketAddress {
        let resolved: NIOCore.SocketAddress
        if let address {
            resolved = address
        } else {
            // getaddrinfo blocks.
            resolved = try await NIOThreadPool.singleton.runIfActive {
                try NIOCore.SocketAddress.makeAddressResolvingHost(host, port: port)
            }
        }
        let text = resolved.ipAddress ?? host
        switch resolved {
        case .v6: return .ipv6(host: text, port: port)
        default: return .ipv4(host: text, port: port)
        }
    }
}
