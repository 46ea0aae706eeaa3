import FleetModel
import Foundation
import Substrate

/// What was asked of an instance; its files' contents are beside it.
struct InstanceRecord: Codable, Equatable {
    var id: InstanceID
    var role: InstanceRole
    var zone: ZoneName
    var size: InstanceSize
    var network: ClusterNetwork
    var address: IPv4Address
    var volume: VolumeID?
    var release: ReleaseID
    var configurationRevision: Int
    var components: [ComponentSpec]
    /// Nil in records of before.
    var isJoining: Bool?
    /// Nil: none.
    var egress: [Egress]?
    /// Nil in records of before.
    var certificatesExpireAt: Date?
    /// Where its API server runs; nil: where it does without ever having had a standby.
    var slot: ServerSlot?
    /// The API server that was a standby has taken over from the one that runs here, and what is left of that has not gone yet.
    var leavingSlot: ServerSlot?
    /// Its controllers stay down; nil: they do not.
    var hasStoppedControllers: Bool?

    init(_ spec: InstanceSpec) {
        id = spec.id
        role = spec.role
        zone = spec.zone
        size = spec.size
        network = spec.network
        address = spec.address
        volume = spec.volume
        release = spec.release
        configurationRevision = spec.configurationRevision
        components = spec.components
        isJoining = spec.isJoining
        egress = spec.egress.isEmpty ? nil : spec.egress
        certificatesExpireAt = spec.certificatesExpireAt
    }

    var serverSlot: ServerSlot { slot ?? .first }
    func slot(of kind: ComponentKind) -> ServerSlot { kind == .apiServer ? serverSlot : .first }

    /// Whether the two differ in nothing but their release, so that files of the one serve the other.
    func differsByReleaseOnly(from spec: InstanceSpec) -> Bool {
        var other = spec
        other.release = release
        return role == .apiServer && satisfies(other)
    }

    var hasEgress: Bool { egress?.isEmpty == false }

    /// Whether a running instance may stay as it is. Command lines are not compared: a new Slipway that renders them
    /// differently must not restart anything.
    func satisfies(_ spec: InstanceSpec) -> Bool {
        (isJoining ?? false) == spec.isJoining && release == spec.release && configurationRevision == spec.configurationRevision
            && size.name == spec.size.name
            && address == spec.address && volume == spec.volume && zone == spec.zone && role == spec.role && network == spec.network
    }
}

struct NetworkRecord: Codable, Equatable {
    var network: ClusterNetwork
}

struct FenceRecord: Codable, Equatable {
    /// Fenced off everywhere.
    var addresses: Set<IPv4Address>
    /// What is being put in their place; nil when nothing is.
    var next: Set<IPv4Address>?
}

struct VolumeRecord: Codable, Equatable {
    var zone: ZoneName
}

enum Record {
    static func read<Value: Decodable>(_ type: Value.Type, _ path: String) -> Value? {
        FileTree.read(path).flatMap { try? JSONDecoder().decode(type, from: Data($0)) }
    }

    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
        } catch {
            throw SubstrateError(.failed, "A record could not be written.", cause: error)
        }
    }
}
