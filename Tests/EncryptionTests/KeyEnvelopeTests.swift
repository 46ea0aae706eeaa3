import FleetModel
import Foundation
import KMSPlugin
import Testing

@Suite struct KeyEnvelopeTests {
    private static func key(_ id: String, _ byte: UInt8) -> KeyPackage.Key {
        KeyPackage.Key(id: id, keyBase64: Data(repeating: byte, count: 32).base64EncodedString())
    }

    private let first = key("k/1", 1)
    private let second = key("k/2", 2)
    private let secret = Data("attack at dawn".utf8)

    @Test func whatIsSealedOpens() throws {
        let envelope = try KeyEnvelope(KeyPackage(keys: [first]))
        let sealed = try envelope.seal(secret)
        #expect(try envelope.open(sealed) == secret)
        #expect(try KeyEnvelope.keyID(of: sealed) == "k/1")
        #expect(sealed.firstRange(of: secret) == nil)
        #expect(try envelope.seal(secret) != sealed, "each nonce is a new one")
        #expect(try envelope.open(try envelope.seal(Data())) == Data())
    }

    @Test func theFirstKeySealsAndAllOpen() throws {
        let old = try KeyEnvelope(KeyPackage(keys: [first]))
        let new = try KeyEnvelope(KeyPackage(keys: [second, first]))
        #expect(try new.open(try old.seal(secret)) == secret)
        #expect(try KeyEnvelope.keyID(of: try new.seal(secret)) == "k/2")
        #expect(message { _ = try old.open(try new.seal(secret)) }?.contains("k/2, which is not on this instance") == true)
    }

    /// The key's id is bound: what one key sealed cannot be said to be another's, even if that has the same bytes.
    @Test func anyChangedByteIsFound() throws {
        let envelope = try KeyEnvelope(KeyPackage(keys: [first, Self.key("k/9", 1)]))
        let sealed = try envelope.seal(secret)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 0x0a
            #expect(throws: KMSPluginError.self, "byte \(index)") { try envelope.open(changed) }
        }
        var renamed = sealed
        renamed.replaceSubrange(2..<5, with: Data("k/9".utf8))
        #expect(throws: KMSPluginError.self) { try envelope.open(renamed) }
        for length in 0..<sealed.count {
            #expect(throws: KMSPluginError.self) { try envelope.open(sealed.prefix(length)) }
        }
    }

    @Test func aSliceOpensLikeAWhole() throws {
        let envelope = try KeyEnvelope(KeyPackage(keys: [first]))
        let padded = Data([0, 0, 0]) + (try envelope.seal(secret))
        #expect(try envelope.open(padded.dropFirst(3)) == secret)
    }

    @Test func packagesThatCannotBeAreRefused() {
        #expect(throws: KMSPluginError.self) { try KeyEnvelope(KeyPackage(keys: [])) }
        #expect(throws: KMSPluginError.self) { try KeyEnvelope(KeyPackage(keys: [first, first])) }
        #expect(throws: KMSPluginError.self) { try KeyEnvelope(KeyPackage(keys: [.init(id: "k/1", keyBase64: "AAAA")])) }
        #expect(throws: KMSPluginError.self) { try KeyEnvelope(KeyPackage(keys: [Self.key("", 1)])) }
    }

    private func message(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch { return "\(error)" }
    }
}
