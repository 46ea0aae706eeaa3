import Foundation
import PKI
import Testing

@Suite struct SecretBoxTests {
    private let plain = Data("the secret".utf8)

    private func code(_ body: () throws -> Void) -> PKIError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? PKIError)?.code
        }
    }

    @Test func whatIsSealedOpensAgain() throws {
        let box = SecretBox(current: .random())
        let sealed = try box.seal(plain, associatedData: "clusters/demo")
        #expect(try box.open(sealed, associatedData: "clusters/demo") == plain)
        #expect(sealed.content.range(of: plain) == nil)
        #expect(try box.seal(plain, associatedData: "clusters/demo") != sealed)
    }

    @Test func changedOrMovedBytesDoNotOpen() throws {
        let box = SecretBox(current: .random())
        let sealed = try box.seal(plain, associatedData: "a")
        #expect(code { _ = try box.open(sealed, associatedData: "b") } == .notAuthentic)
        for index in sealed.content.indices {
            var changed = sealed
            changed.content[index] ^= 1
            #expect(code { _ = try box.open(changed, associatedData: "a") } == .notAuthentic)
        }
        var short = sealed
        short.content = sealed.content.prefix(5)
        #expect(code { _ = try box.open(short, associatedData: "a") } == .notAuthentic)
    }

    @Test func anotherKeyDoesNotOpenAndAnOlderOneDoes() throws {
        let old = SecretBox.Key.random()
        let sealed = try SecretBox(current: old).seal(plain, associatedData: "a")
        let new = SecretBox.Key.random()
        #expect(code { _ = try SecretBox(current: new).open(sealed, associatedData: "a") } == .unknownKey)
        let both = SecretBox(current: new, older: [old])
        #expect(try both.open(sealed, associatedData: "a") == plain)
        #expect(try both.seal(plain, associatedData: "a").keyID == new.id)
        let impostor = try SecretBox.Key(id: old.id, bytes: Data(repeating: 7, count: 32))
        #expect(code { _ = try SecretBox(current: impostor).open(sealed, associatedData: "a") } == .notAuthentic)
    }

    @Test func aKeyHas32Bytes() {
        #expect(code { _ = try SecretBox.Key(id: "k", bytes: Data(count: 16)) } == .invalidKey)
    }
}
