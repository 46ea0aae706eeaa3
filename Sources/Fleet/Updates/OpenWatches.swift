import Foundation
import NIOCore
import Synchronization
import Timing

/// The watches that checks keep open, one through each API server that is checked.
final class OpenWatches: Sendable {
    private struct Key: Hashable {
        var cluster: String
        var url: String
    }

    private let time: TimeSource
    private let watches = Mutex<[Key: OpenWatch]>([:])

    init(time: TimeSource) { self.time = time }

    /// - Parameter cluster: its uid.
    func watch(of cluster: String, at url: String) -> OpenWatch {
        watches.withLock { watches in
            watches = watches.filter { !$0.value.isForgotten }
            let key = Key(cluster: cluster, url: url)
            let watch = watches[key] ?? OpenWatch(time: time)
            watches[key] = watch
            return watch
        }
    }
}

/// A watch of the objects of checks that stays open from one check to the next, as clients' watches do. It is closed when nobody has looked
/// at it for a while.
final class OpenWatch: Sendable {
    private struct State {
        var isOpen = false
        var openedAt = Duration.zero
        /// It was open before the check began that looked at it last.
        var isSettled = false
        var lookedAt: Duration
        /// Why it ended, until it has been said.
        var end: String?
        /// Names of objects that it has told the deletion of, of the last minute or so.
        var deleted: [String] = []
    }

    private let time: TimeSource
    private let state: Mutex<State>

    /// Longer than updates take.
    private static let lifetime = Duration.seconds(900)
    private static let patience = Duration.seconds(30)
    private static let path = "\(CheckManifests.configMaps)?watch=1&labelSelector=\(CheckManifests.label)"

    init(time: TimeSource) {
        self.time = time
        state = Mutex(State(lookedAt: time.uptime))
    }

    var isForgotten: Bool { state.withLock { !$0.isOpen && time.uptime - $0.lookedAt > Self.patience } }

    /// Opens it when it is not open.
    /// - Returns: how it ended since the last look; nil when it did not.
    func endSinceLastLook(_ api: KubernetesAPI) -> String? {
        let now = time.uptime
        let (opens, end) = state.withLock { state in
            let end = state.end
            let opens = !state.isOpen
            state.lookedAt = now
            state.end = nil
            state.isSettled = !opens && now - state.openedAt > .seconds(1)
            if opens { (state.isOpen, state.openedAt, state.deleted) = (true, now, []) }
            return (opens, end)
        }
        if opens { Task { await read(api) } }
        return end
    }

    /// It was open before the check began that is under way, and so tells of all that the check does.
    var isSettled: Bool { state.withLock { $0.isSettled } }

    func hasTold(of name: String) -> Bool { state.withLock { $0.deleted.contains(name) } }

    private func read(_ api: KubernetesAPI) async {
        let begun = time.uptime
        let end = await withTaskGroup(of: String?.self) { group in
            group.addTask {
                do {
                    try await api.watch(Self.path, timeout: .seconds(Int64(Self.lifetime.seconds))) { line in
                        self.note(line)
                        return false
                    }
                    return "the server ended it"
                } catch {
                    return "\(error)"
                }
            }
            group.addTask {
                while !Task.isCancelled, !self.isLeft { try? await self.time.sleep(for: .seconds(5)) }
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        let lasted = time.uptime - begun
        state.withLock { state in
            state.isOpen = false
            // Its time was over, or nobody needs it any more.
            if let end, lasted < Self.lifetime / 2 { state.end = "after \(Int(lasted.seconds)) s: \(end.prefix(200))" }
        }
    }

    private var isLeft: Bool { state.withLock { time.uptime - $0.lookedAt > Self.patience } }

    private func note(_ line: String) {
        guard line.contains("\"type\":\"DELETED\""), let start = line.range(of: "\"name\":\"") else { return }
        let name = String(line[start.upperBound...].prefix { $0 != "\"" })
        state.withLock { $0.deleted = ($0.deleted + [name]).suffix(100) }
    }
}
