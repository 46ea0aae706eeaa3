/// Where the fleet's state is: an etcd cluster, reached with mutual TLS. Regions can share one: keys begin with the region's name.
public struct StoreConfiguration: Codable, Hashable, Sendable {
    /// `https://HOST:PORT`, one for each member; `http://` without TLS.
    public var endpoints: [String]
    /// Paths of PEM files; all three or none.
    public var certificateAuthority: String?
    public var certificate: String?
    public var key: String?

    public init(
        endpoints: [String] = ["https://127.0.0.1:2389"], certificateAuthority: String? = nil, certificate: String? = nil,
        key: String? = nil
    ) {
        self.endpoints = endpoints
        self.certificateAuthority = certificateAuthority
        self.certificate = certificate
        self.key = key
    }

    private enum CodingKeys: String, CodingKey, CaseIterable { case endpoints, certificateAuthority, certificate, key }

    public init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(of: CodingKeys.self)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        endpoints = try values.decodeIfPresent([String].self, forKey: .endpoints) ?? endpoints
        certificateAuthority = try values.decodeIfPresent(String.self, forKey: .certificateAuthority)
        certificate = try values.decodeIfPresent(String.self, forKey: .certificate)
        key = try values.decodeIfPresent(String.self, forKey: .key)
        guard
            [certificateAuthority, certificate, key].allSatisfy({ $0 == nil })
                || (certificateAuthority != nil && certificate != nil && key != nil)
        else {
            throw ServerError(.configuration, "'store' needs certificateAuthority, certificate and key together, or none of them.")
        }
    }
}

/// Ports of the embedded store, on the loopback interface.
public struct EmbeddedStorePorts: Codable, Hashable, Sendable {
    public var client: Int
    public var peer: Int

    public init(client: Int = 2389, peer: Int = 2390) {
        self.client = client
        self.peer = peer
    }
}

/// Where the service listens.
public struct ListenAddress: Codable, Hashable, Sendable {
    public var host: String
    public var port: Int

    public init(host: String = "127.0.0.1", port: Int = 7480) {
        self.host = host
        self.port = port
    }

    private enum CodingKeys: String, CodingKey, CaseIterable { case host, port }

    public init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(of: CodingKeys.self)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            host: try values.decodeIfPresent(String.self, forKey: .host) ?? "127.0.0.1",
            port: try values.decodeIfPresent(Int.self, forKey: .port) ?? 7480)
    }

    /// How a client on this machine reaches it.
    public var localURL: String { "http://\(host == "0.0.0.0" || host == "::" ? "127.0.0.1" : host):\(port)" }
}

public struct LogConfiguration: Codable, Hashable, Sendable {
    public enum Format: String, Codable, Sendable { case text, json }

    public var format: Format
    /// `trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`.
    public var level: String

    public init(format: Format = .json, level: String = "info") {
        self.format = format
        self.level = level
    }

    private enum CodingKeys: String, CodingKey, CaseIterable { case format, level }

    public init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(of: CodingKeys.self)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            format: try values.decodeIfPresent(Format.self, forKey: .format) ?? .json,
            level: try values.decodeIfPresent(String.self, forKey: .level) ?? "info")
    }
}
