import Foundation
import Testing

@testable import Fleet

@Suite struct CheckLeftoversTests {
    @Test func onlyOldOnesAreRemoved() throws {
        let text = """
            {"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[
            {"metadata":{"name":"check-old","creationTimestamp":"2026-11-25T10:00:00Z","labels":{"slipway-check":""}},"data":{"step":"created"}},
            {"metadata":{"name":"check-young","creationTimestamp":"2026-11-25T10:09:30Z"}},
            {"metadata":{"name":"check-strange","creationTimestamp":"soon"}}]}
            """
        let list = try JSONDecoder().decode(CheckLeftovers.self, from: Data(text.utf8))
        let now = try Date("2026-11-25T10:10:00Z", strategy: .iso8601)
        #expect(list.names(before: now) == ["check-old"])
        #expect(list.names(before: now.addingTimeInterval(-3600)) == [])
    }
}
