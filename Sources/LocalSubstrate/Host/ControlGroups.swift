import FleetModel
import Glibc
import Logging
import Substrate
import Synchronization
import Timing

/// Limits of units, and lists of their processes: cgroup v1 or v2, whichever has controllers on this host.
final class ControlGroups: Sendable {
    /// Where the controllers are mounted.
    struct Layout: Equatable, Sendable {
        /// v1: mount point by controller; of those that are wanted.
        var controllers: [String: String] = [:]
        /// v2's mount point, when v1 has no controllers.
        var unified: String?

        static let wanted = ["pids", "memory", "cpu", "freezer", "blkio"]

        /// - Parameter mounts: the content of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
        init(mounts: String) {
            for line in mounts.split(separator: "\n") {
                let fields = line.split(separator: " ")
                guard let separator = fields.firstIndex(of: "-"), separator + 3 < fields.count, fields.count > 5 else { continue }
                let point = String(fields[4])
                switch fields[separator + 1] {
                case "cgroup":
                    for option in fields[separator + 3].split(separator: ",") where Self.wanted.contains(String(option)) {
                        controllers[String(option)] = point
                    }
                case "cgroup2": unified = point
                default: continue
                }
            }
            if !controllers.isEmpty { unified = nil }
        }
    }

    let layout: Layout
    let prefix: String
    private let logger: Logger
    private let said = Mutex<Set<String>>([])

    init(prefix: String, logger: Logger, mounts: String? = nil) {
        self.prefix = prefix
        self.logger = logger
        self.layout = Layout(mounts: mounts ?? FileTree.text("/proc/self/mountinfo") ?? "")
    }

    private var mountPoints: [String] { Array(Set(layout.controllers.values)).sorted() + (layout.unified.map { [$0] } ?? []) }
    var roots: [String] { mountPoints.map { "\($0)/\(prefix)" } }

    private func directories(_ unit: Unit) -> [String] { mountPoints.map { directory(unit, below: $0) } }
    func directory(_ unit: Unit, below mount: String) -> String { "\(mount)/\(prefix)/\(unit.cluster)/\(unit.name)" }

    /// Makes the unit's groups and sets their limits. What the host does not offer is said once and left out.
    /// - Returns: the directories that the unit's processes must join.
    func ensure(_ unit: Unit, size: InstanceSize, hardCPULimit: Bool) -> [String] {
        if mountPoints.isEmpty { say("no control groups are mounted: sizes of instances are not enforced") }
        if let unified = layout.unified {
            for directory in [unified, "\(unified)/\(prefix)", "\(unified)/\(prefix)/\(unit.cluster)"] {
                if directory != unified { mkdir(directory, 0o755) }
                for controller in ["memory", "cpu", "pids"] { set("cgroup.subtree_control", "+\(controller)", in: directory) }
            }
        }
        let made = directories(unit).filter { directory in
            do {
                try FileTree.makeDirectory(directory, mode: 0o755)
                return true
            } catch {
                say("\(error)")
                return false
            }
        }
        let bytes = size.memoryMiB << 20
        let shares = max(2, size.milliCPU * 1024 / 1000)
        for directory in made {
            if layout.unified != nil {
                set("memory.max", "\(bytes)", in: directory)
                // The same mapping of shares to weight as Kubernetes' (KEP-2254).
                set("cpu.weight", "\(1 + (shares - 2) * 9999 / 262_142)", in: directory)
                if hardCPULimit { set("cpu.max", "\(size.milliCPU * 100) 100000", in: directory) }
                set("pids.max", "\(size.maximumProcesses)", in: directory)
                continue
            }
            let point = String(directory.dropLast("/\(prefix)/\(unit.cluster)/\(unit.name)".count))
            for (controller, mount) in layout.controllers where mount == point {
                switch controller {
                case "memory": set("memory.limit_in_bytes", "\(bytes)", in: directory)
                case "cpu":
                    set("cpu.shares", "\(shares)", in: directory)
                    if hardCPULimit { set("cpu.cfs_quota_us", "\(size.milliCPU * 100)", in: directory) }
                case "pids": set("pids.max", "\(size.maximumProcesses)", in: directory)
                default: continue
                }
            }
        }
        return made
    }

    /// Everything that runs in the unit's groups.
    func processes(_ unit: Unit) -> Set<Int32> {
        var found: Set<Int32> = []
        for directory in directories(unit) {
            for line in (FileTree.text("\(directory)/cgroup.procs") ?? "").split(separator: "\n") {
                if let process = Int32(line), process > 1 { found.insert(process) }
            }
        }
        return found
    }

    func exists(_ unit: Unit) -> Bool { directories(unit).contains { FileTree.exists($0) } }

    /// Removes the unit's groups, which must be empty.
    /// - Throws: `SubstrateError` (`failed`) naming a group that stays.
    func remove(_ unit: Unit, time: TimeSource) async throws {
        let deadline = time.uptime + .seconds(5)
        for directory in directories(unit) {
            while rmdir(directory) != 0, errno != ENOENT {
                let code = errno
                guard time.uptime < deadline else { throw FileTree.failure("remove the control group", directory, code) }
                try await time.sleep(for: .milliseconds(10))
            }
        }
        for root in roots where rmdir("\(root)/\(unit.cluster)") == 0 { rmdir(root) }
    }

    /// Cluster and unit names that have a group.
    func units() -> [(cluster: String, unit: String)] {
        var seen: Set<String> = []
        var found: [(cluster: String, unit: String)] = []
        for root in roots {
            for cluster in FileTree.names(in: root) where FileTree.isDirectory("\(root)/\(cluster)") {
                let units = FileTree.names(in: "\(root)/\(cluster)").filter { FileTree.isDirectory("\(root)/\(cluster)/\($0)") }
                for unit in units where seen.insert("\(cluster)/\(unit)").inserted { found.append((cluster, unit)) }
            }
        }
        return found
    }

    /// Names of the cluster's units that have a group.
    func units(of cluster: ClusterName) -> Set<String> {
        var found: Set<String> = []
        for root in roots {
            for unit in FileTree.names(in: "\(root)/\(cluster)") where FileTree.isDirectory("\(root)/\(cluster)/\(unit)") {
                found.insert(unit)
            }
        }
        return found
    }

    /// Clusters' groups that hold no unit's.
    func removeEmpty() {
        for root in roots {
            for cluster in FileTree.names(in: root) { rmdir("\(root)/\(cluster)") }
            rmdir(root)
        }
    }

    func set(_ file: String, _ value: String, in directory: String) {
        let path = "\(directory)/\(file)"
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return say("control group setting \(file) is not offered here") }
        defer { close(descriptor) }
        let count = value.utf8CString.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count - 1) }
        if count < 0 { say("control group setting \(file) cannot be set here: \(String(cString: strerror(errno)))") }
    }

    private func say(_ text: String) {
        if said.withLock({ $0.insert(text).inserted }) { logger.warning("\(text)") }
    }
}
