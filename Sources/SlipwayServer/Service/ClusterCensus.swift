import FleetModel
import FleetStore
import Foundation
import Logging
import Observability
import ServiceLifecycle
import Timing

/// Counts clusters by status for the metric `slipway_clusters`, from the store's watch.
struct ClusterCensus: Service {
    let store: any FleetStore
    let cells: [CellName]
    let time: TimeSource
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                let tally = Tally()
                for cell in cells { group.addTask { await follow(cell, tally) } }
            }
        }
        try? await gracefulShutdown()
    }

    private func follow(_ cell: CellName, _ tally: Tally) async {
        while !Task.isCancelled {
            do {
                try await count(StoreKeys.clusters(in: cell), tally)
            } catch {
                logger.debug("counting clusters was interrupted", metadata: ["error": "\(error)"])
            }
            guard (try? await time.sleep(for: .seconds(1))) != nil else { return }
        }
    }

    private func count(_ prefix: StoreKey, _ tally: Tally) async throws {
        let (items, revision) = try await store.list(Cluster.self, prefix: prefix)
        tally.replace(prefix, Dictionary(items.map { ($0.value.storeKey, $0.value.status.phase) }, uniquingKeysWith: { $1 }))
        for try await event in store.watch(prefix: prefix, from: revision + 1) {
            switch event {
            case .put(let value): tally.set(prefix, value.key, try StoreCoding.decode(Cluster.self, from: value.value).status.phase)
            case .delete(let key, _): tally.set(prefix, key, nil)
            case .compacted: return
            }
        }
    }
}
