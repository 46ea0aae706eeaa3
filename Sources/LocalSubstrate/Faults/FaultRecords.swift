import Foundation
import Glibc
import Substrate

/// The faults that stand, one file each, so that they outlive this process.
struct FaultRecords: Sendable {
    /// `DATA/faults`.
    let directory: String

    struct Entry: Codable {
        var fault: Fault
        /// It is being undone: it breaks nothing any more, but not all of it may be undone yet.
        var isEnding = false
    }

    private func path(_ id: String) -> String { "\(directory)/\(id).json" }

    /// Oldest first.
    func entries() -> [Entry] {
        FileTree.names(in: directory).filter { $0.hasSuffix(".json") }
            .compactMap { Record.read(Entry.self, "\(directory)/\($0)") }
            .sorted { ($0.fault.since, $0.fault.id) < ($1.fault.since, $1.fault.id) }
    }

    func standing() -> [Fault] { entries().filter { !$0.isEnding }.map(\.fault) }

    func write(_ entry: Entry) throws {
        try FileTree.makeDirectory(directory)
        try FileTree.replace(path(entry.fault.id), try Record.text(entry), durably: true)
    }

    func remove(_ id: String) throws {
        try FileTree.remove(path(id))
        FileTree.removeIfEmpty(directory)
    }

    func removeAll() throws { try FileTree.remove(directory) }
}
