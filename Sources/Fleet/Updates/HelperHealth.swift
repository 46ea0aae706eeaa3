import FleetModel
import Kubernetes
import NIOHTTP1
import Substrate

extension LiveControlPlaneOperations {
    /// What the controller manager or the scheduler beside an API server says is wrong with it; also while it waits for its turn to lead.
    func helperFailure(at address: IPv4Address, of cluster: Cluster) async throws -> CheckOutcome.Failure? {
        let helpers = [
            (ComponentKind.controllerManager, KubernetesEndpoints.controllerManagerPort),
            (.scheduler, KubernetesEndpoints.schedulerPort),
        ]
        for (helper, port) in helpers {
            func failure(_ detail: String) -> CheckOutcome.Failure {
                CheckOutcome.Failure("\(helper.rawValue): \(KubernetesEndpoints.healthPath)", detail, part: .helpers)
            }
            do {
                let url = KubernetesEndpoints.apiServer(at: address, port: port)
                let answer = try await api(of: cluster, at: url).send(.GET, KubernetesEndpoints.healthPath)
                if answer.status != .ok { return failure("\(answer.status.code) \(answer.body.prefix(200))") }
            } catch let error as CancellationError {
                throw error
            } catch {
                try Task.checkCancellation()
                return failure("\(error)")
            }
        }
        return nil
    }
}
