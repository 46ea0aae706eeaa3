import EtcdClient
import EtcdStore
import FleetModel
import FleetStore
import Foundation
import Logging
import ServiceLifecycle
import Timing

/// Where a region's state is kept.
enum StoreConnection {
    /// - Returns: the store, and what must run for it to answer.
    static func make(_ configuration: RegionConfiguration, time: TimeSource) throws -> (any FleetStore, [any Service]) {
        guard configuration.substrate == .local else { return (MemoryStore(time: time), []) }
        let store = try etcd(configuration, time: time)
        return (store, [store])
    }

    static func etcd(_ configuration: RegionConfiguration, time: TimeSource) throws -> EtcdStore {
        let store = configuration.store
        for path in [store.certificateAuthority, store.certificate, store.key].compactMap({ $0 })
        where access(path, R_OK) != 0 {
            throw ServerError(.missing, "The store's file \(path) cannot be read: \(String(cString: strerror(errno))).")
        }
        do {
            return try EtcdStore(
                EtcdConfiguration(endpoints: try store.endpoints.map { try EtcdEndpoint(parsing: $0) }, tls: store.tls),
                region: configuration.region.name, time: time, logger: Logger(label: "slipway.store"))
        } catch {
            throw ServerError(.configuration, "The store's configuration is of no use.", cause: error)
        }
    }
}

extension StoreConfiguration {
    fileprivate var tls: EtcdTLS? {
        guard let certificateAuthority, let certificate, let key else { return nil }
        return EtcdTLS(
            certificateAuthority: .file(certificateAuthority), identity: (certificate: .file(certificate), privateKey: .file(key)))
    }
}
