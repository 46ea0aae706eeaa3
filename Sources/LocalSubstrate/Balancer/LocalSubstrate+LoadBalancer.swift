import FleetModel
import Glibc
import Substrate
import Timing

extension LocalSubstrate {
    public func ensureLoadBalancer(_ spec: LoadBalancerSpec) async throws {
        try await throwing("make the load balancer of \(spec.cluster)") {
            let unit = names.balancer(spec.cluster)
            let found = try await Blocking.run { [self] in (record: Record.read(BalancerRecord.self, unit.record), state: state(of: unit)) }
            let record = try BalancerRecord(spec, keeping: found.record)
            if let old = found.record, found.state == .running, record.listensLike(old) {
                try await awaitAnswer(unit)
                return try await Blocking.run { [self] in try adjust(unit, from: old, to: record) }
            }
            var fresh = record
            fresh.staleSlots = nil
            try await processes.stop(unit, timeout: configuration.stopTimeout)
            try await Blocking.run { [self, fresh] in try build(fresh, unit: unit) }
            if let old = found.record, old.address != spec.address || old.network != spec.network { try await removeNetwork(of: unit) }
            try await ensureNetwork(of: unit, address: spec.address)
            try await start(unit, size: configuration.loadBalancerSize)
            try await awaitAnswer(unit)
        }
    }

    public func removeLoadBalancer(of cluster: ClusterName) async throws {
        try await throwing("remove the load balancer of \(cluster)") { try await remove(names.balancer(cluster)) }
    }

    private func build(_ record: BalancerRecord, unit: Unit) throws {
        try FileTree.remove(unit.unfinished)
        try FileTree.makeDirectory(unit.unfinished)
        do {
            let command = [try Tools.require("haproxy"), "-db", "-f", "\(unit.files)/haproxy.cfg"]
            let service = ServiceTree.Service(kind: .loadBalancer, artifact: nil, command: command, environment: [:])
            try ServiceTree(unit: unit, restartDelay: configuration.restartDelay).write([service], to: unit.unfinished)
            try FileTree.makeDirectory("\(unit.logs)/\(ComponentKind.loadBalancer.rawValue)")
            try FileTree.makeDirectory(names.run)
            try FileTree.replace("\(unit.unfinished)/files/ca.crt", record.certificateAuthority)
            // The paths in the configuration are the final ones.
            for file in AccessLists(directory: "\(unit.unfinished)/files", record: record).files {
                try FileTree.replace(file.path, file.text)
            }
            try FileTree.replace("\(unit.unfinished)/files/haproxy.cfg", text(record, unit))
            try FileTree.replace("\(unit.unfinished)/spec.json", try Record.text(record))
            try publish(unit)
        } catch {
            try? FileTree.remove(unit.unfinished)
            throw error
        }
        try FileTree.remove(unit.discarded)
    }

    private func text(_ record: BalancerRecord, _ unit: Unit) -> String { configuration(record, unit).text }

    private func configuration(_ record: BalancerRecord, _ unit: Unit) -> HAProxyConfiguration {
        HAProxyConfiguration(
            record: record, socket: unit.socket, certificateAuthorityPath: "\(unit.files)/ca.crt",
            lists: AccessLists(directory: unit.files, record: record), hasUser: Self.hostHasUser("haproxy"))
    }

    private static func hostHasUser(_ name: String) -> Bool {
        (FileTree.text("/etc/passwd") ?? "").split(separator: "\n").contains { $0.hasPrefix("\(name):") }
    }

    /// The file first: an HAProxy that crashes meanwhile comes back with the new backends.
    private func adjust(_ unit: Unit, from old: BalancerRecord, to wanted: BalancerRecord) throws {
        var record = wanted
        if record != old { try FileTree.replace("\(unit.files)/haproxy.cfg", text(record, unit)) }
        let socket = HAProxySocket(path: unit.socket)
        if record.certificateAuthority != old.certificateAuthority {
            try FileTree.replace("\(unit.files)/ca.crt", record.certificateAuthority)
        }
        try BalancerTrust(configuration: configuration(record, unit), socket: socket).apply(to: &record, replacing: old)
        if record.doorPort != nil, record.access != old.access {
            let lists = AccessLists(directory: unit.files, record: record)
            for file in lists.files { try FileTree.replace(file.path, file.text) }
            try lists.apply(socket)
        }
        let commands = HAProxyConfiguration.commands(record, replacing: old)
        if !commands.isEmpty { _ = try socket.say(commands) }
        if record != old { try FileTree.replace(unit.record, try Record.text(record)) }
        let seen = backends(record, HAProxySocket.rows(try socket.say(["show stat"])))
        let told = record.slots.compactMap { $0 }
        guard seen.count == told.count, zip(seen, told).allSatisfy({ $0.address == $1.address && $0.admission == $1.admission })
        else {
            throw SubstrateError(.unavailable, "HAProxy of \(unit.cluster) did not take over its backends yet.")
        }
    }

    private func awaitAnswer(_ unit: Unit) async throws {
        let deadline = time.uptime + .seconds(10)
        while true {
            let answers = try await Blocking.run { (try? HAProxySocket(path: unit.socket).say(["show info"])) != nil }
            if answers { return }
            guard time.uptime < deadline else {
                let log = FileTree.text("\(unit.logs)/\(ComponentKind.loadBalancer.rawValue)/current") ?? ""
                throw SubstrateError(.failed, "HAProxy of \(unit.cluster) does not start: \(log.suffix(600))")
            }
            try await time.sleep(for: .milliseconds(5))
        }
    }

    func observeLoadBalancer(_ cluster: ClusterName, now: Double) -> LoadBalancerObservation? {
        let unit = names.balancer(cluster)
        let hasTraces =
            [unit.directory, unit.unfinished, unit.discarded, unit.namespacePath].contains { FileTree.exists($0) } || groups.exists(unit)
        guard hasTraces else { return nil }
        guard let record = Record.read(BalancerRecord.self, unit.record) else {
            return LoadBalancerObservation(address: IPv4Address(bits: 0), state: .incomplete, backends: [])
        }
        var state = state(of: unit)
        var rows: [HAProxySocket.Row] = []
        if state == .running {
            rows = HAProxySocket.rows((try? HAProxySocket(path: unit.socket).say(["show stat"])) ?? "")
            if !rows.contains(where: { $0.server == "FRONTEND" && $0.status == "OPEN" }) { state = .incomplete }
        }
        return LoadBalancerObservation(
            address: record.address, state: state, backends: backends(record, rows), access: record.access,
            trustRevision: record.trustRevision ?? 0)
    }

    /// What HAProxy says of each backend; of one that it does not speak of, what it was told.
    private func backends(_ record: BalancerRecord, _ rows: [HAProxySocket.Row]) -> [LoadBalancerObservation.Backend] {
        record.slots.enumerated().compactMap { slot, backend in
            guard let backend else { return nil }
            guard let row = row(HAProxyConfiguration.server(slot), rows) else {
                return .init(name: backend.name, address: backend.address, admission: backend.admission, isHealthy: false, openSessions: 0)
            }
            let address = row.address.split(separator: ":").first.flatMap { try? IPv4Address(String($0)) } ?? backend.address
            let admission: LoadBalancerSpec.Admission =
                row.status.hasPrefix("MAINT") ? .closed : row.status.hasPrefix("DRAIN") ? .drain : row.weight == 0 ? .drain : .ready
            let sessions = row.sessions + (self.row(HAProxyConfiguration.lastResort(slot), rows)?.sessions ?? 0)
            // Before its first check HAProxy takes a server for good.
            let wasChecked = !row.checkStatus.isEmpty && !row.checkStatus.hasSuffix("INI")
            let isHealthy = wasChecked && (row.status.hasPrefix("UP") || row.status.hasPrefix("DRAIN"))
            return .init(name: backend.name, address: address, admission: admission, isHealthy: isHealthy, openSessions: sessions)
        }
    }

    /// What HAProxy says of one server of the endpoint's backend.
    func row(_ server: String, _ rows: [HAProxySocket.Row]) -> HAProxySocket.Row? {
        rows.first { $0.proxy == HAProxyConfiguration.backend && $0.server == server }
    }
}
