import Glibc
import Substrate
import Timing

extension Processes {
    /// Ends everything of these units at once, supervision first so that nothing is started again.
    /// - Throws: `SubstrateError` (`timedOut`) when something does not end.
    func cutPower(_ units: [Unit]) async throws {
        for unit in units { try FileTree.remove(unit.launchMark) }
        let deadline = time.uptime + .seconds(5)
        while true {
            let left = units.reduce(into: Set<Int32>()) { $0.formUnion(all(of: $1, includingNamespace: false)) }
            if left.isEmpty { return }
            for process in Self.supervisionFirst(left) { kill(process, SIGKILL) }
            guard time.uptime < deadline else { throw SubstrateError(.timedOut, "Processes do not end: \(left.sorted()).") }
            try await time.sleep(for: .milliseconds(3))
        }
    }

    /// Stops every process of the unit where it is. Its sockets stay open and the kernel goes on acknowledging for them.
    /// - Throws: `SubstrateError` (`timedOut`) when something does not stop.
    func freeze(_ unit: Unit) async throws {
        let deadline = time.uptime + .seconds(5)
        while true {
            let moving = groups.processes(unit).filter { !Self.isStopped($0) }
            if moving.isEmpty { return }
            for process in Self.supervisionFirst(moving) { kill(process, SIGSTOP) }
            guard time.uptime < deadline else {
                throw SubstrateError(.timedOut, "Processes of \(unit.cluster)/\(unit.name) do not stop: \(moving.sorted()).")
            }
            try await time.sleep(for: .milliseconds(3))
        }
    }

    func thaw(_ unit: Unit) { for process in groups.processes(unit) { kill(process, SIGCONT) } }

    private static func supervisionFirst(_ processes: Set<Int32>) -> [Int32] {
        let supervisors = processes.filter { FileTree.text("/proc/\($0)/comm")?.hasPrefix("s6-") == true }
        return supervisors.sorted() + processes.subtracting(supervisors).sorted()
    }

    /// Stopped, or ending already.
    private static func isStopped(_ process: Int32) -> Bool {
        guard let status = FileTree.text("/proc/\(process)/stat"), let end = status.lastIndex(of: ")") else { return true }
        return status[end...].dropFirst(2).first.map { "TtZX".contains($0) } ?? true
    }
}
