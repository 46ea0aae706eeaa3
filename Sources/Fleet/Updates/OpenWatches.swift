import Foundation
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
        /// Which of its lives this is: what an earlier one learns late counts for nothing.
        var life = 0
        var isOpen = false
        /// Since its answer has begun.
        var openSince: Duration?
        /// It was open before the check began that looked at it last.
        var isSettled = false
        var lookedAt: Duration
        /// Why it ended by itself, and when, and when that was said first.
        var end: (why: String, at: Duration)?
        var endSaidAt: Duration?
        /// Names of objects that it has told the deletion of.
        var deleted: [String] = []
    }

    private let time: TimeSource
    private let state: Mutex<State>

    private static let patience = Duration.seconds(30)
    /// What ended earlier may have been another server's, at the same address.
    private static let memory = Duration.seconds(5)
    /// Two servers that are compared with this one at the same time both hear of its end.
    private static let echo = Duration.milliseconds(1500)
    private static let path = "\(CheckManifests.configMaps)?watch=1&labelSelector=\(CheckManifests.label)"

    init(time: TimeSource) {
        self.time = time
        state = Mutex(State(lookedAt: time.uptime))
    }

    var isForgotten: Bool { state.withLock { !$0.isOpen && time.uptime - $0.lookedAt > Self.patience } }

    /// Keeps it open.
    /// - Returns: false: it is not open.
    func isKept() -> Bool {
        let now = time.uptime
        return state.withLock { state in
            if state.isOpen { state.lookedAt = now }
            return state.isOpen
        }
    }

    /// Opens it when it is not open.
    func open(_ api: KubernetesAPI) {
        let now = time.uptime
        let life: Int? = state.withLock { state in
            state.lookedAt = now
            state.isSettled = state.openSince.map { now - $0 > .seconds(1) } ?? false
            guard !state.isOpen else { return nil }
            state.life += 1
            (state.isOpen, state.openSince, state.deleted) = (true, nil, [])
            return state.life
        }
        if let life { Task { await read(api, life) } }
    }

    /// How it ended, if it did so just now; said once.
    func recentEnd() -> String? {
        let now = time.uptime
        return state.withLock { state in
            guard let end = state.end else { return nil }
            let isOver = now - end.at > Self.memory || state.endSaidAt.map { now - $0 > Self.echo } ?? false
            if isOver {
                (state.end, state.endSaidAt) = (nil, nil)
                return nil
            }
            state.endSaidAt = state.endSaidAt ?? now
            return end.why
        }
    }

    /// It was open before the check began that is under way, and so tells of all that the check does.
    var isSettled: Bool { state.withLock { $0.isSettled } }
    var isOpen: Bool { state.withLock { $0.isOpen } }

    func hasTold(of name: String) -> Bool { state.withLock { $0.deleted.contains(name) } }

    /// Whatever becomes of its connection: nobody need say that it is gone.
    func close() {
        state.withLock { state in
            state.life += 1
            (state.isOpen, state.openSince, state.isSettled) = (false, nil, false)
        }
    }

    private func read(_ api: KubernetesAPI, _ life: Int) async {
        let end = await withTaskGroup(of: String?.self) { group in
            group.addTask {
                do {
                    try await api.watch(Self.path, begun: { self.noteBegin(life) }) { line in
                        self.note(line, life)
                        return false
                    }
                    return "the server ended it"
                } catch let error as KubernetesAPI.Refusal where error.isBusy {
                    // It was never open.
                    return nil
                } catch {
                    return "\(error)"
                }
            }
            group.addTask {
                while !Task.isCancelled, !self.isLeft(life) { try? await self.time.sleep(for: .seconds(1)) }
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        let now = time.uptime
        state.withLock { state in
            guard state.life == life else { return }
            if let end {
                let lasted = state.openSince.map { now - $0 } ?? .zero
                state.end = ("after \(Int(lasted.seconds)) s: \(end.prefix(200))", now)
                state.endSaidAt = nil
            }
            (state.isOpen, state.openSince, state.isSettled) = (false, nil, false)
        }
    }

    /// Nobody needs it any more.
    private func isLeft(_ life: Int) -> Bool { state.withLock { $0.life != life || time.uptime - $0.lookedAt > Self.patience } }

    private func noteBegin(_ life: Int) {
        let now = time.uptime
        state.withLock { if $0.life == life { $0.openSince = now } }
    }

    private func note(_ line: String, _ life: Int) {
        guard line.contains("\"type\":\"DELETED\""), let start = line.range(of: "\"name\":\"") else { return }
        let name = String(line[start.upperBound...].prefix { $0 != "\"" })
        state.withLock { if $0.life == life { $0.deleted = ($0.deleted + [name]).suffix(100) } }
    }
}
