import FleetModel
import FleetStore
import Foundation

/// Names one replica of a region's service, the same over its restarts.
struct ReplicaIdentity: Sendable {
    let name: String

    /// Reads the replica's name, or makes one.
    /// - Throws: `ServerError` (`failed`).
    /// - Parameter path: of the file that keeps the name. Two replicas with one name would take each other's lock away.
    init(path: String) throws {
        if let known = try? String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines), !known.isEmpty {
            name = known
        } else {
            name = "\(ProcessInfo.processInfo.hostName)/\(UUID().uuidString.lowercased())"
            try PlainFile.write(name + "\n", to: path, mode: 0o644)
        }
    }

    /// Takes away the lock of this replica's own former life, instead of waiting until its lease has run out.
    ///
    /// The lock on the data directory says that the former process is dead; were it not, its writes would be fenced all the same.
    func takeOver(_ cell: CellName, in store: any FleetStore) async {
        let key = StoreKeys.leader(of: cell)
        guard let held = try? await store.get(key), String(decoding: held.value, as: UTF8.self) == name else { return }
        _ = try? await store.commit([.delete(key)], if: [.unchanged(key, modRevision: held.modRevision)])
    }
}
