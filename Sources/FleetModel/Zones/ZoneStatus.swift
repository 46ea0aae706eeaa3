import Foundation

/// How a zone was found to be: by each cell, which looks at its own clusters.
public struct ZoneStatus: Codable, Hashable, Sendable {
    public var reports: [ZoneReport]

    public init(reports: [ZoneReport] = []) { self.reports = reports }

    /// Impaired when one cell finds it so; healthy when one does and none finds it impaired.
    public var health: ZoneHealth {
        let failures = reports.reduce(into: Set<ZoneFailure>()) { $0.formUnion($1.health.failures) }
        if !failures.isEmpty { return .impaired(failures) }
        return reports.contains { $0.health == .healthy } ? .healthy : .unknown
    }

    /// Of those reports that make the health what it is.
    public var evidence: [String] { deciding.flatMap(\.evidence) }

    /// Since when the health is what it is; nil when nobody has looked.
    public var since: Date? { deciding.map(\.since).max() }

    private var deciding: [ZoneReport] {
        let health = health
        return reports.filter { health.isImpaired ? $0.health.isImpaired : $0.health == health }
    }

    public func report(of cell: CellName) -> ZoneReport? { reports.first { $0.cell == cell } }

    /// With one cell's report put in the place of its last one.
    public func with(_ report: ZoneReport) -> ZoneStatus {
        ZoneStatus(reports: (reports.filter { $0.cell != report.cell } + [report]).sorted { $0.cell < $1.cell })
    }
}

/// What one cell's probes say of a zone.
public struct ZoneReport: Codable, Hashable, Sendable {
    public var cell: CellName
    public var health: ZoneHealth
    /// What it was seen by, for people, one sentence each.
    public var evidence: [String]
    public var since: Date

    public init(cell: CellName, health: ZoneHealth, evidence: [String], since: Date) {
        self.cell = cell
        self.health = health
        self.evidence = evidence
        self.since = since
    }
}
