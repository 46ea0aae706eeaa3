import FleetModel
import Substrate

extension LocalSubstrate: BackendChecking {
    public func backendChecks(of cluster: ClusterName) async -> [String: BackendCheck] {
        let checks = try? await Blocking.run { [names] in
            let unit = names.balancer(cluster)
            guard let record = Record.read(BalancerRecord.self, unit.record) else { return [String: BackendCheck]() }
            let rows = HAProxySocket.rows(try HAProxySocket(path: unit.socket).say(["show stat"]))
            var checks: [String: BackendCheck] = [:]
            for (slot, backend) in record.slots.enumerated() {
                let row = self.row(HAProxyConfiguration.server(slot), rows)
                if let backend, let row { checks[backend.name] = row.check }
            }
            return checks
        }
        return checks ?? [:]
    }
}

extension HAProxySocket.Row {
    /// HAProxy's management guide, "9.1. CSV format": a check that is under way has a `*` before the last one's result; a server
    /// that has failed some checks of those that take it down is `UP 1/2`.
    fileprivate var check: BackendCheck? {
        if checkStatus.hasPrefix("*") { return .checking }
        guard status == "UP" || status.hasPrefix("DRAIN") else { return status.hasPrefix("MAINT") ? nil : .failing }
        return checkStatus.hasSuffix("OK") ? .passing : checkStatus.hasSuffix("INI") || checkStatus.isEmpty ? nil : .failing
    }
}
