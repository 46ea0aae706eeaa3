import FleetModel
import Testing

@testable import LocalSubstrate

/// Which connections have a request that is not answered yet, from what `ss -tinHO` says.
@Suite struct RequestHoldTests {
    private let own = IPv4Address(bits: 0x6442_0008)

    private func open(_ sockets: String) -> Set<Substring> { RequestHold.openRequests(sockets: sockets, own: own) }

    private func line(received: Int?, sent: Int?, peer: String = "100.66.0.2:40112", local: String = "100.66.0.8") -> String {
        let ages = [sent.map { "lastsnd:\($0)" }, received.map { "lastrcv:\($0)" }].compactMap(\.self).joined(separator: " ")
        return "0      0      \(local):6443 \(peer) bbr wscale:10,10 rto:204 bytes_acked:22836 \(ages) lastack:8 rcv_space:65483"
    }

    @Test(arguments: [
        (received: 8, sent: 40, isOpen: true),
        (received: nil, sent: 4, isOpen: true),
        (received: 40, sent: 8, isOpen: false),
        (received: 4, sent: nil, isOpen: false),
        // Within one tick of the kernel's clock: it may be either.
        (received: nil, sent: nil, isOpen: true),
        (received: 12, sent: 12, isOpen: true),
        (received: 400, sent: 400, isOpen: false),
        // Nobody answers a window update.
        (received: 4000, sent: 4004, isOpen: false),
    ])
    func aRequestIsOpenUntilSomethingIsSent(received: Int?, sent: Int?, isOpen: Bool) {
        #expect(open(line(received: received, sent: sent)) == (isOpen ? ["100.66.0.2:40112"] : []))
    }

    @Test func oneOfManyCounts() {
        let answered = line(received: 40, sent: 8)
        #expect(open("").isEmpty)
        #expect(open("\(answered)\n\(answered)\n").isEmpty)
        #expect(open("\(answered)\n\(line(received: 4, sent: 20))\n\(answered)\n").count == 1)
    }

    /// Nor when the server listens at another address, having taken over.
    @Test func theInstancesOwnConnectionsDoNotCount() {
        #expect(open(line(received: 4, sent: 20, peer: "100.66.0.8:51000", local: "169.254.71.2")).isEmpty)
        #expect(open(line(received: 4, sent: 20, peer: "169.254.71.2:51000", local: "169.254.71.2")).isEmpty)
        #expect(open(line(received: 4, sent: 20, local: "169.254.71.2")).count == 1)
        #expect(open(line(received: 4, sent: 20, peer: "100.66.0.8:51000")).isEmpty)
    }
}
