import FleetModel
import Foundation
import SlipwayClient
import Timing

/// Follows an update and prints each step of its cluster as it ends.
struct UpdateFollower {
    var client: OperatorClient
    var console: Console
    /// What commands that are shown need in order to mean this region.
    var hint: String

    /// - Returns: the update as it ended.
    /// - Throws: `CommandError` when it did not end as `Successful`, and after `limit`.
    func follow(_ update: UpdateDetail, limit: Duration) async throws -> UpdateDetail {
        let name = update.cluster
        let outcome = try await ClusterFollower(client: client, console: console).follow(
            name, begun: update.createdAt.addingTimeInterval(-1), limit: limit, hint: hint
        ) { $0.update?.id != update.id && $0.encryption?.updateID != update.id }
        switch outcome {
        case .interrupted:
            throw CommandError(
                .interrupted, "Interrupted; the update goes on.", advice: "`slipway update watch \(name)\(hint)` shows how far it is.")
        case .gone: throw CommandError(.failed, "Cluster \(name) was deleted meanwhile.")
        case .reached: break
        }
        return try Self.succeeded(try await client.update(update.id, of: name))
    }

    /// - Throws: `CommandError` for one that did not end as `Successful`.
    static func succeeded(_ update: UpdateDetail) throws -> UpdateDetail {
        guard update.status != "Successful" else { return update }
        let why = update.errors.map(\.errorMessage).joined(separator: "; ")
        let advice =
            update.type == ClusterUpdate.rotationType
            ? "What was rotated by then stays; `slipway cluster describe \(update.cluster)` shows it. Ask for the same again."
            : "\(update.cluster) runs what it ran before; `slipway cluster describe \(update.cluster)` shows it."
        throw CommandError(.failed, "Update \(update.id) of \(update.cluster) is \(update.status): \(why)", advice: advice)
    }

    static func length(_ update: UpdateDetail) -> String {
        update.finishedAt.map { Durations.text($0.timeIntervalSince(update.createdAt)) } ?? "under way"
    }
}
