import FleetModel
import Foundation
import Glibc
import Substrate
import Timing

/// How what works for clients ends.
extension LocalSubstrate {
    /// Takes down what is about to be made anew.
    func stop(_ unit: Unit, _ role: InstanceRole, isServing: Bool) async throws {
        guard isServing else { return try await processes.stop(unit, timeout: configuration.stopTimeout) }
        try await retire(unit, role)
        // What is left has nothing left to do.
        try await processes.stop(unit, timeout: min(configuration.stopTimeout, .seconds(1)))
    }

    /// Ends it so that no client's request fails by it: what was begun is finished.
    func retire(_ unit: Unit, _ role: InstanceRole) async throws {
        switch role {
        case .etcd: try await retireMember(unit)
        case .apiServer, .loadBalancer: try await retireServer(unit)
        }
    }

    /// Told to end, etcd drops what it has begun, takes nothing more, and then waits 7 s for watches, which do not end. What it has
    /// acknowledged is on its disk.
    private static let memberPatience = Duration.milliseconds(1300)

    private func retireMember(_ unit: Unit) async throws {
        let supervisor = Supervisor(unit)
        supervisor.startNoMore(Unit.part(.etcd))
        await holdRequests(in: unit.cluster)
        // Directly: each process between would have to be run first, and requests are held meanwhile.
        if let process = supervisor.component(.etcd, now: time.now.timeIntervalSince1970).processID { kill(process, SIGTERM) }
        try await time.sleep(for: .milliseconds(150))
        await releaseRequests(in: unit.cluster)
        try await processes.stop(unit, timeout: min(configuration.stopTimeout, Self.memberPatience))
    }

    /// What is left of an API server after this are watches, which an old Kubernetes would wait a minute for.
    private static let serverPatience = Duration.seconds(5)

    /// What works for clients ends while what it needs for that, such as the authenticator, stays.
    private func retireServer(_ unit: Unit) async throws {
        guard let record = Record.read(InstanceRecord.self, unit.record) else { return }
        let helpers: Set<ComponentKind> = [.authenticator, .kmsPlugin]
        let kinds = record.components.map(\.kind).filter { !helpers.contains($0) }
        try await sendOff(kinds.map { Unit.part($0, record.slot(of: $0)) }, record.serverSlot, unit, record)
        try await awaitEnd(of: kinds, record.serverSlot, unit, record)
    }

    /// Tells these parts to end, and returns when the API server among them, if it runs, has parted from its clients.
    func sendOff(_ parts: [String], _ slot: ServerSlot, _ unit: Unit, _ record: InstanceRecord) async throws {
        let server = process(of: .apiServer, slot, unit)
        try await moments.part(from: unit.cluster) {
            for part in parts { Supervisor(unit).bringDown(part) }
            if let server { try await holdLastAnswers(of: server, slot, unit, record) }
        }
    }

    func process(of kind: ComponentKind, _ slot: ServerSlot, _ unit: Unit) -> Int32? {
        Supervisor(unit).component(kind, slot, now: time.now.timeIntervalSince1970).processID
    }

    /// Until these have ended, which were told to, or the API server in that slot has nothing left to do; or for as long as patience lasts.
    func awaitEnd(of kinds: [ComponentKind], _ slot: ServerSlot, _ unit: Unit, _ record: InstanceRecord) async throws {
        let supervisor = Supervisor(unit)
        let deadline = time.uptime + min(configuration.stopTimeout, Self.serverPatience)
        let watch = exitWatch(of: unit, record, slot)
        var idleLooks = 0
        while time.uptime < deadline {
            let now = time.now.timeIntervalSince1970
            if kinds.allSatisfy({ supervisor.component($0, $0 == .apiServer ? slot : .first, now: now).processID == nil }) { return }
            if let watch {
                idleLooks = await hasNothingLeft(unit, watch) ? idleLooks + 1 : 0
                if idleLooks == 2 { return }
            }
            try await time.sleep(for: .milliseconds(30))
        }
    }

    /// Where the connections are to be found of an API server that would wait for watches without ending them.
    private struct ExitWatch {
        var listener: IPv4Address
        var port: UInt16
        /// The instance's own address, whatever the server listens at.
        var own: IPv4Address
    }

    /// - Returns: nil where it ends by itself, soon.
    private func exitWatch(of unit: Unit, _ record: InstanceRecord, _ slot: ServerSlot) -> ExitWatch? {
        let server = record.components.first { $0.kind == .apiServer }
        guard let server, !server.arguments.contains(where: { $0.hasPrefix("--shutdown-watch-termination") }),
            let port = Record.read(BalancerRecord.self, names.balancer(unit.cluster).record)?.backendPort
        else { return nil }
        return ExitWatch(listener: slot.privateAddress ?? record.address, port: port, own: record.address)
    }

    /// It takes nobody any more, and nobody's request is open: what is left are watches, which an API server before Kubernetes 1.27 would
    /// wait for without ending them.
    private func hasNothingLeft(_ unit: Unit, _ watch: ExitWatch) async -> Bool {
        let mark = "none listens"
        let listeners = Shell.line(RequestHold.listeners(port: watch.port, at: watch.listener))
        let connections = Shell.line(RequestHold.connections(port: watch.port, at: watch.listener))
        let line = "[ -z \"$(\(listeners))\" ] && echo '\(mark)' && exec \(connections)"
        let said = await inside([unit]) { (["sh", "-c", line], "") }.first ?? ""
        guard said.hasPrefix(mark) else { return false }
        let memory = Int(Self.serverPatience.seconds * 1000)
        return RequestHold.openRequests(sockets: String(said.dropFirst(mark.count)), own: watch.own, memory: memory).isEmpty
    }
}
