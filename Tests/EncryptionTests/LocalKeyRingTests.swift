import FleetModel
import FleetStore
import Foundation
import KeyRing
import PKI
import Testing
import Timing

@Suite struct LocalKeyRingTests {
    private let clock = VirtualTime()
    private let box = SecretBox(current: .random())

    private func ring(_ store: MemoryStore, box: SecretBox? = nil) -> LocalKeyRing {
        LocalKeyRing(store: store, box: box ?? self.box, region: .standard(), time: clock.source)
    }

    @Test func aKeyIsMadeListedAndRotated() async throws {
        let ring = ring(MemoryStore(time: clock.source))
        let made = try await ring.create(description: "for tests")
        #expect(made.arn == "arn:aws:kms:local-1:000000000000:key/\(made.id)" && made.version == 1)
        #expect(try await ring.keys() == [made])
        clock.advance(to: .seconds(60))
        let rotated = try await ring.rotate(made.arn)
        #expect(rotated.version == 2 && rotated.createdAt == made.createdAt && rotated.rotatedAt > made.rotatedAt)
        #expect(try await ring.rotate(made.id).version == 3, "the UUID is enough")
        #expect(try await ring.key(made.arn)?.version == 3)
    }

    @Test func versionsAndScopesHaveKeysOfTheirOwnWhichStay() async throws {
        let ring = ring(MemoryStore(time: clock.source))
        let key = try await ring.create(description: "")
        let before = try await ring.package(key.arn, versions: [1], scope: "cluster-a")
        _ = try await ring.rotate(key.arn)
        let after = try await ring.package(key.arn, versions: [2, 1], scope: "cluster-a")
        #expect(after.keys.map(\.id) == ["\(key.id)/2", "\(key.id)/1"])
        #expect(after.keys[1] == before.keys[0], "an old version opens what it has sealed")
        let other = try await ring.package(key.arn, versions: [2, 1], scope: "cluster-b")
        #expect(Set((after.keys + other.keys).map(\.keyBase64)).count == 4)
        #expect(after.keys.allSatisfy { Data(base64Encoded: $0.keyBase64)?.count == 32 })
    }

    @Test func whatIsUnknownIsSaid() async throws {
        let ring = ring(MemoryStore(time: clock.source))
        let key = try await ring.create(description: "")
        for arn in [
            "", "x", UUID().uuidString, key.arn.replacing("local-1", with: "local-2"), key.arn.replacing("000000000000", with: "1"),
        ] {
            await #expect(throws: KeyServiceError.self, "\(arn)") { try await ring.rotate(arn) }
        }
        await #expect(throws: KeyServiceError.self) { try await ring.package(key.arn, versions: [2], scope: "a") }
        #expect(try await ring.key(key.arn)?.version == 1)
    }

    @Test func theStoreAloneOpensNothing() async throws {
        let store = MemoryStore(time: clock.source)
        let key = try await ring(store).create(description: "")
        let thief = ring(store, box: SecretBox(current: .random()))
        let error = await #expect(throws: KeyServiceError.self) { try await thief.package(key.arn, versions: [1], scope: "a") }
        #expect(error?.code == .sealed)
        // One version's sealed bytes in the place of another's do not open either.
        let stored = try #require(try await store.get(StoreKeys.encryptionKey(key.id)))
        let text = String(decoding: stored.value, as: UTF8.self).replacing("\"number\":1", with: "\"number\":2")
        try await store.commit([.put(stored.key, Array(text.utf8))], if: [])
        await #expect(throws: KeyServiceError.self) { try await ring(store).package(key.arn, versions: [2], scope: "a") }
    }
}
