/// Where an etcd cluster is and how to talk to it.
public struct EtcdConfiguration: Sendable {
    public var endpoints: [EtcdEndpoint]
    /// Nil for plaintext.
    public var tls: EtcdTLS?
    /// For every call that answers once, unless the call has its own.
    public var timeout: Duration

    public init(endpoints: [EtcdEndpoint], tls: EtcdTLS? = nil, timeout: Duration = .seconds(5)) {
        self.endpoints = endpoints
        self.tls = tls
        self.timeout = timeout
    }
}

/// A member's client address.
public struct EtcdEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 or IPv6 address, or a name.
    public var host: String
    public var port: Int

    public init(host: String, port: Int = 2379) {
        self.host = host
        self.port = port
    }

    /// - Parameter text: `HOST`, `HOST:PORT`, `http://HOST:PORT` or `https://HOST:PORT`; an IPv6 address in brackets.
    /// - Throws: `EtcdError` with code `invalid`.
    public init(parsing text: String) throws(EtcdError) {
        var rest = text[...]
        for scheme in ["http://", "https://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let host: Substring
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            host = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
        } else {
            host = rest.prefix { $0 != ":" }
            rest = rest.dropFirst(host.count)
        }
        var port: Int? = 2379
        if rest.hasPrefix(":") {
            port = Int(rest.dropFirst())
        } else if !rest.isEmpty {
            port = nil
        }
        guard !host.isEmpty, !host.contains("/"), let port, (1...65_535).contains(port) else {
            throw EtcdError(.invalid, "'\(text)' is not an etcd endpoint; write HOST:PORT, such as 10.0.0.5:2379.")
        }
        self.init(host: String(host), port: port)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// TLS towards etcd. The server's certificate is always verified, its name or address too.
public struct EtcdTLS: Sendable {
    /// PEM, in a file or in memory.
    public enum Source: Sendable {
        case file(String)
        case pem(String)
    }

    /// Nil for the system's.
    public var certificateAuthority: Source?
    /// Shown to the server, when it asks for one.
    public var identity: (certificate: Source, privateKey: Source)?
    /// The name that the certificates of all endpoints carry. Needed for several endpoints that are names; a single name,
    /// and addresses, are verified as they are.
    public var serverName: String?

    public init(
        certificateAuthority: Source?, identity: (certificate: Source, privateKey: Source)? = nil, serverName: String? = nil
    ) {
        self.certificateAuthority = certificateAuthority
        self.identity = identity
        self.serverName = serverName
    }
}
