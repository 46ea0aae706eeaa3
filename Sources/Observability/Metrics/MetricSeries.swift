import CoreMetrics
import Synchronization

/// One label set of one metric.
final class MetricSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    enum Kind: String {
        case counter, gauge, histogram
    }

    private struct State {
        var value = 0.0
        var count: UInt64 = 0
        /// Not cumulated; the last is "greater than every bound".
        var counts: [UInt64]
    }

    private let kind: Kind
    private let buckets: [Double]
    private let state: Mutex<State>

    init(kind: Kind, buckets: [Double]) {
        self.kind = kind
        self.buckets = kind == .histogram ? buckets : []
        self.state = Mutex(State(counts: kind == .histogram ? Array(repeating: 0, count: buckets.count + 1) : []))
    }

    func increment(by amount: Int64) { increment(by: Double(amount)) }
    func increment(by amount: Double) {
        // Counters never fall.
        guard kind != .counter || amount > 0 else { return }
        state.withLock { $0.value += amount }
    }
    func decrement(by amount: Double) { state.withLock { $0.value -= amount } }
    func reset() { state.withLock { $0.value = 0 } }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { state.withLock { $0.value = value } }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { kind == .histogram ? observe(value) : set(value) }
    func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1e9) }

    private func observe(_ value: Double) {
        let index = buckets.firstIndex { value <= $0 } ?? buckets.count
        state.withLock { state in
            state.counts[index] += 1
            state.count += 1
            state.value += value
        }
    }

    func write(name: String, labels: [PrometheusRegistry.Label], to page: inout String) {
        let (value, count, counts) = state.withLock { ($0.value, $0.count, $0.counts) }
        guard kind == .histogram else {
            page += "\(name)\(Self.braces(labels)) \(Self.number(value))\n"
            return
        }
        var total: UInt64 = 0
        for (bound, inBucket) in zip(buckets.map(Self.number) + ["+Inf"], counts) {
            total += inBucket
            page += "\(name)_bucket\(Self.braces(labels + [PrometheusRegistry.Label(name: "le", value: bound)])) \(total)\n"
        }
        page += "\(name)_sum\(Self.braces(labels)) \(Self.number(value))\n"
        page += "\(name)_count\(Self.braces(labels)) \(count)\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    private static func braces(_ labels: [PrometheusRegistry.Label]) -> String {
        labels.isEmpty ? "" : "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
    }

    private static func escaped(_ value: String) -> String {
        var out = ""
        for character in value {
            switch character {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case "\n", "\r\n": out += "\\n"
            default: out.append(character)
            }
        }
        return out
    }
}
