import Foundation
import Substrate

extension HostCheck {
    /// What was broken on purpose and stands still, and rules of faults that stand no more.
    func faults() async -> [HostFinding] {
        let entries = (try? await Blocking.run { [substrate] in substrate.faultRecords.entries() }) ?? []
        var findings = entries.map { entry in
            HostFinding(
                .warning, "fault \(entry.fault.id)",
                "\(entry.fault.kind) of \(entry.fault.scope) \(entry.isEnding ? "is being cleared" : "stands") since \(entry.fault.since.ISO8601Format()).",
                remedy: "slipway fault clear \(entry.fault.id)")
        }
        let table = "table bridge \(substrate.configuration.hostPrefix)"
        let tables = Tools.path("nft") == nil ? nil : try? await substrate.tools.run("nft", ["list", "tables", "bridge"])
        if entries.isEmpty, let tables, tables.split(separator: "\n").contains(where: { $0 == table }) {
            findings.append(
                HostFinding(
                    .leftover, "faults", "The nftables '\(table)' drops packets and no fault stands.", remedy: "nft delete \(table)"))
        }
        return findings
    }
}
