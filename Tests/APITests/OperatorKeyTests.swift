import FleetModel
import Foundation
import Identity
import SlipwayClient
import Testing

struct OperatorKeyTests {
    @Test func keysAreMadeListedAndRotatedByOperators() async throws {
        let region = try await OperatorTestRegion()
        let operating = try await region.eks.principal("olga", .operator)
        let viewing = try await region.eks.principal("vera", .viewer)
        try await region.serve { client in
            let operators = client(operating)
            let made = try await operators.createEncryptionKey(EncryptionKeyRequest(description: "for tests"))
            #expect(made.version == 1 && made.description == "for tests")
            #expect(try await operators.rotateEncryptionKey(made.id).version == 2)
            let viewers = client(viewing)
            #expect(try await viewers.encryptionKeys().map(\.version) == [2])
            let refused = await #expect(throws: OperatorClientError.self) { try await viewers.rotateEncryptionKey(made.id) }
            #expect(refused?.code == "AccessDeniedException")
            let unknown = await #expect(throws: OperatorClientError.self) { try await operators.rotateEncryptionKey("none") }
            #expect(unknown?.code == "ResourceNotFoundException")
            #expect(region.eks.audit.records.map(\.operation).contains("RotateEncryptionKey"))
        }
    }
}
