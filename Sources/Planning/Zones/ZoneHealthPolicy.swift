/// When an instance or a zone counts as failed. All times and shares are of a look every 250 ms.
public struct ZoneHealthPolicy: Hashable, Sendable {
    /// A question that did not even arrive: two looks later. TCP has sent it again by then (200 ms after the first).
    public var lostAfter = Duration.milliseconds(480)
    /// A question that arrived: a busy process may need a moment, a stopped one never answers.
    public var frozenAfter = Duration.milliseconds(980)
    /// A whole zone: time for the balancers' own checks (every 500 ms) to have something to say.
    public var zoneAfter = Duration.milliseconds(730)
    /// A zone whose processes are all dead, and say so by resets: no haste, since nobody waits for them; supervision may bring them
    /// back.
    public var downAfter = Duration.seconds(3)
    /// Answers must take this many times as long as elsewhere: under full load everything is slow, and no zone is to blame.
    public var lostFactor = 3.0
    public var frozenFactor = 4.0
    /// Views that say the opposite are believed for this long.
    public var contradictionLasts = Duration.seconds(5)

    /// A subject counts when it has answered for this long; one that was found ready, also when it has been silent for this long.
    public var maturity = Duration.seconds(3)
    /// A process that has just been started may let wait who asks until it has answered for `startLasts` without a break, each time for
    /// less than `startLimit`: an API server reads everything first.
    public var startLasts = Duration.seconds(10)
    public var startLimit = Duration.seconds(15)
    /// A dead instance is back when it has answered for this long; twice as long each time it fell back.
    public var recovery = Duration.seconds(10)
    public var longestRecovery = Duration.seconds(80)
    /// One whose like is in trouble elsewhere is back when it has answered for this long, however often it fell back: without it the
    /// other could not be done without.
    public var neededRecovery = Duration.seconds(5)
    /// A relapse counts when it comes this soon.
    public var relapseWithin = Duration.seconds(100)

    /// Grey failures are judged over this time.
    public var window = Duration.seconds(8)
    /// An answer is late beyond this, and beyond `lateFactor` times what nineteen of twenty answers take in the worst of the other zones.
    public var late = Duration.milliseconds(120)
    public var lateFactor = 3.0
    /// Shares of late answers: of the zone as a whole (twice that when the others are slow, too), and of each role in it.
    public var lateShare = 0.15
    public var lateRoleShare = 0.06
    /// Fewer answers in the window say nothing.
    public var leastAnswers = 24
    /// It must be so for this long.
    public var greyLasts = Duration.milliseconds(1500)
    /// Of the late answers: with so many segments sent again it is loss, else slowness.
    public var lossShare = 0.3
    /// Segments that had to be sent again to one instance within this time, and none to other zones: it is cut off before answers come late
    /// often enough to tell by them.
    public var lossCount = 3
    public var lossWithin = Duration.milliseconds(2500)
    /// A zone is healthy again when it has been so for this long.
    public var zoneRecovery = Duration.seconds(5)

    /// A failed zone in which there is nobody to judge it by is no longer held to be failed after this time.
    public var spentAfter = Duration.seconds(30)

    /// Looks that come later than this by less are as good as any.
    public var toleratedLateness = Duration.milliseconds(100)
    /// This process was stopped for longer: nothing seen before says anything of now.
    public var gap = Duration.seconds(2)
    /// In a zone with several clusters, so many of them must be dead; in the others at most the rest.
    public var deadShare = 0.8

    public init() {}
}
