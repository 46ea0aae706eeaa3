import FleetModel
import Logging
import Releases
import Synchronization

/// The releases that can be read; the service goes on without the others, and says so once for each.
final class ReadableReleases: ReleaseCatalog {
    private let store: ReleaseStore
    private let logger: Logger
    private let said = Mutex<Set<String>>([])

    init(store: ReleaseStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    func releases() async throws -> [Release] {
        let (releases, problems) = try store.readable()
        let texts = Set(problems.map(\.description))
        for text in said.withLock({ said in
            defer { said = texts }
            return texts.subtracting(said)
        }) { logger.error("a release cannot be used", metadata: ["error": "\(text)"]) }
        return releases
    }
}
