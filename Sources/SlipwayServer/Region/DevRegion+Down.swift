import FleetModel
import Foundation
import Timing

extension DevRegion {
    /// Stops the service, every instance and the store. Data stays, and `up` brings all back as it was; with `purge` nothing
    /// stays.
    /// - Throws: `ServerError`; repeating it continues.
    public func down(purge: Bool) async throws {
        guard FileManager.default.fileExists(atPath: files.directory) else {
            throw ServerError(.missing, "There is no region in \(files.directory).")
        }
        guard geteuid() == 0 || (try? files.configuration().substrate) == .simulated else {
            throw ServerError(.configuration, "Stopping a region on this machine needs root: run it with sudo.")
        }
        let lock = try await workLock(patience: .seconds(10))
        try await stopServer()
        // Without its configuration nobody knows what of the host is the region's; then only its own tree is.
        if files.exists {
            let configuration = try files.configuration()
            if configuration.substrate == .local { try await stopInstances(configuration, purge: purge) }
        }
        report("stopping the store")
        try await tree.stop()
        if purge { try removeFiles() }
        lock.release()
    }

    /// A start that is about to end is waited for.
    private func workLock(patience: Duration) async throws -> ProcessLock {
        let end = time.uptime + patience
        while true {
            do {
                return try ProcessLock(
                    path: files.workLockPath, purpose: "Another `slipway dev up` or `dev down` is at work on \(files.directory)")
            } catch let error as ServerError where error.code == .taken && time.uptime < end {
                try await time.sleep(for: .milliseconds(100))
            }
        }
    }

    private func stopServer() async throws {
        guard serverProcess != nil || FileManager.default.fileExists(atPath: "\(files.supervisionDirectory)/\(Self.serverService)") else {
            return
        }
        report("stopping the service")
        try await tree.remove(Self.serverService)
        // One that runs in the foreground of a terminal.
        guard let process = serverProcess else { return }
        kill(process, SIGTERM)
        let end = time.uptime + .seconds(8)
        while serverProcess == process {
            if time.uptime > end { kill(process, SIGKILL) }
            guard time.uptime < end + .seconds(4) else {
                throw ServerError(.timedOut, "The service (process \(process)) does not end.")
            }
            try await time.sleep(for: .milliseconds(50))
        }
    }

    /// Only what the region made: the directory may hold other things.
    private func removeFiles() throws {
        let own = [
            files.storeDirectory, files.supervisionDirectory, "\(files.supervisionDirectory).log", files.logDirectory,
            files.snapshotDirectory, files.backupDirectory, "\(files.directory)/clusters", "\(files.directory)/secret.key",
            "\(files.directory)/audit.log", files.credentialsPath,
            "\(files.directory)/program.json", "\(files.directory)/replica",
            files.configurationPath, files.serverLockPath, files.workLockPath,
        ]
        for path in own where FileManager.default.fileExists(atPath: path) {
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch {
                throw ServerError(.failed, "\(path) could not be removed.", cause: error)
            }
        }
        rmdir(files.directory)
    }
}
