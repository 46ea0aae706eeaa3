import EtcdClient
import FleetStore
import Logging
import Synchronization
import Timing

/// One watch of `EtcdStore`: goes on from where it was after every broken connection.
struct EtcdStoreWatch: Sendable {
    let client: EtcdClient
    let keys: EtcdKeys
    let prefixLength: Int
    /// Inclusive; 0 from now on.
    let revision: Int64
    let events: AsyncThrowingStream<WatchEvent, any Error>.Continuation
    /// Ends when nobody reads the events any more.
    let ended: AsyncStream<Never>
    let time: TimeSource
    let logger: Logger

    /// For a watch that comes when the store is closed.
    func refuse() { events.finish(throwing: StoreError(.unavailable, "The store is closed.")) }

    func run() async {
        await withTaskGroup { group in
            group.addTask { await follow() }
            group.addTask { for await _ in ended {} }
            await group.next()
            group.cancelAll()
        }
        // Does nothing when it ended by itself.
        refuse()
    }

    private struct Progress {
        /// The first revision that was not seen yet.
        var next: Int64
        var failures = 0
        var isOver = false
    }

    private func follow() async {
        let progress = Mutex(Progress(next: revision))
        while !Task.isCancelled {
            do {
                try await client.watch(keys, from: progress.withLock { $0.next }) { event in
                    progress.withLock { deliver(event, &$0) }
                }
                if progress.withLock({ $0.isOver }) { return }
            } catch  where error.code == .cancelled {
                return
            } catch {
                logger.debug("store watch interrupted", metadata: ["error": "\(error)"])
            }
            let failures = progress.withLock { progress in
                progress.failures += 1
                return progress.failures
            }
            let pause = min(Duration.milliseconds(50) * (1 << min(failures, 6)), .seconds(2))
            do { try await time.sleep(for: pause) } catch { return }
        }
    }

    private func deliver(_ event: EtcdWatchEvent, _ progress: inout Progress) {
        switch event {
        case .created(let revision):
            progress.failures = 0
            // From now on a broken connection must not skip what happens meanwhile.
            if progress.next == 0 { progress.next = revision + 1 }
        case .changes(let changes, _):
            for change in changes {
                switch change {
                case .put(let value):
                    progress.next = value.modRevision + 1
                    events.yield(.put(StoredValue(value, prefixLength: prefixLength)))
                case .delete(let key, let revision):
                    progress.next = revision + 1
                    events.yield(.delete(StoreKey(key, prefixLength: prefixLength), revision: revision))
                }
            }
        case .progress(let revision):
            progress.next = max(progress.next, revision + 1)
        case .compacted(let revision):
            progress.isOver = true
            events.yield(.compacted(revision: revision))
            events.finish()
        case .cancelled(let reason):
            logger.debug("etcd ended a watch", metadata: ["reason": "\(reason)"])
        }
    }
}
