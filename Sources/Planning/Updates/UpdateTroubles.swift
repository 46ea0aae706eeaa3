import FleetModel
import Substrate

extension Cluster {
    /// Names of the cluster's instances that are not well, as last seen; also of etcd members that are missing. An update that begins
    /// now is not to blame for them.
    public var troubledInstances: Set<String> {
        let ready = Set(status.instances.filter { $0.state == InstanceSummary.readyState }.map(\.name))
        let members = EtcdMember.all(of: ControlPlaneIntent(self)).map(\.id.name)
        let servers = status.instances.filter { $0.role == .apiServer }.map(\.name)
        return Set(members + servers).subtracting(ready)
    }
}
