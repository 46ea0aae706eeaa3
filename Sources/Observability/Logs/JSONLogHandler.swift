import Foundation
import Logging
import Timing

/// Writes each event as one line of JSON: `time`, `level`, `logger`, `message`, `error`, and the metadata (`cluster`, `instance`,
/// `action`…) beside them. Metadata that takes one of those names gets `metadata.` in front.
public struct JSONLogHandler: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let output: LogOutput
    private let time: TimeSource

    public init(label: String, level: Logger.Level = .info, output: LogOutput = .standardError, time: TimeSource = .system) {
        self.label = label
        self.logLevel = level
        self.output = output
        self.time = time
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    private static let reserved: Set<String> = ["time", "level", "logger", "message"]

    public func log(event: LogEvent) {
        var line =
            "{\"time\":\"\(time.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))\",\"level\":\"\(event.level)\",\"logger\":"
        JSONText.append(label, to: &line)
        line += ",\"message\":"
        JSONText.append(event.message.description, to: &line)
        if let error = event.error {
            line += ",\"error\":"
            JSONText.append("\(error)", to: &line)
        }
        for (key, value) in LogMetadata.merged(metadata, metadataProvider, event.metadata) {
            line += ","
            JSONText.append(Self.reserved.contains(key) || (key == "error" && event.error != nil) ? "metadata.\(key)" : key, to: &line)
            line += ":"
            Self.append(value, to: &line)
        }
        output.write(line + "}")
    }

    private static func append(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text): JSONText.append(text, to: &line)
        case .stringConvertible(let item): JSONText.append(item.description, to: &line)
        case .array(let items):
            line += "["
            for (index, item) in items.enumerated() {
                if index > 0 { line += "," }
                append(item, to: &line)
            }
            line += "]"
        case .dictionary(let items):
            line += "{"
            for (index, item) in items.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line += "," }
                JSONText.append(item.key, to: &line)
                line += ":"
                append(item.value, to: &line)
            }
            line += "}"
        }
    }
}

enum LogMetadata {
    /// The event's own go before the provider's, and these before the logger's; in the order of their names.
    static func merged(
        _ logger: Logger.Metadata, _ provider: Logger.MetadataProvider?, _ event: Logger.Metadata?
    ) -> [(String, Logger.MetadataValue)] {
        var all = logger
        if let provided = provider?.get() { all.merge(provided) { $1 } }
        if let event { all.merge(event) { $1 } }
        return all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

enum JSONText {
    /// Appends `text` as a JSON string with its quotes (RFC 8259, section 7).
    static func append(_ text: String, to line: inout String) {
        line += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case _ where scalar.value < 0x20: line += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }
}
