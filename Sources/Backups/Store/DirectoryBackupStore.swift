/// Backups as files of one directory. An object is written under a temporary name, synchronised, and moved into place.
public struct DirectoryBackupStore: BackupStore {
    public let directory: String

    /// What an interrupted `put` leaves is named so; the next `put` of the object removes it.
    static let unfinishedSuffix = ".part"

    /// - Parameter directory: absolute; made when it is missing, for its owner only.
    public init(directory: String) { self.directory = directory }

    public func put(_ name: String, _ bytes: ByteStream) async throws {
        try ObjectNames.check(name)
        let path = path(name)
        let parent = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
        let temporary = path + Self.unfinishedSuffix
        try await Files.blocking {
            try Files.makeDirectory(parent)
            try Files.remove(temporary)
        }
        do {
            let file = try FileWriter(temporary)
            while let piece = try await bytes.next() {
                try Task.checkCancellation()
                try await file.write(piece)
            }
            try await file.synchronize()
            try await Files.blocking {
                try Files.move(temporary, to: path)
                try Files.synchronize(directory: parent)
            }
        } catch {
            try? Files.remove(temporary)
            throw error
        }
    }

    public func get(_ name: String, _ receive: @Sendable ([UInt8]) async throws -> Void) async throws {
        try ObjectNames.check(name)
        let stream = try FileReader(path(name)).stream
        while let piece = try await stream.next() { try await receive(piece) }
    }

    public func list(prefix: String) async throws -> [StoredObject] {
        try await Files.blocking { [self] in
            var found: [StoredObject] = []
            try collect("", prefix, &found)
            return found.sorted { $0.name < $1.name }
        }
    }

    private func collect(_ folder: String, _ prefix: String, _ found: inout [StoredObject]) throws {
        for entry in try Files.names(in: folder.isEmpty ? directory : path(folder)) {
            let name = folder.isEmpty ? entry : "\(folder)/\(entry)"
            guard name.hasPrefix(prefix) || prefix.hasPrefix("\(name)/"), !entry.hasPrefix("."), !entry.hasSuffix(Self.unfinishedSuffix),
                let status = Files.status(path(name))
            else { continue }
            if status.isDirectory {
                try collect(name, prefix, &found)
            } else if name.hasPrefix(prefix) {
                found.append(StoredObject(name: name, size: status.size))
            }
        }
    }

    public func delete(_ name: String) async throws {
        try ObjectNames.check(name)
        try await Files.blocking { [self] in
            try Files.remove(path(name))
            try Files.remove(path(name) + Self.unfinishedSuffix)
            // A cluster's folder goes with its last backup; the others are not empty.
            if let slash = name.lastIndex(of: "/"), let left = try? Files.names(in: path(String(name[..<slash]))), left.isEmpty {
                try? Files.remove(path(String(name[..<slash])))
            }
        }
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }
}
