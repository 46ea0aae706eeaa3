import FleetModel
import Foundation
import Glibc
import Substrate

/// What s6 says of a unit, read from the files that it keeps; no program is started for it.
struct Supervisor: Sendable {
    let unit: Unit

    init(_ unit: Unit) { self.unit = unit }

    /// Whether s6-svscan runs. A FIFO without a reader cannot be opened for writing: what s6's own tools go by, too.
    var isAlive: Bool { Self.hasReader("\(unit.scan)/.s6-svscan/control") }

    /// Asks s6-svscan to end all services and itself (`s6-svscanctl -t`).
    func terminate() { Self.send("t", to: "\(unit.scan)/.s6-svscan/control") }

    /// Ends a part's process, which is not started again (`s6-svc -d`).
    func bringDown(_ part: String) { Self.send("d", to: control(part)) }

    /// Starts a part's process, which is started again from then on (`s6-svc -u`).
    func bringUp(_ part: String) { Self.send("u", to: control(part)) }

    /// Whether s6-supervise runs for it.
    func supervises(_ part: String) -> Bool { Self.hasReader(control(part)) }

    enum PartState: Equatable {
        /// Its process, or its finish script's.
        case working(Int32)
        /// There is none, and there is to be one.
        case starting
        /// There is none, and there is not to be one.
        case down
    }

    /// - Returns: nil: s6-supervise does not run for it, or has said nothing yet.
    func state(of part: String) -> PartState? {
        guard supervises(part), let bytes = FileTree.read("\(unit.scan)/\(unit.service(part))/supervise/status"),
            let status = Status(bytes)
        else { return nil }
        return status.process > 0 ? .working(status.process) : status.isWanted ? .starting : .down
    }

    /// Asks s6-svscan to look for services that are new (`s6-svscanctl -a`).
    func rescan() { Self.send("a", to: "\(unit.scan)/.s6-svscan/control") }

    private func control(_ part: String) -> String { "\(unit.scan)/\(unit.service(part))/supervise/control" }

    /// When a part's process ends next, it is not started again (`s6-svc -O`).
    func startNoMore(_ part: String) { Self.send("O", to: control(part)) }

    /// - Parameters:
    ///   - slot: of an API server; the first of everything else.
    ///   - now: seconds since 1970.
    func component(_ kind: ComponentKind, _ slot: ServerSlot = .first, now: Double) -> ComponentObservation {
        let part = Unit.part(kind, slot)
        let directory = "\(unit.scan)/\(unit.service(part))/supervise"
        let refusal = FileTree.exists("\(unit.state)/\(part).refused")
        var problem: String?
        if refusal { problem = "not started: the content of \(unit.directory)/bin/\(part) is not what its release says" }
        var changed = stat()
        guard Self.hasReader("\(directory)/control"), let bytes = FileTree.read("\(directory)/status"),
            stat("\(directory)/status", &changed) == 0, let status = Status(bytes)
        else { return ComponentObservation(kind: kind, isUp: false, processID: nil, seconds: 0, problem: problem) }
        let since = Double(changed.st_mtim.tv_sec) + Double(changed.st_mtim.tv_nsec) / 1e9
        let isUp = status.isUp && !refusal
        let seconds = max(0, now - since)
        let ends = FileTree.read(unit.ends(part)) ?? []
        return ComponentObservation(
            kind: kind, isUp: isUp, processID: status.isUp ? status.process : nil, seconds: seconds, problem: problem,
            ends: ends.count, kills: ends.count(where: { $0 == UInt8(ascii: Self.killMark) }),
            lastWords: isUp && seconds > Self.settled ? nil : lastWords(kind, part))
    }

    /// In a part's file of ends, one character for each: of one that somebody else ended.
    static let killMark: Unicode.Scalar = "k"

    /// Who has run for this long, in seconds, stays up.
    private static let settled = 10.0

    /// The lines of its log with which a Go program gave up when it last did. Often the reason is in what it logs of its panic, and not in
    /// the panic.
    private func lastWords(_ kind: ComponentKind, _ part: String) -> String? {
        guard let tail = FileTree.tail("\(unit.logs)/\(part)/current", bytes: 16384) else { return nil }
        let signs = ["\"level\":\"fatal\"", "\"level\":\"panic\"", "panic: ", "fatal error: ", "unexpected fault address"]
        // As `ServiceTree` says that it ended.
        let runs = tail.split(separator: "\n").split {
            $0.contains("slipway: \(kind.rawValue) ended") || $0.contains("slipway: \(kind.rawValue) was ended")
        }
        // Ours say in one line why they end.
        if kind == .kmsPlugin || kind == .authenticator { return runs.last?.last.map { String($0.prefix(600)) } }
        let words = runs.lazy.map { run in run.filter { line in signs.contains { line.contains($0) } } }.last { !$0.isEmpty }
        return words?.map { $0.prefix(600) }.joined(separator: "\n")
    }

    /// The file `supervise/status` of s6 2.11 (35 bytes) and of 2.12 and later (43 bytes, with the process group).
    struct Status: Equatable {
        var process: Int32
        /// The service's own process runs, and not its finish script.
        var isUp: Bool
        /// It is started when there is none.
        var isWanted: Bool

        init?(_ bytes: [UInt8]) {
            guard bytes.count == 35 || bytes.count == 43 else { return nil }
            process = Int32(truncatingIfNeeded: bytes[24..<32].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
            let flags = bytes[bytes.count - 1]
            let isFinishing = flags & 2 != 0
            isWanted = flags & 4 != 0
            isUp = process > 0 && !isFinishing
        }
    }

    private static func hasReader(_ path: String) -> Bool {
        let pipe = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard pipe >= 0 else { return false }
        close(pipe)
        return true
    }

    private static func send(_ command: String, to path: String) {
        let pipe = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard pipe >= 0 else { return }
        defer { close(pipe) }
        // A reader that goes away meanwhile would end this process with SIGPIPE; s6 keeps the pipe open itself.
        _ = Array(command.utf8).withUnsafeBytes { write(pipe, $0.baseAddress, $0.count) }
    }
}
