import FleetModel
import Glibc
import Logging
import Substrate

/// How faults take hold of instances on this host. Everything here sets what is wanted, from whatever there is: it may be repeated
/// and interrupted.
///
/// - `power`: the ports of the instances' bridges let nothing through and go down, then every process is killed, supervision
///   first; in this order, so that no reset or end of a connection gets out. A mark in the unit's directory says that it is to be
///   started again when power comes back.
/// - `blackhole`, `loss`: `FaultRules`.
/// - `slow`: a token bucket of 256 kbit/s in each direction, and 2 % of one core (`ControlGroups.starvedQuota`).
/// - `freeze`: SIGSTOP to every process, s6's too. The kernel still opens connections and acknowledges data for them, as that of
///   a stopped virtual machine would not; to whoever waits for an answer this is the same, and the nastier of the two.
/// - `disk-slow`: the control group's limit of requests to the disk under the volume: every fsync waits for seconds.
/// - `disk-full`: etcd may not write to any file (RLIMIT_FSIZE 0), now and after each restart: each write fails with `EFBIG`
///   where a full disk says `ENOSPC`, and etcd ends itself, which it does for both. What is on the volume stays as it is. (A real
///   full file system would need one of its own for each volume.)
extension LocalSubstrate {
    /// An instance that is complete, with what stands against it.
    struct Victim {
        var unit: Unit
        var record: InstanceRecord
        var effects: FaultEffects
    }

    func victims(of faults: [Fault], in cluster: ClusterName? = nil) -> [Victim] {
        (cluster.map { [$0] } ?? foundClusters()).flatMap { cluster in
            FileTree.names(in: names.instances(cluster)).filter { !$0.hasPrefix(".") }.compactMap { name -> Victim? in
                let unit = names.unit(InstanceID(cluster: cluster, name: name))
                return Record.read(InstanceRecord.self, unit.record).map { victim(unit, $0, faults) }
            }
        }
    }

    func victim(_ unit: Unit, _ record: InstanceRecord, _ faults: [Fault]) -> Victim {
        let effects = FaultEffects(of: faults, on: record.id, in: record.zone, hasVolume: record.volume != nil)
        return Victim(unit: unit, record: record, effects: effects)
    }

    /// Writes the rules for all instances there are. The ports of one that is being made are among them: its directory is not.
    func defineFaultRules(_ faults: [Fault], with newcomer: Victim? = nil) async throws {
        let standing = try await Blocking.run { [self] in faults.isEmpty ? [] : victims(of: faults) }
        let others = standing.filter { $0.unit.link != newcomer?.unit.link }
        let ports = (others + [newcomer].compactMap { $0 }).compactMap { FaultRules.port($0.unit.link, $0.effects) }
        try await tools.run("nft", ["-f", "-"], input: faultRules.definition(ports))
    }

    /// Makes these instances be as their effects say. The rules stand already.
    func enforce(_ victims: [Victim]) async throws {
        let dark = victims.filter(\.effects.hasNoPower)
        if !dark.isEmpty {
            try await Blocking.run { for victim in dark { try FileTree.write(victim.unit.powerMark, "") } }
            let links = dark.map(\.unit.link).filter { HostInterface(name: $0).exists }
            let lines = links.map { "link set dev \($0) down\n" }.joined()
            if !lines.isEmpty { try await tools.run("ip", ["-force", "-batch", "-"], input: lines) }
            try await processes.cutPower(dark.map(\.unit))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for victim in victims where !victim.effects.hasNoPower { group.addTask { try await self.enforce(victim) } }
            try await group.waitForAll()
        }
    }

    private func enforce(_ victim: Victim) async throws {
        let (unit, effects) = (victim.unit, victim.effects)
        if FileTree.exists(unit.powerMark) {
            // Power is back: what it was before, starts again; with the rest of what stands against it. An earlier attempt may have started
            // something, and not written down that it did.
            try await processes.cutPower([unit])
            try await ensureNetwork(of: unit, address: victim.record.address)
            try await limit(victim)
            let isTwo = victim.record.leavingSlot != nil || FileTree.exists(unit.standbyRecord)
            try await start(unit, size: isTwo ? victim.record.size.withStandby : victim.record.size)
            try await Blocking.run { try FileTree.remove(unit.powerMark) }
        }
        try await limit(victim)
        if effects.isFrozen { try await processes.freeze(unit) } else { processes.thaw(unit) }
    }

    private func limit(_ victim: Victim) async throws {
        let (unit, record, effects) = (victim.unit, victim.record, victim.effects)
        try await shape(unit, effects.isStarved)
        try await Blocking.run { [self] in
            groups.starve(unit, effects.isStarved, size: record.size, hardCPULimit: configuration.hardCPULimit)
            guard let volume = record.volume else { return }
            let disk = Disk.number(under: names.volume(volume))
            if effects.hasSlowDisk, disk == nil {
                throw SubstrateError(
                    .failed, "There is no single disk under \(names.data) that could be slowed down; keep the data directory on one.")
            }
            if let disk {
                try groups.throttle(unit, disk: disk, requests: effects.hasSlowDisk ? ControlGroups.slowDiskRequests : nil)
            }
        }
        if record.volume != nil {
            for component in record.components { try await limitWrites(of: component.kind, on: unit, effects.hasFullDisk) }
        }
    }

    /// Each write to a file fails, now and after each restart; or none any more.
    private func limitWrites(of kind: ComponentKind, on unit: Unit, _ isFull: Bool) async throws {
        let path = unit.limits(kind)
        guard isFull || FileTree.exists(path) else { return }
        if isFull { try FileTree.write(path, "ulimit -S -f 0\n") } else { try FileTree.remove(path) }
        guard let process = Supervisor(unit).component(kind, now: 0).processID else { return }
        do {
            // Only the soft limit, which can be raised again.
            try await tools.run("prlimit", ["--pid", "\(process)", "--fsize=\(isFull ? "0" : "unlimited"):"])
        } catch let error as SubstrateError where error.code == .failed {
            // It ended meanwhile: its next start reads the file, or finds none.
            if isFull, FileTree.exists("/proc/\(process)") { throw error }
        }
    }

    /// Hardly any bandwidth in either direction, or all of it again.
    private func shape(_ unit: Unit, _ isStarved: Bool) async throws {
        guard HostInterface(name: unit.link).exists, NetworkNamespace.isMounted(unit.namespacePath) else { return }
        for (place, device) in [([], unit.link), (["-netns", unit.namespace], "eth0")] as [([String], String)] {
            let rule = isStarved ? ["replace", "dev", device, "root", "tbf", "rate", "256kbit", "burst", "16kb", "latency", "2s"] : []
            do {
                try await tools.run("tc", place + ["qdisc"] + (isStarved ? rule : ["del", "dev", device, "root"]))
            } catch let error as SubstrateError where error.code == .failed {
                // There was none to lift; or the kernel has no token bucket, and scarce CPU time must do.
                if isStarved { logger.warning("the bandwidth of \(unit.cluster)/\(unit.name) cannot be limited here: \(error)") }
            }
        }
    }
}
