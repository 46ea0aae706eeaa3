import CoreMetrics
import Synchronization

/// Keeps every metric of the process and prints them in Prometheus' text format (version 0.0.4).
///
/// A family takes at most `seriesLimit` label sets: what comes after is counted in `slipway_metrics_dropped_series_total` and
/// otherwise ignored, so that a label that grows without end cannot fill the memory. Series live as long as the process.
public final class PrometheusRegistry: MetricsFactory {
    struct SeriesKey: Hashable {
        var labels: [Label]
    }

    struct Label: Hashable, Comparable {
        var name: String
        var value: String
        static func < (a: Self, b: Self) -> Bool { (a.name, a.value) < (b.name, b.value) }
    }

    private struct Family {
        var kind: MetricSeries.Kind
        var series: [SeriesKey: MetricSeries] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var dropped: UInt64 = 0
    }

    private let state = Mutex(State())
    private let seriesLimit: Int
    private let buckets: [Double]

    /// Upper bounds in seconds of the timers' histograms.
    public static let standardBuckets: [Double] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

    public init(seriesLimit: Int = 500, buckets: [Double] = standardBuckets) {
        self.seriesLimit = seriesLimit
        self.buckets = buckets.sorted()
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter)
    }

    public func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        series(label, dimensions, .counter)
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge)
    }

    /// A recorder that aggregates is a histogram, one that does not is a gauge.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        series(label, dimensions, aggregate ? .histogram : .gauge)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .histogram)
    }

    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func series(_ label: String, _ dimensions: [(String, String)], _ kind: MetricSeries.Kind) -> MetricSeries {
        let name = Self.metricName(label)
        let key = SeriesKey(labels: dimensions.map { Label(name: Self.labelName($0.0), value: $0.1) }.sorted())
        return state.withLock { state in
            var family = state.families[name] ?? Family(kind: kind)
            if let known = family.series[key], family.kind == kind { return known }
            let series = MetricSeries(kind: kind, buckets: buckets)
            // A second kind under one name would make the page unreadable for Prometheus.
            guard family.kind == kind, family.series.count < seriesLimit else {
                state.dropped += 1
                return series
            }
            family.series[key] = series
            state.families[name] = family
            return series
        }
    }

    /// The whole page; families and series in the order of their names.
    public func text() -> String {
        let (families, dropped) = state.withLock { state in
            (state.families.map { ($0.key, $0.value.kind, $0.value.series) }.sorted { $0.0 < $1.0 }, state.dropped)
        }
        var page = ""
        for (name, kind, series) in families {
            page += Self.header(name, kind, RegionMetrics.help[name] ?? name.replacing("_", with: " "))
            for (key, one) in series.sorted(by: { $0.key.labels.lexicographicallyPrecedes($1.key.labels) }) {
                one.write(name: name, labels: key.labels, to: &page)
            }
        }
        let droppedName = "slipway_metrics_dropped_series_total"
        page += Self.header(droppedName, .counter, "Label sets that were refused because their metric had too many.")
        page += "\(droppedName) \(dropped)\n"
        return page
    }

    /// What the text format puts before a metric's series.
    static func header(_ name: String, _ kind: MetricSeries.Kind, _ help: String) -> String {
        "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// Prometheus allows `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    static func metricName(_ text: String) -> String {
        String(sanitize(text, alsoAllowed: ":"))
    }

    static func labelName(_ text: String) -> String {
        String(sanitize(text, alsoAllowed: "_"))
    }

    private static func sanitize(_ text: String, alsoAllowed: Character) -> [Character] {
        var name = text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == alsoAllowed) ? $0 : "_" }
        if name.first.map(\.isNumber) ?? true { name.insert("_", at: 0) }
        return name
    }
}
