import FleetModel
import Foundation
import SlipwayClient
import Timing

/// Looks at one backup until something is true of it, and shows how far it is meanwhile.
struct BackupFollower {
    var client: OperatorClient
    var console: Console
    var time = TimeSource.system

    /// - Parameters:
    ///   - limit: after that the command gives up; the region goes on.
    ///   - isDone: looks at each state.
    func follow(_ id: String, limit: Duration, isDone: (BackupDetail) -> Bool) async throws -> BackupDetail {
        let start = time.uptime
        var isLost = false
        var lastError: String?
        defer { console.status("") }
        while true {
            do {
                let backup = try await client.backup(id)
                isLost = false
                if isDone(backup) { return backup }
                if let error = backup.error, error != lastError, backup.phase != "Failed" {
                    console.status("")
                    console.note("  attempt \(backup.attempts) failed, trying again: \(error)")
                    lastError = error
                }
                console.status(
                    console.paint("  \(Durations.text((time.uptime - start).seconds))  \(Self.status(backup))".prefixFitting(160), .dim))
            } catch let error as OperatorClientError where error.isUnavailable {
                if !isLost { console.note("  the region's service does not answer; trying again") }
                isLost = true
            }
            guard time.uptime < start + limit else {
                throw CommandError(
                    .failed, "Gave up after \(Durations.text(limit.seconds)).",
                    advice: "The region goes on with it; `slipway backup list` shows how far it is.")
            }
            try await time.sleep(for: .milliseconds(200))
        }
    }

    private static func status(_ backup: BackupDetail) -> String {
        if let verification = backup.verification, verification.isOpen {
            return verification.verdict == .running ? "restoring it into an etcd of its own" : "waiting for its turn"
        }
        switch backup.phase {
        case "Running": return backup.bytes == 0 ? "beginning" : "\(Sizes.text(backup.bytes)) of about \(Sizes.text(backup.expectedBytes))"
        case "Pending": return "waiting for its turn"
        default: return backup.phase
        }
    }
}

enum Sizes {
    /// `512 B`, `20.5 kB`, `1.2 GB`.
    static func text(_ bytes: Int64) -> String {
        switch Double(bytes) {
        case ..<1000: "\(bytes) B"
        case ..<1e6: String(format: "%.1f kB", Double(bytes) / 1e3)
        case ..<1e9: String(format: "%.1f MB", Double(bytes) / 1e6)
        default: String(format: "%.1f GB", Double(bytes) / 1e9)
        }
    }
}
