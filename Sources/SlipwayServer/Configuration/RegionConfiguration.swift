import FleetModel
import Foundation
import Yams

/// Everything that one replica of a region's service needs to know. YAML (or JSON); what is missing has its default.
public struct RegionConfiguration: Codable, Hashable, Sendable {
    /// Where instances live.
    public enum SubstrateKind: String, Codable, Sendable, CaseIterable {
        case local, simulated
    }

    /// The region's name, zones and account.
    public var region: Region
    /// Absolute. Files of this replica, and of the instances on the `local` substrate.
    public var dataDirectory: String
    /// Where releases are kept; nil: the default of `slipway release`.
    public var releasesDirectory: String?
    public var listen: ListenAddress
    public var substrate: SubstrateKind
    /// Addresses of the clusters' networks.
    public var addressPool: IPv4Block
    /// Begins every name that the `local` substrate makes on the host; nil: `slipway`, with a hash of the data directory when
    /// that is not the default one.
    public var hostPrefix: String?
    public var cells: [CellName]
    public var store: StoreConfiguration
    /// Set where `slipway dev up` runs the store itself; `slipway server` does not look at it.
    public var embeddedStore: EmbeddedStorePorts?
    /// Encrypts secrets in the store; made when it is missing. Every replica needs the same one.
    public var secretKeyFile: String
    /// A PEM file of the CAs that identity providers' certificates may be signed by, and no others then; nil: whom the machine
    /// trusts. API servers that run keep what they were made with.
    public var identityProviderAuthorities: String?
    public var auditLog: String
    public var log: LogConfiguration

    public init(region: Region = .standard(), dataDirectory: String = Self.defaultDataDirectory) {
        self.region = region
        self.dataDirectory = dataDirectory
        releasesDirectory = nil
        listen = ListenAddress()
        substrate = .local
        addressPool = IPv4Block(base: IPv4Address(bits: 100 << 24 | 66 << 16), prefixLength: 16)
        hostPrefix = nil
        cells = [CellName(rawValue: "a")]
        store = StoreConfiguration()
        embeddedStore = nil
        secretKeyFile = "\(dataDirectory)/secret.key"
        identityProviderAuthorities = nil
        auditLog = "\(dataDirectory)/audit.log"
        log = LogConfiguration()
    }

    public static let defaultDataDirectory = "/var/lib/slipway"

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case region, dataDirectory, releasesDirectory, listen, substrate, addressPool, hostPrefix, cells, store, embeddedStore,
            secretKeyFile, identityProviderAuthorities, auditLog,
            log
    }

    public init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(of: CodingKeys.self)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            region: try values.decodeIfPresent(Region.self, forKey: .region) ?? .standard(),
            dataDirectory: try values.decodeIfPresent(String.self, forKey: .dataDirectory) ?? Self.defaultDataDirectory)
        releasesDirectory = try values.decodeIfPresent(String.self, forKey: .releasesDirectory)
        listen = try values.decodeIfPresent(ListenAddress.self, forKey: .listen) ?? listen
        substrate = try values.decodeIfPresent(SubstrateKind.self, forKey: .substrate) ?? substrate
        addressPool = try values.decodeIfPresent(IPv4Block.self, forKey: .addressPool) ?? addressPool
        hostPrefix = try values.decodeIfPresent(String.self, forKey: .hostPrefix)
        cells = try values.decodeIfPresent([CellName].self, forKey: .cells) ?? cells
        store = try values.decodeIfPresent(StoreConfiguration.self, forKey: .store) ?? store
        embeddedStore = try values.decodeIfPresent(EmbeddedStorePorts.self, forKey: .embeddedStore)
        secretKeyFile = try values.decodeIfPresent(String.self, forKey: .secretKeyFile) ?? secretKeyFile
        identityProviderAuthorities = try values.decodeIfPresent(String.self, forKey: .identityProviderAuthorities)
        auditLog = try values.decodeIfPresent(String.self, forKey: .auditLog) ?? auditLog
        log = try values.decodeIfPresent(LogConfiguration.self, forKey: .log) ?? log
    }

    /// - Throws: `ServerError` (`configuration`) that names the file and what is wrong in it.
    public static func load(path: String) throws(ServerError) -> RegionConfiguration {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw ServerError(.configuration, "The configuration \(path) cannot be read.", cause: error)
        }
        do {
            let configuration = try YAMLDecoder().decode(RegionConfiguration.self, from: text)
            try configuration.check()
            return configuration
        } catch let error as ServerError {
            throw ServerError(error.code, "\(path): \(error.message)", cause: error.cause)
        } catch let error as DecodingError {
            throw ServerError(.configuration, "\(path): \(Self.explain(error))", cause: nil)
        } catch {
            throw ServerError(.configuration, "\(path) is neither YAML nor JSON: \(error)")
        }
    }

    /// - Throws: `ServerError` (`configuration`).
    public func check() throws {
        guard region.zones.count >= 3 else {
            throw ServerError(.configuration, "a region needs three zones or more; this one has \(region.zones.count).")
        }
        guard Set(region.zones).count == region.zones.count else { throw ServerError(.configuration, "two zones have the same name.") }
        guard !cells.isEmpty, Set(cells).count == cells.count else {
            throw ServerError(.configuration, "'cells' must name at least one cell, and each once.")
        }
        guard dataDirectory.hasPrefix("/") else { throw ServerError(.configuration, "'dataDirectory' must be an absolute path.") }
        guard ClusterNetwork.capacity(of: addressPool) > 0 else {
            throw ServerError(
                .configuration, "the address pool \(addressPool) is too small: a cluster needs a /\(ClusterNetwork.prefixLength).")
        }
        guard !store.endpoints.isEmpty else { throw ServerError(.configuration, "'store.endpoints' is empty.") }
    }

    private static func explain(_ error: DecodingError) -> String {
        let context: DecodingError.Context =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context), .dataCorrupted(let context):
                context
            @unknown default: DecodingError.Context(codingPath: [], debugDescription: "\(error)")
            }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        let detail = context.underlyingError.map { "\($0)" } ?? context.debugDescription
        return path.isEmpty ? detail : "'\(path)': \(detail)"
    }
}

extension Decoder {
    /// A misspelt key must not quietly mean the default.
    func refuseUnknownKeys<Keys: CodingKey & CaseIterable>(of type: Keys.Type) throws {
        let known = Set(Keys.allCases.map(\.stringValue))
        let given = try container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
        let unknown = given.filter { !known.contains($0) }.sorted()
        guard unknown.isEmpty else {
            let place = codingPath.isEmpty ? "" : " in '\(codingPath.map(\.stringValue).joined(separator: "."))'"
            throw ServerError(
                .configuration,
                "unknown key \(unknown.map { "'\($0)'" }.joined(separator: ", "))\(place); known are \(known.sorted().joined(separator: ", "))."
            )
        }
    }
}

private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
