import FleetModel
import Glibc
import Testing

@testable import LocalSubstrate

@Suite struct AnswerHoldTests {
    /// A patched instance has another server at the same port, which goes on.
    @Test func theRulesAreOfOneServerAndEndByThemselves() throws {
        let rules = AnswerHold.definition(port: 6443, at: try IPv4Address("169.254.71.2"), milliseconds: 1200)
        #expect(rules.contains("{ 6443 timeout 1200ms }"))
        #expect(rules.contains("ip saddr 169.254.71.2 tcp sport @held meta length > 100 drop"))
    }

    @Test func whoTakesConnectionsAndWhatIsOnItsWay() throws {
        let sockets = """
            sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
             0: 0100007F:5372 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12561814 1
             1: 0A004E64:192B 00000000:0000 0A 00000000:00000001 00:00000000 00000000     0        0 12561799 2
             2: 0B004E64:192B 01004E64:A001 01 0000001F:00000000 00:00000000 00000000     0        0 12569357 2
            """
        let (taking, sending) = (try IPv4Address("100.78.0.10"), try IPv4Address("100.78.0.11"))
        #expect(SocketTable.isTaking(sockets, at: taking, 6443) && !SocketTable.isSending(sockets, at: taking, 6443))
        #expect(!SocketTable.isTaking(sockets, at: sending, 6443) && SocketTable.isSending(sockets, at: sending, 6443))
        #expect(!SocketTable.isTaking(sockets, at: taking, 6444))
    }

    /// It stays readable when the process has ended.
    @Test func theTableOfAProcessIsRead() throws {
        let table = try #require(SocketTable(of: getpid()))
        #expect(table.text.contains("local_address"))
        #expect(SocketTable(of: Int32.max) == nil)
    }
}
