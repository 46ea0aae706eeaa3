import Logging
import Metrics
import ServiceLifecycle
import Timing

/// Works a queue with a reconciler: several keys at once, each key once.
public struct ControllerService<R: Reconciler>: Service {
    public let queue: WorkQueue<R.Key>
    private let reconciler: R
    private let resync: Duration
    private let backoff: Backoff
    private let time: TimeSource
    private let logger: Logger
    private let jitter: @Sendable () -> Double

    /// - Parameters:
    ///   - resync: a settled key is looked at again after this time.
    ///   - jitter: 0 to 1, for backoff.
    public init(
        reconciler: R, queue: WorkQueue<R.Key>, resync: Duration, backoff: Backoff = Backoff(), time: TimeSource, logger: Logger,
        jitter: @escaping @Sendable () -> Double
    ) {
        self.reconciler = reconciler
        self.queue = queue
        self.resync = resync
        self.backoff = backoff
        self.time = time
        self.logger = logger
        self.jitter = jitter
    }

    /// Until cancelled; steps that have begun are cancelled with it.
    public func run() async throws {
        // Both stand at zero from the start: an alert on their growth needs a zero to begin with.
        errors.increment(by: 0)
        let depth = Gauge(label: "slipway_queue_depth", dimensions: [("kind", reconciler.kind)])
        depth.record(0)
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                let key = try await queue.next()
                group.addTask { await self.work(key) }
                depth.record(queue.depth)
            }
        }
    }

    private var errors: Counter { Counter(label: "slipway_reconcile_errors_total", dimensions: [("kind", reconciler.kind)]) }

    private func work(_ key: R.Key) async {
        let start = time.uptime
        do {
            switch try await reconciler.reconcile(key) {
            case .settled: queue.finish(key, failed: false, again: resync, priority: .resync)
            case .absent: queue.finish(key, failed: false, again: nil, priority: .resync)
            case .waiting(let reason, let recheck):
                logger.debug("waiting", metadata: [reconciler.kind: "\(key)", "reason": "\(reason)"])
                queue.finish(key, failed: false, again: recheck, priority: .user)
            }
        } catch is CancellationError {
            queue.finish(key, failed: false, again: nil, priority: .resync)
        } catch {
            errors.increment()
            let usual = backoff.delay(afterFailures: queue.failures(of: key) + 1, jitter: jitter())
            let delay = min(usual, (error as? UrgentError)?.longestDelay ?? usual)
            logger.error(
                "reconcile failed", metadata: [reconciler.kind: "\(key)", "error": "\(error)", "retry_seconds": "\(delay.seconds)"])
            queue.finish(key, failed: true, again: delay, priority: .resync)
        }
        Timer(label: "slipway_reconcile_seconds", dimensions: [("kind", reconciler.kind)]).recordSeconds((time.uptime - start).seconds)
    }
}
