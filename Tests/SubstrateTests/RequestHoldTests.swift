import Testing

@testable import LocalSubstrate

/// Which connections have a request that is not answered yet, from what `ss -tinHO` says.
@Suite struct RequestHoldTests {
    private func line(received: Int?, sent: Int?, peer: String = "100.66.0.2:40112") -> String {
        let ages = [sent.map { "lastsnd:\($0)" }, received.map { "lastrcv:\($0)" }].compactMap(\.self).joined(separator: " ")
        return "0      0      100.66.0.8:6443 \(peer) bbr wscale:10,10 rto:204 bytes_acked:22836 \(ages) lastack:8 rcv_space:65483"
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
        #expect(RequestHold.openRequests(sockets: line(received: received, sent: sent)) == (isOpen ? ["100.66.0.2:40112"] : []))
    }

    @Test func oneOfManyCounts() {
        let answered = line(received: 40, sent: 8)
        #expect(RequestHold.openRequests(sockets: "").isEmpty)
        #expect(RequestHold.openRequests(sockets: "\(answered)\n\(answered)\n").isEmpty)
        #expect(RequestHold.openRequests(sockets: "\(answered)\n\(line(received: 4, sent: 20))\n\(answered)\n").count == 1)
    }

    @Test func theInstancesOwnConnectionsDoNotCount() {
        #expect(RequestHold.openRequests(sockets: line(received: 4, sent: 20, peer: "100.66.0.8:51000")).isEmpty)
    }
}
