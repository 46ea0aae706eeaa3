import Timing

/// One line of progress of an import.
public struct ReleaseProgress: Hashable, Sendable {
    /// What is done now, for people.
    public var text: String
    /// Seconds since the import began.
    public var seconds: Double

    public init(text: String, seconds: Double) {
        self.text = text
        self.seconds = seconds
    }
}

/// Is called with each line, possibly from several tasks at once.
public typealias ReleaseProgressHandler = @Sendable (ReleaseProgress) -> Void

/// Stamps lines with the time since it was made, and hands them on.
public struct ProgressLog: Sendable {
    let time: TimeSource
    private let start: Duration
    private let handler: ReleaseProgressHandler

    public init(time: TimeSource = .system, handler: @escaping ReleaseProgressHandler = { _ in }) {
        self.time = time
        self.start = time.uptime
        self.handler = handler
    }

    public func say(_ text: String) { handler(ReleaseProgress(text: text, seconds: (time.uptime - start).seconds)) }
}
