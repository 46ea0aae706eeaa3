import FleetModel
import Substrate

/// What was asked of a load balancer, and which of HAProxy's server slots each backend has. A backend keeps its slot.
struct BalancerRecord: Codable, Equatable {
    var network: ClusterNetwork
    var address: IPv4Address
    var port: UInt16
    var backendPort: UInt16
    var certificateAuthority: String
    /// Who reaches it; nil: everybody.
    var access: EndpointAccess?
    /// Nil in records of before, whose HAProxy knows of no lists and has no door.
    var doorPort: UInt16?
    /// `slotCount` of them; nil: free.
    var slots: [LoadBalancerSpec.Backend?]

    /// As many as a cluster's network has addresses for API servers.
    static let slotCount = 23

    /// - Parameter old: gives the slots that backends keep.
    /// - Throws: `SubstrateError` (`failed`) for more backends than slots.
    init(_ spec: LoadBalancerSpec, keeping old: BalancerRecord?) throws {
        network = spec.network
        address = spec.address
        port = spec.port
        backendPort = spec.backendPort
        certificateAuthority = spec.certificateAuthority
        access = spec.access
        doorPort = spec.doorPort
        // One without lists goes on as it is while everybody may come in.
        if let old, old.doorPort == nil, access == nil { doorPort = nil }
        slots = Array(repeating: nil, count: Self.slotCount)
        var waiting: [LoadBalancerSpec.Backend] = []
        for backend in spec.backends {
            let known = old?.slots.firstIndex { $0?.name == backend.name && $0?.address == backend.address }
            if let known, slots.indices.contains(known), slots[known] == nil { slots[known] = backend } else { waiting.append(backend) }
        }
        for backend in waiting {
            // Slots that were free before come first: an old backend's sessions have longer to end.
            let free = slots.indices.filter { slots[$0] == nil }
            guard let slot = free.first(where: { old?.slots[$0] == nil }) ?? free.first else {
                throw SubstrateError(.failed, "A load balancer has room for \(Self.slotCount) API servers.")
            }
            slots[slot] = backend
        }
    }

    /// Whether HAProxy can go on with changes through its socket alone.
    func listensLike(_ other: BalancerRecord) -> Bool {
        network == other.network && address == other.address && port == other.port && backendPort == other.backendPort
            && certificateAuthority == other.certificateAuthority && doorPort == other.doorPort
    }
}
