import Glibc
import Substrate
import Timing

/// The processes of a unit: who they are, and their end.
struct Processes: Sendable {
    let groups: ControlGroups
    let time: TimeSource

    /// Those in the unit's control groups, and those in its network namespace (a shell that an operator opened there).
    func all(of unit: Unit, includingNamespace: Bool) -> Set<Int32> {
        let grouped = groups.processes(unit)
        guard includingNamespace || grouped.isEmpty else { return grouped }
        return grouped.union(inNamespace(unit.namespacePath))
    }

    private func inNamespace(_ path: String) -> Set<Int32> {
        var namespace = stat()
        guard NetworkNamespace.isMounted(path), stat(path, &namespace) == 0 else { return [] }
        var found: Set<Int32> = []
        for name in FileTree.names(in: "/proc") {
            guard let process = Int32(name), process > 1, process != getpid() else { continue }
            var status = stat()
            if stat("/proc/\(process)/ns/net", &status) == 0, status.st_ino == namespace.st_ino, status.st_dev == namespace.st_dev {
                found.insert(process)
            }
        }
        return found
    }

    /// Ends everything of the unit: first its supervisor is asked, which ends the components in order, then all that is left
    /// is killed. Takes at most `timeout` and 15 seconds: on a machine with far too much to do, who is killed takes seconds to end.
    /// - Throws: `SubstrateError` (`timedOut`) when something cannot be killed.
    func stop(_ unit: Unit, timeout: Duration, includingNamespace: Bool = false) async throws {
        // First: a launcher that is on its way, and in no group yet, finds that it is not wanted.
        try FileTree.remove(unit.launchMark)
        if all(of: unit, includingNamespace: includingNamespace).isEmpty { return }
        let supervisor = Supervisor(unit)
        // What a fault has frozen cannot end itself.
        thaw(unit)
        if supervisor.isAlive {
            try? FileTree.write("\(unit.state)/stopping", "")
            supervisor.terminate()
            let deadline = time.uptime + timeout
            while time.uptime < deadline, !groups.processes(unit).isEmpty || supervisor.isAlive {
                try await time.sleep(for: .milliseconds(10))
            }
        }
        let deadline = time.uptime + .seconds(15)
        while true {
            // The namespace is looked at last and only when the groups are empty: that means reading all of /proc.
            var left = groups.processes(unit)
            if left.isEmpty, includingNamespace || groups.roots.isEmpty { left = inNamespace(unit.namespacePath) }
            if left.isEmpty { return }
            for process in left { kill(process, SIGKILL) }
            guard time.uptime < deadline else {
                throw SubstrateError(.timedOut, "Processes of \(unit.cluster)/\(unit.name) do not end: \(left.sorted()).")
            }
            try await time.sleep(for: .milliseconds(5))
        }
    }
}
