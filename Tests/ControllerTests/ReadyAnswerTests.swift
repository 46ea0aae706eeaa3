import Substrate
import Testing

@testable import Fleet

/// What an API server's `/readyz` is taken to say.
@Suite struct ReadyAnswerTests {
    @Test(arguments: [
        (200, "ok", true, true),
        (500, "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed", false, true),
        // It serves all but what needs a new data key.
        (500, "[+]etcd ok\n[-]kms-provider-0 failed: reason withheld\nreadyz check failed", true, false),
        (500, "[-]kms-provider-0 failed: reason withheld\n[-]kms-provider-1 failed: reason withheld\n", true, false),
        (500, "[-]etcd failed: reason withheld\n[-]kms-provider-0 failed: reason withheld\n", false, true),
        (500, "", false, true),
        (401, "Unauthorized", false, true),
        (503, "no healthy upstream", false, true),
    ])
    func isRead(_ status: UInt, _ body: String, isReady: Bool, isSealing: Bool) {
        let health = APIServerHealth(readyStatus: status, body: body)
        #expect(health.isReady == isReady)
        #expect(health.isSealing == isSealing)
        #expect((health.problem == nil) == isReady)
    }

    @Test func whatFailsIsSaid() {
        func problem(_ status: UInt, _ body: String) -> String? { APIServerHealth(readyStatus: status, body: body).problem }
        #expect(
            problem(500, "[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/rbac/bootstrap-roles failed: not finished\n")
                == "etcd, poststarthook/rbac/bootstrap-roles")
        #expect(problem(401, "Unauthorized") == "status 401")
    }
}
