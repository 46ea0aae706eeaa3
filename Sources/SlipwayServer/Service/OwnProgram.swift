import FleetModel
import Foundation
import Releases

/// This program as an artifact: instances run it as their authenticator, from the release store and not from where it was
/// started, so that building a new one changes no running cluster.
struct OwnProgram: Codable, Hashable {
    var path: String
    /// Of the file: together they change with its content.
    var inode: UInt64
    var size: Int64
    /// Seconds since 1970.
    var modified: Double
    var artifact: Artifact

    /// Takes the program in; a program that was taken in before is not copied and hashed again.
    /// - Parameter record: the file that remembers it.
    /// - Throws: `ServerError`, `ReleaseError`.
    static func artifact(in releases: ReleaseStore, record: String) throws -> Artifact {
        let path = try DevRegion.program()
        let attributes: [FileAttributeKey: Any]
        do {
            attributes = try FileManager.default.attributesOfItem(atPath: path)
        } catch {
            throw ServerError(.failed, "The program \(path) is gone; start it again.", cause: error)
        }
        var now = OwnProgram(
            path: path, inode: (attributes[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0,
            size: (attributes[.size] as? NSNumber)?.int64Value ?? 0,
            modified: (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0,
            artifact: Artifact(name: "", sha256: "", size: 0))
        if let known = try? JSONDecoder().decode(OwnProgram.self, from: Data(contentsOf: URL(filePath: record))) {
            now.artifact = known.artifact
            if known == now, FileManager.default.fileExists(atPath: releases.path(of: known.artifact)) { return known.artifact }
        }
        now.artifact = try releases.importFile(path, name: "slipway")
        try PlainFile.write(String(decoding: try JSONEncoder().encode(now), as: UTF8.self) + "\n", to: record)
        return now.artifact
    }
}
