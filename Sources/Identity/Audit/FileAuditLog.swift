import Foundation
import Logging
import Synchronization

/// Appends one JSON object a line to a file that only its owner may read.
///
/// A file that has grown to `limit` bytes becomes `NAME.1`, the one before `NAME.2`, and so on up to `kept` old files.
public final class FileAuditLog: AuditLog {
    private struct State {
        var handle: FileHandle?
        var size: UInt64
        var failed = false
    }

    public let path: String
    private let limit: UInt64
    private let kept: Int
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameters:
    ///   - limit: bytes.
    ///   - kept: number of old files.
    /// - Throws: when the file cannot be opened for writing.
    public init(path: String, limit: UInt64 = 64 << 20, kept: Int = 8, logger: Logger) throws {
        self.path = path
        self.limit = limit
        self.kept = kept
        self.logger = logger
        let handle = try Self.open(path)
        self.state = Mutex(State(handle: handle, size: try handle.seekToEnd()))
    }

    public func record(_ record: AuditRecord) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        state.withLock { state in
            do {
                let line = try encoder.encode(record) + Data([UInt8(ascii: "\n")])
                if state.handle == nil || state.size + UInt64(line.count) > limit { try rotate(&state) }
                try state.handle?.write(contentsOf: line)
                state.size += UInt64(line.count)
                state.failed = false
            } catch {
                // Once, not once for each call: the disk is full, most likely.
                if !state.failed { logger.error("The audit log \(path) cannot be written; calls go on: \(error)") }
                state.failed = true
            }
        }
    }

    private func rotate(_ state: inout State) throws {
        try state.handle?.close()
        state.handle = nil
        let files = FileManager.default
        try? files.removeItem(atPath: "\(path).\(kept)")
        for index in stride(from: kept - 1, through: 1, by: -1) where files.fileExists(atPath: "\(path).\(index)") {
            try files.moveItem(atPath: "\(path).\(index)", toPath: "\(path).\(index + 1)")
        }
        if files.fileExists(atPath: path), state.size > 0 { try files.moveItem(atPath: path, toPath: "\(path).1") }
        let handle = try Self.open(path)
        state.handle = handle
        state.size = try handle.seekToEnd()
    }

    private static func open(_ path: String) throws -> FileHandle {
        if !FileManager.default.fileExists(atPath: path),
            !FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path])
        }
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }
}
