import FleetModel
import Foundation
import Substrate
import Synchronization
import Timing

extension LocalSubstrate {
    public func ensureInstance(_ spec: InstanceSpec) async throws {
        try await throwing("make the instance \(spec.id)") {
            try HostNames.check(name: spec.id.name)
            guard spec.id.name != Unit.balancerName else {
                throw SubstrateError(.failed, "'\(Unit.balancerName)' is the name of the cluster's load balancer.")
            }
            try await requirePower(spec)
            let unit = names.unit(spec.id)
            let record = InstanceRecord(spec)
            if try await finishHandover(of: unit) { return }
            let found = try await Blocking.run { [self] in (record: Record.read(InstanceRecord.self, unit.record), state: state(of: unit)) }
            let isSame = found.record?.satisfies(spec) ?? false
            if isSame, found.state == .running {
                if hasRefused(unit, spec.components) { _ = try await verified(spec.components) }
                return
            }
            try await Blocking.run { [self] in try checkHolds(spec) }
            // Before anything is taken down: what cannot be started must not replace what runs.
            let programs = try await verified(spec.components)
            if isSame, Supervisor(unit).isAlive, NetworkNamespace.isMounted(unit.namespacePath) {
                try await ensureNetwork(of: unit, address: spec.address)
                try await arrangeEgress(of: unit, spec, before: found.record)
                return try await takeHold(of: spec, unit)
            }
            try await stop(unit, spec.role, isServing: found.state == .running)
            // Before that is forgotten by which it is known that there are any.
            let hasSlots = found.record?.slot != nil || FileTree.exists(unit.standbyRecord)
            if hasSlots, NetworkNamespace.isMounted(unit.namespacePath) { try await removeSlots(of: unit) }
            try await Blocking.run { [self] in try build(spec, record: record, programs: programs, unit: unit) }
            if let old = found.record, old.address != spec.address || old.network != spec.network { try await removeNetwork(of: unit) }
            try await ensureNetwork(of: unit, address: spec.address)
            try await arrangeEgress(of: unit, spec, before: found.record)
            try await takeHold(of: spec, unit)
            try await start(unit, size: spec.size)
            try await takeHold(of: spec, unit)
        }
    }

    public func removeInstance(_ id: InstanceID, gracefully: Bool) async throws {
        try await throwing("remove the instance \(id)") {
            try HostNames.check(name: id.name)
            let unit = names.unit(id)
            let old = Record.read(InstanceRecord.self, unit.record)
            if gracefully, let old { try await retire(unit, old.role) }
            try await remove(unit)
            if old?.hasEgress == true { try await defineEgress() }
        }
    }

    /// Each component's program, in order.
    func verified(_ components: [ComponentSpec]) async throws -> [ServiceTree.Program] {
        let now = time.now.timeIntervalSince1970
        return try await Blocking.verify { [artifacts] in
            try components.map { component in
                do {
                    let path = try artifacts.verifiedPath(of: component.artifact)
                    let fingerprint = FileTree.fingerprint(path, now: now)
                    // Once more: what the fingerprint was taken of is what was found good, and not a file that came between.
                    return ServiceTree.Program(
                        path: try artifacts.verifiedPath(of: component.artifact), sha256: component.artifact.sha256,
                        fingerprint: fingerprint)
                } catch let error as SubstrateError {
                    throw error
                } catch {
                    throw SubstrateError(.invalidArtifact, "\(component.kind.rawValue) is not started: \(error)")
                }
            }
        }
    }

    private func hasRefused(_ unit: Unit, _ components: [ComponentSpec]) -> Bool {
        components.contains { FileTree.exists("\(unit.state)/\($0.kind.rawValue).refused") }
    }

    /// - Throws: `SubstrateError` (`conflict`) when another instance has the address or volume, or the volume is unusable.
    private func checkHolds(_ spec: InstanceSpec) throws {
        guard spec.network.block.contains(spec.address), spec.address != spec.network.gateway, spec.address != spec.network.loadBalancer
        else { throw SubstrateError(.conflict, "The address \(spec.address) is not an instance's of \(spec.network.block).") }
        for name in FileTree.names(in: names.instances(spec.id.cluster)) where !name.hasPrefix(".") && name != spec.id.name {
            let other = names.unit(InstanceID(cluster: spec.id.cluster, name: name))
            guard let record = Record.read(InstanceRecord.self, other.record) else { continue }
            if record.address == spec.address {
                throw SubstrateError(.conflict, "The address \(spec.address) is held by the instance \(name).")
            }
            if let volume = spec.volume, record.volume == volume {
                throw SubstrateError(.conflict, "The volume \(volume) is held by the instance \(name).")
            }
        }
        if let volume = spec.volume, Self.usable(names.volume(volume)) == nil {
            throw SubstrateError(.failed, "The volume \(volume) is missing or damaged.")
        }
    }

    /// Makes the instance's directory beside its place and moves it there whole: one that can be seen is complete.
    private func build(_ spec: InstanceSpec, record: InstanceRecord, programs: [ServiceTree.Program], unit: Unit) throws {
        try FileTree.remove(unit.unfinished)
        try FileTree.makeDirectory(unit.unfinished)
        do {
            try FileTree.makeDirectory("\(unit.unfinished)/files")
            for file in spec.files { try Self.write(file, below: "\(unit.unfinished)/files") }
            let services = zip(spec.components, programs).map { service($0, $1, unit) }
            try tree(unit, spec.volume).write(services, to: unit.unfinished)
            for service in services { try makeLogDirectories(service, unit) }
            try FileTree.replace("\(unit.unfinished)/spec.json", try Record.text(record))
        } catch {
            try? FileTree.remove(unit.unfinished)
            throw error
        }
        try claims.withLock { _ in
            try checkHolds(spec)
            try publish(unit)
        }
        try FileTree.remove(unit.discarded)
    }

    func tree(_ unit: Unit, _ volume: VolumeID? = nil) -> ServiceTree {
        ServiceTree(unit: unit, restartDelay: configuration.restartDelay, volume: volume.map(names.volume))
    }

    func service(_ component: ComponentSpec, _ program: ServiceTree.Program, _ unit: Unit, _ slot: ServerSlot = .first)
        -> ServiceTree.Service
    {
        var arguments = component.arguments
        if let address = slot.privateAddress, let flag = component.listening?.addressFlag {
            arguments = arguments.map { $0.hasPrefix("\(flag)=") ? "\(flag)=\(address)" : $0 }
        }
        // Two cannot write one file, and turn it over when it is full.
        let delivered = "=\(names.deliveredLogs(unit.cluster))/"
        arguments = arguments.map { argument in
            guard argument.contains(delivered), let own = argument.range(of: "/\(unit.name)/", options: .backwards) else { return argument }
            return argument.replacingCharacters(in: own, with: "/\(unit.name)\(slot.suffix)/")
        }
        return ServiceTree.Service(
            kind: component.kind, artifact: program, command: ["\(unit.directory)/bin/\(Unit.part(component.kind, slot))"] + arguments,
            environment: component.environment, deliveredLog: component.deliveredLog, slot: slot)
    }

    func makeLogDirectories(_ service: ServiceTree.Service, _ unit: Unit) throws {
        try FileTree.makeDirectory("\(unit.logs)/\(service.part)")
        if let path = service.deliveredLog { try FileTree.makeDirectory(path + service.slot.suffix) }
    }

    func observeInstances(_ cluster: ClusterName, now: Double) -> [InstanceObservation] {
        var found: Set<String> = []
        for entry in FileTree.names(in: names.instances(cluster)) {
            let isPart = entry.hasPrefix(".new-") || entry.hasPrefix(".old-")
            found.insert(isPart ? String(entry.dropFirst(5)) : entry)
        }
        for name in NetworkNamespace.names() {
            if let parts = names.parts(namespace: name), parts.cluster == cluster { found.insert(parts.unit) }
        }
        for unit in groups.units(of: cluster) { found.insert(unit) }
        found.remove(Unit.balancerName)
        return found.sorted().map { observeInstance(InstanceID(cluster: cluster, name: $0), now: now) }
    }

    private func observeInstance(_ id: InstanceID, now: Double) -> InstanceObservation {
        let unit = names.unit(id)
        let supervisor = Supervisor(unit)
        let record = [unit.directory, unit.unfinished, unit.discarded].lazy
            .compactMap { Record.read(InstanceRecord.self, "\($0)/spec.json") }.first
        guard let record else {
            // Only traces; enough to name it and to remove it.
            return InstanceObservation(
                id: id, role: id.name.hasPrefix("etcd") ? .etcd : .apiServer, zone: ZoneName(rawValue: ""), address: IPv4Address(bits: 0),
                volume: nil, sizeName: "", release: ReleaseID(rawValue: ""), configurationRevision: 0, state: .incomplete, components: [])
        }
        var seen = InstanceObservation(
            id: id, role: record.role, zone: record.zone, address: record.address, volume: record.volume, sizeName: record.size.name,
            release: record.release, configurationRevision: record.configurationRevision, state: state(of: unit),
            components: record.components.map {
                supervisor.component($0.kind, record.slot(of: $0.kind), now: now)
            },
            isJoining: record.isJoining ?? false, certificatesExpireAt: record.certificatesExpireAt)
        seen.isHandingOver = record.leavingSlot != nil
        seen.hasStoppedControllers = record.hasStoppedControllers == true
        seen.serverPort = record.serverSlot.standbyPort
        if let standby = Record.read(InstanceRecord.self, unit.standbyRecord), let port = standby.serverSlot.standbyPort {
            seen.standby = StandbyServer(
                release: standby.release, component: supervisor.component(.apiServer, standby.serverSlot, now: now), port: port)
        }
        return seen
    }
}
