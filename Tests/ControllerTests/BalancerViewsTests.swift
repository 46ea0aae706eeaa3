import FleetModel
import Planning
import Substrate
import Testing

@testable import Fleet

/// What a load balancer says counts only as far as it is news.
@Suite struct BalancerViewsTests {
    private let server: ProbeSubject
    private var views = BalancerViews()

    init() throws {
        server = ProbeSubject(cluster: try ClusterName("demo"), instance: "api-1", role: .apiServer, zone: ZoneName(rawValue: "z-a"))
    }

    /// - Parameter silence: in milliseconds, as `now`.
    private mutating func view(silence: Int, at now: Int) -> BackendCheck? {
        let sample = ProbeSample(silence: .milliseconds(silence))
        return views.views(of: [server], [server: sample], now: .milliseconds(now))[server]
    }

    private mutating func say(_ check: BackendCheck, at now: Int) { views.note(["api-1": check], of: [server], at: .milliseconds(now)) }

    @Test mutating func aCheckFromBeforeTheSilenceSaysNothing() {
        say(.passing, at: 10_300)
        #expect(view(silence: 500, at: 10_500) == .checking)
    }

    /// Slipway alone is cut off: the balancer is asked just while its next check is under way.
    @Test mutating func aCheckThatPassedAMomentAgoCountsWhileTheNextIsUnderWay() {
        say(.passing, at: 10_700)
        #expect(view(silence: 800, at: 10_800) == .passing)
        say(.checking, at: 10_900)
        #expect(view(silence: 950, at: 10_950) == .passing)
        say(.checking, at: 12_300)
        #expect(view(silence: 2_400, at: 12_400) == .checking)
    }

    @Test mutating func aFailureCountsAtOnce() {
        say(.passing, at: 10_700)
        say(.failing, at: 10_900)
        #expect(view(silence: 950, at: 10_950) == .failing)
    }

    @Test mutating func whatWasSaidLongAgoIsForgotten() {
        say(.passing, at: 10_700)
        #expect(view(silence: 5_000, at: 13_000) == nil)
    }
}
