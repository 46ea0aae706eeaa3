import FleetModel
import Foundation
import Substrate
import Timing

/// The controller manager and the scheduler beside an API server: exchanged after a standby has taken over, and ended before the API server
/// of an instance that goes.
extension LocalSubstrate {
    public func stopControllers(of id: InstanceID) async throws {
        try await throwing("end the controllers on \(id)") {
            let (unit, found) = try running(id)
            var record = found
            record.hasStoppedControllers = true
            try write(record, of: unit)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for part in record.controllers.map({ Unit.part($0.kind) }) {
                    group.addTask { [self] in try await end(part, of: unit, patience: Self.controllerPatience) }
                }
                try await group.waitForAll()
            }
        }
    }

    public func startControllers(of id: InstanceID) async throws {
        try await throwing("start the controllers on \(id)") {
            let (unit, found) = try running(id)
            var record = found
            guard record.hasStoppedControllers == true else { return }
            for part in record.controllers.map({ Unit.part($0.kind) }) {
                try await Blocking.run { [self] in try clearNotes(of: part, unit) }
                Supervisor(unit).bringUp(part)
            }
            record.hasStoppedControllers = nil
            try write(record, of: unit)
        }
    }

    public func exchangeControllers(of id: InstanceID) async throws -> [ComponentKind] {
        try await throwing("exchange the controllers on \(id)") {
            let (unit, record) = try running(id)
            return record.leavingSlot == nil ? [] : try await exchangeControllers(in: record, of: unit)
        }
    }

    /// - Returns: those that were exchanged.
    @discardableResult
    func exchangeControllers(in record: InstanceRecord, of unit: Unit) async throws -> [ComponentKind] {
        let due = await dueControllers(of: record, unit)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (component, program) in due {
                group.addTask { [self] in try await exchange(component, program, of: unit) }
            }
            try await group.waitForAll()
        }
        return due.map(\.0.kind)
    }

    /// Told to end, they have nothing to finish.
    private static let controllerPatience = Duration.seconds(2)

    private func exchange(_ component: ComponentSpec, _ program: ServiceTree.Program, of unit: Unit) async throws {
        let part = Unit.part(component.kind)
        try await end(part, of: unit, patience: Self.controllerPatience)
        try await Blocking.run { [self] in
            try tree(unit).write(service(component, program, unit), to: unit.directory)
            try clearNotes(of: part, unit)
        }
        Supervisor(unit).bringUp(part)
    }

    /// Those that are another program than they are to be. A program that is no good any more, since it was checked, leaves the one of
    /// before at work, and is said.
    private func dueControllers(of record: InstanceRecord, _ unit: Unit) async -> [(ComponentSpec, ServiceTree.Program)] {
        var found: [(ComponentSpec, ServiceTree.Program)] = []
        for component in record.controllers {
            let part = Unit.part(component.kind)
            guard let program = try? await verified([component]).first else {
                try? FileTree.write("\(unit.state)/\(part).refused", "")
                continue
            }
            let isThere = FileTree.target(of: "\(unit.directory)/bin/\(part)") == program.path
            if !isThere || FileTree.exists(down(part, unit)) { found.append((component, program)) } else { Supervisor(unit).bringUp(part) }
        }
        return found
    }

    private func running(_ id: InstanceID) throws -> (Unit, InstanceRecord) {
        try HostNames.check(name: id.name)
        let unit = names.unit(id)
        guard Supervisor(unit).isAlive, let record = Record.read(InstanceRecord.self, unit.record) else {
            throw SubstrateError(.unavailable, "\(id) does not run.")
        }
        return (unit, record)
    }

    private func write(_ record: InstanceRecord, of unit: Unit) throws { try FileTree.replace(unit.record, try Record.text(record)) }
}

extension InstanceRecord {
    fileprivate var controllers: [ComponentSpec] { components.filter { ComponentKind.controllers.contains($0.kind) } }
}
