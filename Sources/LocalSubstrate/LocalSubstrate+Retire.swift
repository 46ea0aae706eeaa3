import FleetModel
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

    /// Told to end, etcd sends its clients elsewhere at once and then waits 7 s for watches, which do not end. What it has
    /// acknowledged is on its disk.
    private static let memberPatience = Duration.milliseconds(1500)

    private func retireMember(_ unit: Unit) async throws {
        await holdRequests(in: unit.cluster)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in try await processes.stop(unit, timeout: min(configuration.stopTimeout, Self.memberPatience)) }
            group.addTask { [self] in
                // It closes its connections first of all.
                try await time.sleep(for: .milliseconds(150))
                await releaseRequests(in: unit.cluster)
            }
            try await group.waitForAll()
        }
    }

    /// What is left of an API server after this are watches, which an old Kubernetes would wait a minute for.
    private static let serverPatience = Duration.seconds(5)

    /// What works for clients ends while what it needs for that, such as the authenticator, stays.
    private func retireServer(_ unit: Unit) async throws {
        guard let record = Record.read(InstanceRecord.self, unit.record) else { return }
        let helpers: Set<ComponentKind> = [.authenticator, .kmsPlugin]
        let kinds = record.components.map(\.kind).filter { !helpers.contains($0) }
        let supervisor = Supervisor(unit)
        for kind in kinds { supervisor.bringDown(kind) }
        let deadline = time.uptime + min(configuration.stopTimeout, Self.serverPatience)
        while time.uptime < deadline {
            let now = time.now.timeIntervalSince1970
            if kinds.allSatisfy({ supervisor.component($0, now: now).processID == nil }) { return }
            try await time.sleep(for: .milliseconds(20))
        }
    }
}
