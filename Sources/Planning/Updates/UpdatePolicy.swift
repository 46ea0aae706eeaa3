/// What an update waits for, and when it goes back. Times in seconds.
public struct UpdatePolicy: Codable, Hashable, Sendable {
    /// A new API server gets traffic when its check has passed over this time, and nothing of it has ended meanwhile.
    public var trial: Double = 4
    /// The check is repeated after this time.
    public var checkInterval: Double = 2
    /// Old API servers stay, drained, until the new ones have had all the traffic for this time.
    public var bake: Double = 8
    /// The same when the new ones are of another release, whose programs may yet end; and for this time all that is new has been ready
    /// without a break before such an update has ended. Not of a patch, which is urgent.
    public var releaseBake: Double = 20
    /// The same when a new API server, or a new etcd member, has ended by itself once: what ends once may do so again.
    public var bakeAfterEnd: Double = 60
    /// A new etcd member answers for this time before the next one is replaced.
    public var memberTrial: Double = 2
    /// A new instance that is not ready for this time is a bad one.
    public var startLimit: Double = 90
    /// The same where API servers ask a KMS plugin for each secret's own key as they start (version 1 of its interface): with 100,000
    /// secrets that takes a minute or two.
    public var sealedStartLimit: Double = 300
    /// A new controller manager or scheduler leads this long after the last old one has gone; a lease that nobody gave back lasts 15 s.
    public var leadLimit: Double = 60
    /// A release that an update has brought is watched for this time when the update has ended: it goes back when API servers end by
    /// themselves as often as `endLimit`, all together, or by signals as often each.
    public var proving: Double = 900
    /// What runs beside an API server answers some seconds after its start.
    public var helperStart: Double = 2
    /// The check of a new API server, which has passed on an old one, may fail for this time.
    public var checkPatience: Double = 8
    /// Of so many checks, this many may not fail, in a row or not: what is slow only now and then is no good either.
    public static let checkWindow = 10
    public static let checkFailureLimit = 4
    /// An API server or etcd of a new instance that has ended by itself this often is a bad one.
    public var endLimit = 2
    /// The same of what runs beside an API server: the controller manager and the scheduler also end when they lose their lease.
    public var helperEndLimit = 5
    /// An instance that could not even be made this often is a bad one.
    public var failedStartLimit = 3
    /// An update that takes longer, while every zone is in service, goes back.
    public var limit: Double = 600

    public init() {}
}
