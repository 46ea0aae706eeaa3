import Foundation
import Logging
import Timing

/// Writes events for people: `21:45:03.120 warning  message cluster=demo action=…`, coloured when the output is a terminal.
public struct TextLogHandler: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    private let output: LogOutput
    private let time: TimeSource

    public init(level: Logger.Level = .info, output: LogOutput = .standardError, time: TimeSource = .system) {
        self.logLevel = level
        self.output = output
        self.time = time
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let level = "\(event.level)".padding(toLength: 8, withPad: " ", startingAt: 0)
        var line = "\(clock(time.now)) \(output.isTerminal ? Self.coloured(level, event.level) : level) \(event.message)"
        if let error = event.error { line += ": \(error)" }
        for (key, value) in LogMetadata.merged(metadata, metadataProvider, event.metadata) { line += " \(key)=\(value)" }
        output.write(line.replacing("\n", with: "\\n"))
    }

    /// UTC, as in the JSON lines.
    private func clock(_ date: Date) -> String {
        let milliseconds = Int64(date.timeIntervalSince1970 * 1000) % 86_400_000
        let parts = [milliseconds / 3_600_000, milliseconds / 60_000 % 60, milliseconds / 1000 % 60].map { ($0 < 10 ? "0" : "") + "\($0)" }
        return parts.joined(separator: ":") + "." + "\(1000 + milliseconds % 1000)".dropFirst()
    }

    private static func coloured(_ text: String, _ level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "\u{1B}[2m\(text)\u{1B}[0m"
        case .info, .notice: "\u{1B}[32m\(text)\u{1B}[0m"
        case .warning: "\u{1B}[33m\(text)\u{1B}[0m"
        case .error, .critical: "\u{1B}[31m\(text)\u{1B}[0m"
        }
    }
}
