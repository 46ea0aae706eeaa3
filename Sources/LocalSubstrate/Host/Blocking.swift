import Dispatch

/// Work that waits for the disk or a socket, kept off the threads that run tasks.
enum Blocking {
    private static let verification = DispatchQueue(label: "slipway.local.verification")

    static func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await run(on: .global(), work)
    }

    /// One at a time: three instances that want the same large program hash it once, since the release store remembers.
    static func verify<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await run(on: verification, work)
    }

    private static func run<Value: Sendable>(
        on queue: DispatchQueue, _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: work)) }
        }
    }
}
