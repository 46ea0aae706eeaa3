import FleetModel
import Glibc
import Substrate

extension ControlGroups {
    /// CPU time that a starved unit gets, in microseconds a tenth of a second: 2 % of one core.
    static let starvedQuota = 2000
    /// Requests a second that a slow disk takes; a commit of etcd needs several.
    static let slowDiskRequests = 4

    /// Gives the unit next to no CPU time, or again what its size says.
    func starve(_ unit: Unit, _ isStarved: Bool, size: InstanceSize, hardCPULimit: Bool) {
        guard exists(unit) else { return }
        let quota = isStarved ? "\(Self.starvedQuota)" : hardCPULimit ? "\(size.milliCPU * 100)" : nil
        if let unified = layout.unified {
            set("cpu.max", "\(quota ?? "max") 100000", in: directory(unit, below: unified))
        } else if let mount = layout.controllers["cpu"] {
            set("cpu.cfs_quota_us", quota ?? "-1", in: directory(unit, below: mount))
        }
    }

    /// Lets the unit's processes write to a disk, and read from it, a few times a second only; nil lifts that.
    /// - Parameter disk: `254:0`.
    /// - Throws: `SubstrateError` (`failed`) when the host cannot do that.
    func throttle(_ unit: Unit, disk: String, requests: Int?) throws {
        guard exists(unit) else { return }
        do {
            if let unified = layout.unified {
                for parent in [unified, "\(unified)/\(prefix)", "\(unified)/\(prefix)/\(unit.cluster)"] {
                    try FileTree.write("\(parent)/cgroup.subtree_control", "+io")
                }
                let limit = requests.map(String.init) ?? "max"
                try FileTree.write("\(directory(unit, below: unified))/io.max", "\(disk) riops=\(limit) wiops=\(limit)")
            } else if let mount = layout.controllers["blkio"] {
                let group = directory(unit, below: mount)
                try FileTree.makeDirectory(group, mode: 0o755)
                // Those of a unit that was started when this controller was not mounted yet.
                for process in processes(unit) { try? FileTree.write("\(group)/cgroup.procs", "\(process)") }
                for file in ["read", "write"] {
                    try FileTree.write("\(group)/blkio.throttle.\(file)_iops_device", "\(disk) \(requests ?? 0)")
                }
            } else {
                throw SubstrateError(.failed, "neither the control group controller 'io' nor 'blkio' is there")
            }
        } catch let error as SubstrateError where requests != nil {
            throw SubstrateError(
                .failed,
                "This host cannot slow down the disk \(disk) for \(unit.cluster)/\(unit.name). Mount the controller 'blkio' (or 'io'), and "
                    + "keep the data directory on a file system of one disk.", cause: error)
        } catch {
            // What could not be set need not be lifted.
        }
    }
}

/// The disk under a path.
enum Disk {
    /// `254:0`, of the whole disk when the file system is on a partition; nil when there is no single disk under it (tmpfs,
    /// overlay, btrfs).
    static func number(under path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let device = status.st_dev
        // As in sys/sysmacros.h.
        let major = (device >> 8) & 0xfff | (device >> 32) & ~0xfff
        let minor = device & 0xff | (device >> 12) & ~0xff
        guard major > 0 else { return nil }
        let entry = "/sys/dev/block/\(major):\(minor)"
        guard FileTree.exists("\(entry)/partition") else { return FileTree.exists(entry) ? "\(major):\(minor)" : nil }
        return FileTree.text("\(entry)/../dev")
    }
}
