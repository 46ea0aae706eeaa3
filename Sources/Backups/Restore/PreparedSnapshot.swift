import FleetModel
import Foundation

/// The snapshot of one restore, as it waits: `snapshot.db`, and beside it either what was found in it or why it is not used.
public struct PreparedSnapshot: Sendable {
    public let path: String

    /// - Parameters:
    ///   - directory: of all restores; absolute.
    ///   - restore: the restore's ID.
    public init(directory: String, restore: String) { path = "\(directory)/\(restore)" }

    public var snapshot: String { "\(path)/snapshot.db" }
    private var accepted: String { "\(path)/checked.json" }
    private var refused: String { "\(path)/refused" }

    /// An empty directory.
    public func begin() async throws {
        try await Files.blocking {
            try Files.remove(path)
            try Files.makeDirectory(path)
        }
    }

    /// The snapshot is whole and good.
    public func accept(_ facts: BackupFacts) async throws {
        let bytes = [UInt8](try JSONEncoder().encode(facts))
        try await Files.blocking { try Files.replace(accepted, bytes) }
    }

    public func refuse(_ reason: String) async throws {
        try await Files.blocking {
            try Files.remove(snapshot)
            try Files.replace(refused, Array(reason.utf8))
        }
    }

    /// Nil until the snapshot was accepted.
    public func facts() async throws -> BackupFacts? {
        try await Files.blocking {
            guard Files.status(snapshot) != nil, let bytes = Files.text(accepted) else { return nil }
            return try? JSONDecoder().decode(BackupFacts.self, from: Data(bytes))
        }
    }

    public func refusal() async throws -> String? {
        try await Files.blocking { Files.text(refused).map { String(decoding: $0, as: UTF8.self) } }
    }

    public func remove() async throws { try await Files.blocking { try Files.remove(path) } }

    /// Removes all but those of the restores that are named.
    public static func sweep(_ directory: String, keeping restores: Set<String>) async throws {
        try await Files.blocking {
            for name in try Files.names(in: directory) where !restores.contains(name) { try Files.remove("\(directory)/\(name)") }
        }
    }
}

/// A volume of an etcd member, whose data directory is `etcd`.
public struct RestoredVolume: Sendable {
    public let path: String

    /// - Parameter path: of the volume's data; absolute.
    public init(path: String) { self.path = path }

    private var markPath: String { "\(path)/restored" }
    private func former(_ mark: String) -> String { "\(path)/etcd.before-\(mark)" }

    /// The ID of the restore that its data came from, if it was restored.
    public func mark() async throws -> String? {
        try await Files.blocking { Files.text(markPath).map { String(decoding: $0, as: UTF8.self) } }
    }

    /// Replaces the data. Interrupted anywhere, the same call does it over; the data from before the first call is kept aside.
    /// - Parameter make: makes a data directory at the path that it gets.
    public func replace(mark: String, with make: @Sendable (_ dataDirectory: String) async throws -> Void) async throws {
        let new = "\(path)/etcd.new-\(mark)"
        try await make(new)
        try await Files.blocking {
            let current = "\(path)/etcd"
            if Files.status(former(mark)) != nil {
                try Files.remove(current)
            } else if Files.status(current) != nil {
                try Files.move(current, to: former(mark))
            }
            try Files.move(new, to: current)
            try Files.synchronize(directory: path)
            try Files.replace(markPath, Array(mark.utf8))
        }
    }

    /// Removes the data from before the restore, and what interrupted ones left.
    public func forgetFormer() async throws {
        try await Files.blocking {
            for name in try Files.names(in: path) where name.hasPrefix("etcd.before-") || name.hasPrefix("etcd.new-") {
                try Files.remove("\(path)/\(name)")
            }
        }
    }
}
