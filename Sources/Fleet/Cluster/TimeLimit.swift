import Timing

/// Does `body`, for no longer than `limit`; what is not done then is cancelled.
/// - Throws: `FleetError` (`timedOut`), and what `body` throws.
func within<Value: Sendable>(
    _ limit: Duration, _ time: TimeSource, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await time.sleep(for: limit)
            throw FleetError(.timedOut, "took longer than \(limit.seconds) s")
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
    }
}
