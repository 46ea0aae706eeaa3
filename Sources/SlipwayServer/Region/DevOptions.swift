import FleetModel

/// What `slipway dev up` may be told; nil leaves what the region has, or the default.
public struct DevOptions: Sendable {
    public var substrate: RegionConfiguration.SubstrateKind?
    public var port: Int?
    public var storePort: Int?
    public var regionName: String?
    public var addressPool: IPv4Block?
    public var releasesDirectory: String?
    /// A path.
    public var identityProviderAuthorities: String?

    public init() {}

    /// A new region's configuration.
    func firstConfiguration(files: RegionFiles, defaultReleasesDirectory: String) -> RegionConfiguration {
        var configuration = RegionConfiguration(region: .standard(name: regionName ?? "local-1"), dataDirectory: files.directory)
        configuration.releasesDirectory = releasesDirectory ?? defaultReleasesDirectory
        configuration.substrate = substrate ?? .local
        if let addressPool { configuration.addressPool = addressPool }
        configuration.identityProviderAuthorities = identityProviderAuthorities
        if let port { configuration.listen.port = port }
        let client = storePort ?? EmbeddedStorePorts().client
        configuration.embeddedStore = EmbeddedStorePorts(client: client, peer: client + 1)
        return configuration
    }

    /// Ports, the place of releases and whom to trust may change from one start to the next; what clusters are built on may not.
    /// - Throws: `ServerError` (`configuration`).
    func applied(to old: RegionConfiguration) throws -> RegionConfiguration {
        var new = old
        if let regionName, regionName != old.region.name { throw Self.fixed("name", old.region.name) }
        if let substrate, substrate != old.substrate { throw Self.fixed("substrate", old.substrate.rawValue) }
        if let addressPool, addressPool != old.addressPool { throw Self.fixed("address pool", "\(old.addressPool)") }
        if let port { new.listen.port = port }
        if let storePort, storePort != old.embeddedStore?.client {
            throw Self.fixed("store's port", old.embeddedStore.map { "\($0.client)" } ?? "elsewhere")
        }
        if let releasesDirectory { new.releasesDirectory = releasesDirectory }
        if let identityProviderAuthorities { new.identityProviderAuthorities = identityProviderAuthorities }
        return new
    }

    private static func fixed(_ what: String, _ value: String) -> ServerError {
        ServerError(
            .configuration,
            "The region's \(what) is \(value) and cannot be changed. `slipway dev down --purge` removes the region with all its clusters.")
    }
}
