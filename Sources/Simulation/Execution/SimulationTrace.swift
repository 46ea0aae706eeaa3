import Logging
import Synchronization
import Timing

/// What happened in a simulation, in order.
public final class SimulationTrace: Sendable {
    /// One line: when, who, what.
    public struct Event: Sendable, CustomStringConvertible {
        public var time: Duration
        public var actor: String
        public var text: String

        public var description: String {
            let milliseconds = Int(time.seconds * 1000 + 0.5)
            let whole = String(milliseconds / 1000)
            let fraction = String(milliseconds % 1000 + 1000).dropFirst()
            let stamp = "\(whole).\(fraction)"
            let padding = String(repeating: " ", count: max(0, 9 - stamp.count))
            return "\(padding)\(stamp)  \(actor)\(String(repeating: " ", count: max(1, 11 - actor.count)))\(text)"
        }
    }

    private let events = Mutex<[Event]>([])
    /// What product code called critical: a mistake of its own.
    private let mistakes = Mutex<[String]>([])
    private let time: VirtualTime
    private let limit: Int

    /// - Parameter limit: how many of the newest events are kept.
    init(time: VirtualTime, limit: Int = 20_000) {
        self.time = time
        self.limit = limit
    }

    func add(_ text: String, by actor: String? = nil) {
        let event = Event(time: time.now, actor: actor ?? SimulationActor.name, text: text)
        events.withLock { events in
            if events.count >= 2 * limit { events.removeFirst(limit) }
            events.append(event)
        }
    }

    func addMistake(_ text: String) { mistakes.withLock { if $0.count < 5 { $0.append(text) } } }

    /// The first ones.
    var firstMistakes: [String] { mistakes.withLock { $0 } }

    var now: Duration { time.now }

    var all: [Event] { events.withLock { $0 } }
}

/// Who acts: known to everything that runs on somebody's behalf.
enum SimulationActor {
    @TaskLocal static var name = "world"
}

/// What product code logs, from `info` on, goes into the trace.
struct TraceLogHandler: LogHandler {
    let trace: SimulationTrace
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let details = all.sorted { $0.key < $1.key }.filter { "\($0.value)" != "" }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        if event.level >= .critical { trace.addMistake("\(event.message) \(details)") }
        trace.add(event.level >= .warning ? "\(event.level): \(event.message) \(details)" : "\(event.message) \(details)")
    }
}
