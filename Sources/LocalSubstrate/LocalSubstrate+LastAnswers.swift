import FleetModel
import Substrate
import Timing

/// How an API server that ends parts from clients that ask without pause.
///
/// Told to end, it serves on for a second. Then, at one moment, it takes no more connections and ends those by which nothing is asked. What
/// comes by the others after that moment is refused (503 "apiserver is shutting down", Kubernetes 1.26 and later), and a client that asks
/// without pause is refused now and then. So around that moment its answers are held: who waits for an answer asks nothing. When
/// the moment has passed they go out, and right behind them the end of the connection: who asks next connects anew.
extension LocalSubstrate {
    /// Answers are held for this long before the moment: everybody who asks without pause has asked.
    private static let gathering = Duration.milliseconds(150)
    /// An overloaded machine comes to that moment later than it should.
    private static let gatheringLimit = Duration.milliseconds(700)

    /// What was held goes out within this time; its senders send it again after 0.2 s, and then after twice as long each time.
    private static let sendingLimit = Duration.seconds(2)

    /// Returns when the moment has passed of an API server that was told to end just now, and its answers have arrived; at once where it
    /// would not come.
    /// - Parameter process: the API server's.
    func holdLastAnswers(of process: Int32, _ slot: ServerSlot, _ unit: Unit, _ record: InstanceRecord) async throws {
        let address = slot.privateAddress ?? record.address
        guard let delay = shutdownDelay(record), delay > Self.gathering, let sockets = SocketTable(of: process),
            let port = Record.read(BalancerRecord.self, names.balancer(unit.cluster).record)?.backendPort
        else { return }
        try await time.sleep(for: delay - Self.gathering)
        let limit = Self.gathering + Self.gatheringLimit
        let rules = AnswerHold.definition(port: port, at: address, milliseconds: Int(limit.seconds * 1000))
        await inside([unit]) { (["nft", "-f", "-"], rules) }
        try await wait(limit) { !SocketTable.isTaking(sockets.text, at: address, port) }
        await inside([unit]) { (["nft", "-f", "-"], AnswerHold.removal) }
        try await wait(Self.sendingLimit) { !SocketTable.isSending(sockets.text, at: address, port) }
    }

    private func wait(_ limit: Duration, until isOver: () -> Bool) async throws {
        let deadline = time.uptime + limit
        while time.uptime < deadline, !isOver() { try await time.sleep(for: .milliseconds(5)) }
    }

    /// For how long an API server that was told to end serves on.
    private func shutdownDelay(_ record: InstanceRecord) -> Duration? {
        let flag = "--shutdown-delay-duration="
        let arguments = record.components.first { $0.kind == .apiServer }?.arguments ?? []
        guard let value = arguments.first(where: { $0.hasPrefix(flag) })?.dropFirst(flag.count), value.hasSuffix("s") else { return nil }
        return Double(value.dropLast()).map { .seconds($0) }
    }
}
