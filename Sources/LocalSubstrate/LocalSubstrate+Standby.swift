import FleetModel
import Foundation
import Glibc
import Substrate
import Timing

/// Two API servers in one instance: the standby starts while the other one serves, gets all new connections from one moment to the
/// next, and the other one ends as one ends that leaves. `spec.json` says who serves and who leaves.
extension LocalSubstrate {
    public func ensureStandby(_ spec: InstanceSpec) async throws {
        try await throwing("start a second API server on \(spec.id)") {
            try HostNames.check(name: spec.id.name)
            try await requirePower(spec)
            let unit = names.unit(spec.id)
            try await finishHandover(of: unit)
            let found = try await Blocking.run { [self] in
                (isRunning: state(of: unit) == .running, record: Record.read(InstanceRecord.self, unit.record))
            }
            let old = Record.read(InstanceRecord.self, unit.standbyRecord)
            guard let record = found.record, found.isRunning, record.differsByReleaseOnly(from: spec),
                spec.components.contains(where: { $0.kind == .apiServer && $0.listening != nil })
            else {
                throw SubstrateError(
                    .invalid, "\(spec.id) does not run, or differs from what is asked for in more than its release; make it anew.")
            }
            var standby = InstanceRecord(spec)
            standby.slot = record.serverSlot.next
            // The files stay, and what is beside the API server and is Slipway's own.
            standby.certificatesExpireAt = record.certificatesExpireAt
            standby.keepHelpers(of: record)
            let part = Unit.part(.apiServer, standby.serverSlot)
            // The first of these comes before all that is written, and both go after it. Supervision may be on its way to it already.
            let isWhole = !FileTree.exists(unit.leaving(part)) && !FileTree.exists(down(part, unit))
            if let old, old.satisfies(spec), isWhole { return try await supervise(part, of: unit) }
            // All that is exchanged later: what cannot be started must not begin to take over.
            let programs = try await verified(standby.components)
            try await end(part, of: unit)
            let servers = zip(standby.components, programs).filter { $0.0.kind == .apiServer }
            let services = servers.map { service($0, $1, unit, standby.serverSlot) }
            let written = standby
            try await Blocking.run { [self] in
                try FileTree.replace(unit.standbyRecord, try Record.text(written))
                for file in spec.files where !FileTree.exists("\(unit.files)/\(file.path)") { try Self.write(file, below: unit.files) }
                for service in services {
                    try makeLogDirectories(service, unit)
                    try tree(unit).write(service, to: unit.directory)
                }
            }
            try await restoreSlots(of: unit)
            _ = groups.ensure(unit, size: spec.size.withStandby, hardCPULimit: configuration.hardCPULimit)
            try await Blocking.run { [self] in try clearNotes(of: part, unit) }
            try await supervise(part, of: unit)
        }
    }

    public func removeStandby(of id: InstanceID) async throws {
        try await throwing("end the second API server on \(id)") {
            try HostNames.check(name: id.name)
            let unit = names.unit(id)
            guard let record = Record.read(InstanceRecord.self, unit.record),
                let standby = Record.read(InstanceRecord.self, unit.standbyRecord)
            else { return }
            // It has taken over, and that was not written down here.
            guard record.leavingSlot == nil else { return try FileTree.remove(unit.standbyRecord) }
            // A word about who takes over may have been said, and not written down.
            try await restoreSlots(of: unit)
            try await end(Unit.part(.apiServer, standby.serverSlot), of: unit)
            _ = groups.ensure(unit, size: record.size, hardCPULimit: configuration.hardCPULimit)
            try await Blocking.run { try FileTree.remove(unit.standbyRecord) }
        }
    }

    public func promoteStandby(_ spec: InstanceSpec) async throws {
        try await throwing("let the second API server of \(spec.id) take over") {
            try HostNames.check(name: spec.id.name)
            try await requirePower(spec)
            let unit = names.unit(spec.id)
            let record = Record.read(InstanceRecord.self, unit.record)
            if record?.satisfies(spec) == true { return }
            guard let record, record.leavingSlot == nil, record.differsByReleaseOnly(from: spec),
                var next = Record.read(InstanceRecord.self, unit.standbyRecord), next.satisfies(spec),
                Supervisor(unit).component(.apiServer, next.serverSlot, now: time.now.timeIntervalSince1970).isUp
            else { throw SubstrateError(.failed, "No second API server of release \(spec.release) runs on \(spec.id).") }
            next.leavingSlot = record.serverSlot
            let written = next
            if let slots = slots(written) { try await define(slots, of: unit) }
            try await Blocking.run {
                // What the others did for the release of before does not count for this one.
                for component in record.components where component.kind != .apiServer {
                    try FileTree.remove(unit.ends(Unit.part(component.kind)))
                }
                try FileTree.replace(unit.record, try Record.text(written))
                try FileTree.remove(unit.standbyRecord)
            }
        }
    }

    public func finishHandover(of id: InstanceID) async throws {
        try await throwing("finish the way over to another API server on \(id)") {
            try HostNames.check(name: id.name)
            let unit = names.unit(id)
            guard Supervisor(unit).isAlive else { throw SubstrateError(.unavailable, "\(id) does not run.") }
            try await finishHandover(of: unit)
        }
    }

    /// Ends the API server of before once it has nothing left to do, and exchanges what runs beside it; wherever that was left.
    /// - Returns: false when there was nothing to finish.
    @discardableResult
    func finishHandover(of unit: Unit) async throws -> Bool {
        guard let serving = Record.read(InstanceRecord.self, unit.record), let leaving = serving.leavingSlot, Supervisor(unit).isAlive
        else {
            return false
        }
        var done = serving
        done.leavingSlot = nil
        let whole = done
        try await restoreSlots(of: unit)
        try await Blocking.run { try FileTree.remove(unit.standbyRecord) }
        async let dismissal: Void = dismiss(leaving, of: unit, serving)
        try await exchangeControllers(in: serving, of: unit)
        try await dismissal
        _ = groups.ensure(unit, size: serving.size, hardCPULimit: configuration.hardCPULimit)
        try await Blocking.run { try FileTree.replace(unit.record, try Record.text(whole)) }
        return true
    }

    /// What is begun is finished.
    private func dismiss(_ slot: ServerSlot, of unit: Unit, _ record: InstanceRecord) async throws {
        let part = Unit.part(.apiServer, slot)
        try FileTree.write(unit.leaving(part), "")
        try await sendOff([part], slot, unit, record)
        try await awaitEnd(of: [.apiServer], slot, unit, record)
        try await end(part, of: unit, patience: .zero)
    }

    /// Nothing of before is held against the part, nor keeps it down; that it may run is the last word.
    func clearNotes(of part: String, _ unit: Unit) throws {
        for note in [unit.ends(part), "\(unit.state)/\(part).refused", unit.leaving(part), down(part, unit)] { try FileTree.remove(note) }
    }

    /// Ends a part's process, which is not started again, also not with the rest of the unit, nor by a supervision that is only beginning.
    func end(_ part: String, of unit: Unit, patience: Duration = .milliseconds(500)) async throws {
        let isKnown = try await Blocking.run { [self] in
            try FileTree.write(unit.leaving(part), "")
            if FileTree.isDirectory("\(unit.scan)/\(unit.service(part))") { try FileTree.write(down(part, unit), "") }
            return FileTree.exists(ServiceTree.lastFile(of: part, unit))
        }
        let supervisor = Supervisor(unit)
        guard isKnown, supervisor.isAlive else { return }
        if !supervisor.supervises(part) { try await awaitSupervision(of: part, unit) }
        supervisor.bringDown(part)
        let begun = time.uptime
        var told = begun
        while true {
            switch supervisor.state(of: part) {
            case .down: return
            // It has not read that yet, or another one has come in its place. Who works is told only once: some end at once when they are
            // told again.
            case .starting:
                if time.uptime - told > .milliseconds(500) {
                    supervisor.bringDown(part)
                    told = time.uptime
                }
            case .working(let process): if time.uptime - begun > patience { kill(process, SIGKILL) }
            case nil: break
            }
            guard supervisor.isAlive else { return }
            guard time.uptime - begun < patience + .seconds(10) else {
                throw SubstrateError(.timedOut, "\(part) of \(unit.cluster)/\(unit.name) does not end.")
            }
            try await time.sleep(for: .milliseconds(10))
        }
    }

    /// With it s6 does not start the service when supervision begins.
    func down(_ part: String, _ unit: Unit) -> String { "\(unit.scan)/\(unit.service(part))/down" }

    private func supervise(_ part: String, of unit: Unit) async throws {
        let supervisor = Supervisor(unit)
        if supervisor.supervises(part) { return supervisor.bringUp(part) }
        try await awaitSupervision(of: part, unit)
    }

    /// It starts what is not marked as down.
    private func awaitSupervision(of part: String, _ unit: Unit) async throws {
        let supervisor = Supervisor(unit)
        supervisor.rescan()
        let deadline = time.uptime + .seconds(10)
        while !supervisor.supervises(part) {
            guard time.uptime < deadline else {
                throw SubstrateError(.timedOut, "Supervision of \(unit.cluster)/\(unit.name) does not take up \(part).")
            }
            try await time.sleep(for: .milliseconds(5))
        }
    }

    // MARK: Who gets new connections

    /// As the records say: nothing where there has never been a standby.
    func restoreSlots(of unit: Unit) async throws {
        let (record, standby) = try await Blocking.run {
            (Record.read(InstanceRecord.self, unit.record), Record.read(InstanceRecord.self, unit.standbyRecord))
        }
        guard let record, record.slot != nil || standby != nil, let slots = slots(record, standby) else { return }
        try await define(slots, of: unit)
    }

    func removeSlots(of unit: Unit) async throws {
        try await tools.run("nsenter", ["--net=\(unit.namespacePath)", "--", "nft", "-f", "-"], input: ServerSlots.removal)
    }

    /// - Parameter standby: says the port where the record is of before ports were noted.
    private func slots(_ record: InstanceRecord, _ standby: InstanceRecord? = nil) -> ServerSlots? {
        let port = [record, standby].lazy.compactMap { $0?.components.first { $0.kind == .apiServer }?.listening?.port }.first
        return port.map {
            ServerSlots(address: record.address, port: $0, host: record.network.gateway, current: record.serverSlot)
        }
    }

    private func define(_ slots: ServerSlots, of unit: Unit) async throws {
        let addresses = ServerSlot.standbys.compactMap(\.privateAddress).map { "address replace \($0)/32 dev lo\n" }
        try await tools.run("ip", ["-netns", unit.namespace, "-batch", "-"], input: addresses.joined())
        try await tools.run("nsenter", ["--net=\(unit.namespacePath)", "--", "nft", "-f", "-"], input: slots.definition)
    }
}

extension InstanceRecord {
    /// What is no release's stays as it runs.
    fileprivate mutating func keepHelpers(of old: InstanceRecord) {
        components = components.compactMap { component in
            if component.kind == .apiServer || ComponentKind.controllers.contains(component.kind) { return component }
            return old.components.first { $0.kind == component.kind }
        }
    }
}

extension InstanceSize {
    /// Two API servers fit in.
    var withStandby: InstanceSize {
        var size = self
        size.memoryMiB *= 2
        size.milliCPU *= 2
        return size
    }
}
