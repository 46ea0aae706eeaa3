import FleetModel
import Substrate

extension LocalSubstrate {
    /// Ends the processes of every instance and load balancer of this region, API servers before etcd. All else stays, and
    /// `ensureInstance` and `ensureLoadBalancer` start what was stopped.
    /// - Throws: `SubstrateError` of the first cluster that could not be stopped, after trying all.
    public func stopEverything() async throws {
        try await throwing("stop the region's instances") {
            let clusters = try await clusters()
            let failures = await withTaskGroup(of: (any Error)?.self) { group in
                for cluster in clusters {
                    group.addTask {
                        do {
                            try await self.stop(cluster)
                            return nil
                        } catch { return error }
                    }
                }
                return await group.reduce(into: [any Error]()) { all, one in if let one { all.append(one) } }
            }
            if let first = failures.first { throw first }
        }
    }

    private func stop(_ cluster: ClusterName) async throws {
        try await processes.stop(names.balancer(cluster), timeout: configuration.stopTimeout)
        let instances = try await observe(cluster).instances
        for isEtcd in [false, true] {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for instance in instances where (instance.role == .etcd) == isEtcd {
                    group.addTask { [self] in try await processes.stop(names.unit(instance.id), timeout: configuration.stopTimeout) }
                }
                try await group.waitForAll()
            }
        }
    }
}
