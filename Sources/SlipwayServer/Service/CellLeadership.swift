import Fleet
import FleetModel
import FleetStore
import Foundation
import Logging
import ServiceLifecycle
import Timing

/// Campaigns for a cell, and runs its controllers while this replica leads it.
struct CellLeadership: Service {
    let cell: CellName
    let parts: RegionParts
    let health: RegionHealth

    /// A leader that is gone is replaced after this time.
    private static let timeToLive = Duration.seconds(10)

    func run() async throws {
        var logger = parts.logger
        logger[metadataKey: "cell"] = "\(cell)"
        let election = LeaderElection(store: parts.store, key: StoreKeys.leader(of: cell), time: parts.time) { [logger] in tell($0, logger)
        }
        try await cancelWhenGracefulShutdown { [logger] in
            do {
                await parts.replica.takeOver(cell, in: parts.store)
                try await election.run(as: parts.replica.name, timeToLive: Self.timeToLive) { store in
                    try await lead(store, logger)
                }
            } catch is CancellationError {
                // The end of the service.
            }
        }
        try? await gracefulShutdown()
    }

    /// What is out of service is known before the controllers take their first step.
    private func lead(_ store: any FleetStore, _ logger: Logger) async throws {
        let board = ServiceStateBoard()
        let zones = parts.zoneService(cell, store: store, board: board, logger: logger)
        try await zones.fill()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await parts.cellService(cell, store: store, board: board, logger: logger).run() }
            group.addTask { try await zones.run() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func tell(_ event: LeaderElection.Event, _ logger: Logger) {
        switch event {
        case .waiting(let holder): logger.info("another replica leads", metadata: ["holder": "\(holder ?? "nobody yet")"])
        case .leading(let revision): logger.notice("leading", metadata: ["revision": "\(revision)"])
        case .lost(let error): logger.warning("no longer leading", metadata: ["error": "\(error)"])
        case .bodyFailed(let error): logger.error("the controllers failed and are started again", metadata: ["error": "\(error)"])
        case .storeFailed(let error): logger.warning("the store does not answer", metadata: ["error": "\(error)"])
        }
    }
}
