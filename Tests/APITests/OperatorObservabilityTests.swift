import CoreMetrics
import Foundation
import Logging
import Observability
import Testing
import Timing

struct OperatorObservabilityTests {
    @Test func metricsArePrintedAsPrometheusReadsThem() {
        let registry = PrometheusRegistry(buckets: [0.1, 1])
        registry.makeCounter(label: "a.b-c", dimensions: [("kind", "x\"y\n")]).increment(by: 2)
        registry.makeMeter(label: "depth", dimensions: []).set(1.5)
        let timer = registry.makeTimer(label: "seconds", dimensions: [("b", "2"), ("a", "1")])
        timer.recordNanoseconds(50_000_000)
        registry.makeTimer(label: "seconds", dimensions: [("a", "1"), ("b", "2")]).recordNanoseconds(2_000_000_000)
        #expect(
            registry.text() == """
                # HELP a_b_c a b c
                # TYPE a_b_c counter
                a_b_c{kind="x\\"y\\n"} 2
                # HELP depth depth
                # TYPE depth gauge
                depth 1.5
                # HELP seconds seconds
                # TYPE seconds histogram
                seconds_bucket{a="1",b="2",le="0.1"} 1
                seconds_bucket{a="1",b="2",le="1"} 1
                seconds_bucket{a="1",b="2",le="+Inf"} 2
                seconds_sum{a="1",b="2"} 2.05
                seconds_count{a="1",b="2"} 2
                # HELP slipway_metrics_dropped_series_total Label sets that were refused because their metric had too many.
                # TYPE slipway_metrics_dropped_series_total counter
                slipway_metrics_dropped_series_total 0

                """)
    }

    @Test func aLabelWithoutEndDoesNotFillTheMemory() {
        let registry = PrometheusRegistry(seriesLimit: 3)
        for index in 0..<10 { registry.makeCounter(label: "calls", dimensions: [("id", "\(index)")]).increment(by: 1) }
        #expect(registry.text().split(separator: "\n").count { $0.hasPrefix("calls{") } == 3)
        #expect(registry.text().contains("slipway_metrics_dropped_series_total 7"))
    }

    @Test func countersDoNotFallAndCountFromManyTasks() async {
        let registry = PrometheusRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<1000 { registry.makeCounter(label: "n", dimensions: []).increment(by: 1) } }
            }
        }
        registry.makeCounter(label: "n", dimensions: []).increment(by: -5)
        #expect(registry.text().contains("\nn 8000\n"))
    }

    @Test func logLinesAreJSON() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "slipway-\(UUID().uuidString).log").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let output = try LogOutput(path: path)
        var logger = Logger(label: "test") { JSONLogHandler(label: $0, output: output, time: VirtualTime().source) }
        logger[metadataKey: "cluster"] = "demo"
        logger.info("said \"yes\"\n", metadata: ["list": ["a", "b"], "message": "taken"])
        logger.debug("not written")
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 1)
        let line = try #require(try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
        #expect(line["message"] as? String == "said \"yes\"\n" && line["cluster"] as? String == "demo")
        #expect(line["list"] as? [String] == ["a", "b"] && line["metadata.message"] as? String == "taken")
        #expect(line["time"] as? String == "2026-01-01T00:00:00.000Z")
    }
}
