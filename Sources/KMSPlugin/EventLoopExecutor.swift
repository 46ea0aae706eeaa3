import NIOCore

/// Runs tasks on an event loop's thread. A call is short and waits for nothing: handed to a second thread and back, it would take longer
/// than its work does, and an API server of Kubernetes before 1.27 makes its calls one after the other.
final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute {
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}
