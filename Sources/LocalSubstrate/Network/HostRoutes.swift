import FleetModel
import Foundation
import Substrate

/// The host's IPv4 routes, as `ip -json route show table all` says them.
struct HostRoute: Decodable, Equatable {
    var type: String?
    var dst: String
    var dev: String?
    var metric: UInt32?

    /// Nil for the default route and what is not IPv4.
    var block: IPv4Block? {
        guard dst != "default" else { return nil }
        return try? IPv4Block(dst.contains("/") ? dst : "\(dst)/32")
    }

    static func decode(_ json: String) throws -> [HostRoute] {
        do {
            return try JSONDecoder().decode([HostRoute].self, from: Data(json.isEmpty ? "[]".utf8 : json.utf8))
        } catch {
            throw SubstrateError(.failed, "The answer of 'ip -json route' could not be read.", cause: error)
        }
    }

    /// The first route of somebody else that overlaps the pool.
    /// - Parameter isOwn: whether an interface is this region's.
    static func foreign(in routes: [HostRoute], pool: IPv4Block, metric: UInt32, isOwn: (String) -> Bool) -> HostRoute? {
        routes.first { route in
            guard let block = route.block, block.overlaps(pool), block.prefixLength > 0 else { return false }
            if route.type == "multicast" || route.type == "anycast" { return false }
            if route.metric == metric, block == pool { return false }
            return !(route.dev.map(isOwn) ?? false)
        }
    }
}
