import Substrate

extension Action {
    /// The instance whose processes this starts or ends: what it does meanwhile is no sign of a failure.
    public var disturbs: InstanceID? {
        switch self {
        case .startInstance(let intent), .replaceInstance(let intent), .promoteStandby(let intent): intent.id
        case .removeInstance(let id), .retireInstance(let id), .finishHandover(let id), .stopControllers(let id), .startControllers(let id):
            id
        default: nil
        }
    }
}
