import FleetModel
import Foundation
import Substrate

/// What was asked of a load balancer, and which of HAProxy's server slots each backend has. A backend keeps its slot.
struct BalancerRecord: Codable, Equatable {
    var network: ClusterNetwork
    var address: IPv4Address
    var port: UInt16
    var backendPort: UInt16
    var certificateAuthority: String
    /// Nil in records of before.
    var trustRevision: Int?
    /// Who reaches it; nil: everybody.
    var access: EndpointAccess?
    /// Nil in records of before, whose HAProxy knows of no lists and has no door.
    var doorPort: UInt16?
    /// `slotCount` of them; nil: free.
    var slots: [LoadBalancerSpec.Backend?]
    /// Slots whose checks trust other authorities: those that backends had when the authorities changed. Nil in records of before: none.
    var staleSlots: Set<Int>?

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
        trustRevision = spec.trustRevision
        access = spec.access
        doorPort = spec.doorPort
        // One without lists goes on as it is while everybody may come in.
        if let old, old.doorPort == nil, access == nil { doorPort = nil }
        slots = Array(repeating: nil, count: Self.slotCount)
        staleSlots = old?.staleSlots
        if let old, old.certificateAuthority != certificateAuthority {
            staleSlots = (staleSlots ?? []).union(old.slots.indices.filter { old.slots[$0] != nil })
        }
        var waiting: [LoadBalancerSpec.Backend] = []
        for backend in spec.backends {
            let known = old?.slots.firstIndex { $0?.name == backend.name && $0?.address == backend.address }
            if let known, slots.indices.contains(known), slots[known] == nil { slots[known] = backend } else { waiting.append(backend) }
        }
        for backend in waiting {
            // Slots that were free before come first: an old backend's sessions have longer to end, and what a slot trusts can be changed.
            let free = slots.indices.filter { slots[$0] == nil }
            guard let slot = free.first(where: { old?.slots[$0] == nil }) ?? free.first(where: { !isStale($0) }) ?? free.first else {
                throw SubstrateError(.failed, "A load balancer has room for \(Self.slotCount) API servers.")
            }
            slots[slot] = backend
        }
    }

    func isStale(_ slot: Int) -> Bool { staleSlots?.contains(slot) ?? false }

    /// Whether HAProxy can go on with changes through its socket alone.
    func listensLike(_ other: BalancerRecord) -> Bool {
        network == other.network && address == other.address && port == other.port && backendPort == other.backendPort
            && sharesAuthority(with: other) && doorPort == other.doorPort
    }

    /// Whether whom the other trusts is trusted in part: then what was found good by the other need not be checked anew.
    private func sharesAuthority(with other: BalancerRecord) -> Bool {
        certificateAuthority == other.certificateAuthority
            || !Self.certificates(certificateAuthority).isDisjoint(with: Self.certificates(other.certificateAuthority))
    }

    /// The certificates of a PEM text, each as it is written there.
    private static func certificates(_ pem: String) -> Set<String> {
        let end = "-----END CERTIFICATE-----"
        return Set(
            pem.components(separatedBy: end).map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.filter { !$0.isEmpty })
    }
}
