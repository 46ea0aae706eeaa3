import FleetModel
import FleetStore
import Foundation
import Synchronization
import Timing

/// Whether this replica can serve: what `/readyz` says.
public final class RegionHealth: Sendable {
    private let store: any FleetStore
    private let cells: [CellName]
    private let time: TimeSource
    private let identityProblem = Mutex<String?>("is not made yet")

    /// A store that answers later than this counts as gone.
    private static let patience = Duration.seconds(2)

    init(store: any FleetStore, cells: [CellName], time: TimeSource) {
        self.store = store
        self.cells = cells
        self.time = time
    }

    func identityIsReady() { identityProblem.withLock { $0 = nil } }
    func identityFailed(_ why: String) { identityProblem.withLock { $0 = "cannot be looked up: \(why)" } }

    struct Check: Sendable {
        var name: String
        /// Nil when it is well.
        var problem: String?
    }

    func checks() async -> [Check] {
        let leaders: [CellName: String?]
        do {
            leaders = try await Deadline.within(Self.patience, time: time) { try await self.leaders() }
        } catch {
            return [Check(name: "store", problem: "does not answer")]
        }
        var checks = [Check(name: "store")]
        for cell in cells { checks.append(Check(name: "cell \(cell)", problem: leaders[cell] == nil ? "has no leader" : nil)) }
        checks.append(Check(name: "administrator", problem: identityProblem.withLock { $0 }))
        return checks
    }

    /// Who leads each cell.
    func leaders() async throws -> [CellName: String?] {
        var leaders: [CellName: String?] = [:]
        for cell in cells {
            if let holder = try await store.get(StoreKeys.leader(of: cell)) {
                leaders[cell] = String(decoding: holder.value, as: UTF8.self)
            }
        }
        return leaders
    }
}

enum Deadline {
    /// - Throws: `ServerError` (`timedOut`) when `body`, which must answer to cancellation, takes longer.
    static func within<Value: Sendable>(
        _ limit: Duration, time: TimeSource, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await time.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else {
                throw ServerError(.timedOut, "No answer within \(limit.seconds) s.")
            }
            return value
        }
    }
}
