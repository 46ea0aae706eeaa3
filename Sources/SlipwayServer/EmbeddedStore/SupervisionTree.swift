import FleetModel
import Foundation
import Timing

/// One process that s6 keeps running.
struct SupervisedService: Sendable {
    var name: String
    /// Program first.
    var command: [String]
    var logDirectory: String

    /// The `run` script, for `/bin/sh`.
    var script: String { "#!/bin/sh\nexec 2>&1\nexec \(command.map(Self.quoted).joined(separator: " "))\n" }

    /// Keeps 10 files of 1 MB, each line with its time.
    var logScript: String { "#!/bin/sh\nexec s6-log -b -- n10 s1000000 T \(Self.quoted(logDirectory))\n" }

    static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
}

/// The region's own s6 tree: its store, and with `--detach` its service. It is in a session of its own, so that it survives
/// the program that started it, and `ps` shows it by its directory.
public struct SupervisionTree: Sendable {
    /// The scan directory; absolute.
    public let directory: String
    private let time: TimeSource

    public init(directory: String, time: TimeSource = .system) {
        self.directory = directory
        self.time = time
    }

    /// - Throws: `ServerError` (`missing`) when s6 is not installed.
    public func isRunning() async throws -> Bool {
        guard FileManager.default.fileExists(atPath: "\(directory)/.s6-svscan/control") else { return false }
        return try await ToolRun.run("s6-svscanctl", ["-a", directory]).succeeded
    }

    /// Starts the tree; does nothing when it runs.
    public func start() async throws {
        if try await isRunning() { return }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        // `setsid --fork` ends at once and leaves s6-svscan without a parent of ours and without our terminal.
        let script = "exec setsid --fork s6-svscan \"$0\" </dev/null >>\"$0.log\" 2>&1"
        let start = try await ToolRun.run("sh", ["-c", script, directory])
        guard start.succeeded else { throw ServerError(.failed, "s6-svscan could not be started: \(start.output)") }
        try await wait(upTo: .seconds(10), for: "s6-svscan in \(directory)") { try await isRunning() }
    }

    /// Puts the service in place and makes sure that it runs with this command; one that runs with another is restarted.
    func ensure(_ service: SupervisedService) async throws {
        let place = "\(directory)/\(service.name)"
        let isNew = !FileManager.default.fileExists(atPath: "\(place)/run")
        let isChanged = (try? String(contentsOfFile: "\(place)/run", encoding: .utf8)) != service.script
        try FileManager.default.createDirectory(atPath: service.logDirectory, withIntermediateDirectories: true)
        if isNew {
            // Made beside and renamed: s6-svscan must not find half a service directory.
            let draft = "\(directory)/.new-\(service.name)"
            try? FileManager.default.removeItem(atPath: draft)
            try? FileManager.default.removeItem(atPath: place)
            try FileManager.default.createDirectory(atPath: "\(draft)/log", withIntermediateDirectories: true)
            try PlainFile.write(service.logScript, to: "\(draft)/log/run", mode: 0o755)
            try PlainFile.write(service.script, to: "\(draft)/run", mode: 0o755)
            try FileManager.default.moveItem(atPath: draft, toPath: place)
        } else if isChanged {
            try PlainFile.write(service.script, to: "\(place)/run", mode: 0o755)
        }
        _ = try await ToolRun.run("s6-svscanctl", ["-a", directory])
        try await wait(upTo: .seconds(10), for: "supervision of \(service.name)") {
            try await ToolRun.run("s6-svok", [place]).succeeded
        }
        // -u: up now and again after each crash; -r restarts what runs with the old command.
        let control = try await ToolRun.run("s6-svc", [isChanged && !isNew ? "-ur" : "-u", place])
        guard control.succeeded else { throw ServerError(.failed, "s6 could not start \(service.name): \(control.output)") }
    }

    /// The service's process, nil when it is down or there is no such service.
    public func processID(of name: String) async throws -> Int32? {
        let status = try await ToolRun.run("s6-svstat", ["-o", "pid", "\(directory)/\(name)"])
        guard status.succeeded, let pid = Int32(status.output), pid > 0 else { return nil }
        return pid
    }

    /// Stops the service and keeps it from starting with the tree; SIGKILL after `patience`.
    public func remove(_ name: String, patience: Duration = .seconds(8)) async throws {
        let place = "\(directory)/\(name)"
        guard FileManager.default.fileExists(atPath: place) else { return }
        if try await isRunning() {
            _ = try await ToolRun.run("s6-svc", ["-wD", "-T\(patience.components.seconds * 1000)", "-d", place])
            if try await processID(of: name) != nil { _ = try await ToolRun.run("s6-svc", ["-wD", "-T2000", "-dk", place]) }
            // -x: its supervisor goes too; the logger ends with its pipe.
            _ = try await ToolRun.run("s6-svc", ["-x", place])
            _ = try await ToolRun.run("s6-svc", ["-x", "\(place)/log"])
        }
        try? FileManager.default.removeItem(atPath: place)
        if try await isRunning() { _ = try await ToolRun.run("s6-svscanctl", ["-an", directory]) }
    }

    /// Stops everything in the tree, and the tree.
    public func stop() async throws {
        guard try await isRunning() else { return }
        _ = try await ToolRun.run("s6-svscanctl", ["-t", directory])
        try await wait(upTo: .seconds(20), for: "the end of s6-svscan in \(directory)") { try await !isRunning() }
    }

    private func wait(upTo limit: Duration, for what: String, until done: () async throws -> Bool) async throws {
        let end = time.uptime + limit
        while try await !done() {
            guard time.uptime < end else { throw ServerError(.timedOut, "Gave up after \(Int(limit.seconds)) s of waiting for \(what).") }
            try await time.sleep(for: .milliseconds(50))
        }
    }
}
