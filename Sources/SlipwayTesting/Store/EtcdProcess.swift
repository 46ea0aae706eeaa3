import Foundation
import Synchronization

/// One etcd member as a child process of the tests.
final class EtcdProcess: Sendable {
    let binary: URL
    let log: URL
    let arguments: [String]
    private let process = Mutex<Process?>(nil)

    init(binary: URL, log: URL, arguments: [String]) {
        self.binary = binary
        self.log = log
        self.arguments = arguments
    }

    var isRunning: Bool { process.withLock { $0?.isRunning == true } }

    func start() throws {
        let process = Process()
        process.executableURL = binary
        process.arguments = arguments
        if !FileManager.default.fileExists(atPath: log.path) { try Data().write(to: log) }
        let output = try FileHandle(forWritingTo: log)
        try output.seekToEnd()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        self.process.withLock { $0 = process }
    }

    /// As a crash: SIGKILL, and waits for its end.
    func kill() {
        process.withLock { process in
            guard let running = process else { return }
            Foundation.kill(running.processIdentifier, SIGKILL)
            running.waitUntilExit()
            process = nil
        }
    }

    /// The last lines it wrote.
    var lastWords: String { String(((try? String(contentsOf: log, encoding: .utf8)) ?? "").suffix(2_000)) }
}
