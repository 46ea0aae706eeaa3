import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Identity
import Logging
import SignatureV4
import Testing
import Timing

@Suite struct EKSIdentityTests {
    @Test func secretsAreNotStoredAsTheyAre() async throws {
        let region = try await EKSTestRegion()
        for prefix in ["access-keys/", "principals/"] as [StoreKey] {
            for value in try await region.store.list(prefix: prefix).values {
                #expect(!String(decoding: value.value, as: UTF8.self).contains(region.admin.secretAccessKey))
            }
        }
        #expect(region.admin.accessKeyID.hasPrefix("AKIA") && region.admin.accessKeyID.count == 20)
        #expect(region.admin.secretAccessKey.count == 40)
    }

    @Test func bootstrapIsRepeatable() async throws {
        let given = Credential(accessKeyID: "AKIAGIVEN", secretAccessKey: "given")
        let region = try await EKSTestRegion(admin: given)
        #expect(region.admin == given)
        #expect(try await region.identity.bootstrapAdministrator(credential: given) == nil)
        #expect(try await region.identity.bootstrapAdministrator() == nil)
        #expect(try await region.identity.accessKeys(of: "admin").count == 1)
    }

    @Test func limitsAndNames() async throws {
        let region = try await EKSTestRegion()
        let identity = region.identity
        _ = try await identity.createAccessKey(of: "admin")
        await #expect(throws: IdentityError.self) { try await identity.createAccessKey(of: "admin") }
        await #expect(throws: IdentityError.self) { try await identity.createPrincipal(name: "admin", role: .viewer) }
        for name in ["", "a/b", "a b", String(repeating: "a", count: 65)] {
            await #expect(throws: IdentityError.self) { try await identity.createPrincipal(name: name, role: .viewer) }
        }
        await #expect(throws: IdentityError.self) { try await identity.deleteAccessKey(region.admin.accessKeyID, of: "nobody") }
        try await identity.deleteAccessKey(region.admin.accessKeyID, of: "admin")
        #expect(try await identity.find(accessKeyID: region.admin.accessKeyID) == nil)
    }

    @Test func theCacheFollowsOtherServers() async throws {
        let region = try await EKSTestRegion(time: .system)
        let watching = IdentityStore(
            store: region.store, sealing: ReversedSealing(), region: region.region, time: .system,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let anna = try await region.principal("anna", .viewer)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await watching.run() }
            #expect(try await watching.find(accessKeyID: anna.accessKeyID)?.principal.role == .viewer)
            try await region.identity.deletePrincipal("anna")
            let deadline = ContinuousClock.now + .seconds(30)
            while try await watching.find(accessKeyID: anna.accessKeyID) != nil, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(try await watching.find(accessKeyID: anna.accessKeyID) == nil)
            let bert = try await region.principal("bert", .owner)
            #expect(try await watching.find(accessKeyID: bert.accessKeyID)?.credential == bert)
            group.cancelAll()
        }
    }

    /// With another key than the region was begun with: nobody is to be locked out of what runs.
    @Test func withoutTheRegionsKeyNothingIsHandedOut() async throws {
        let region = try await EKSTestRegion()
        let other = IdentityStore(
            store: region.store, sealing: ClosedSealing(), region: region.region, time: region.time,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        for body in [{ _ = try await other.signingKeys() }, { try await other.requireReadableKeys() }]
            as [@Sendable () async throws -> Void]
        {
            do {
                try await body()
                Issue.record("it was not noticed")
            } catch let error as IdentityError {
                #expect(error.code == .sealed)
            }
        }
        try await region.identity.requireReadableKeys()
    }

    @Test func signingKeysForAuthenticators() async throws {
        let region = try await EKSTestRegion()
        let package = try await region.identity.signingKeys()
        #expect(package.keys.map(\.date) == (31...31).map { "202512\($0)" } + (1...8).map { "2026010\($0)" })
        let first = try #require(package.keys.first)
        #expect(first.arn == "arn:aws:iam::000000000000:user/admin")
        let key = region.admin.signingKey(date: "20251231", region: "local-1", service: "sts")
        #expect(first.keyBase64 == Data(key.bytes).base64EncodedString())
    }

    @Test func mappingsOfEntries() throws {
        let now = Date(timeIntervalSince1970: 0)
        func policy(_ policy: AccessPolicy, _ namespaces: [String] = []) -> AssociatedAccessPolicy {
            AssociatedAccessPolicy(policyARN: policy.arn, namespaces: namespaces, associatedAt: now, modifiedAt: now)
        }
        let entry = AccessEntry(
            cluster: try ClusterName("demo"), cell: CellName(rawValue: "a"), metadata: Metadata(uid: "1", createdAt: now),
            principalARN: "arn:b", principalID: "AIDA1", username: "b", kubernetesGroups: ["x", "x"],
            policies: [policy(.clusterAdmin), policy(.view, ["a", "b-*"])], modifiedAt: now)
        let groups = AccessMappings(of: [entry]).entries.first?.groups
        #expect(
            groups == [
                "x", "system:masters", "eks:access-policy:AmazonEKSViewPolicy:namespace:a",
                "eks:access-policy:AmazonEKSViewPolicy:namespace:b-*",
            ])
    }

    @Test func theAuditFileRotates() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("audit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("audit.log").path
        let log = try FileAuditLog(path: path, limit: 1000, kept: 2, logger: Logger(label: "test"))
        for index in 0..<30 {
            log.record(
                AuditRecord(
                    time: Date(timeIntervalSince1970: 0), requestID: "\(index)", service: "eks", operation: "DescribeCluster", status: 200))
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == ["audit.log", "audit.log.1", "audit.log.2"])
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let last = try decoder.decode(AuditRecord.self, from: Data(try #require(lines.last).utf8))
        #expect(last.requestID == "29")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        #expect((size ?? .max) <= 1000)
    }
}

/// With another region's key.
private struct ClosedSealing: SecretSealing {
    struct Wrong: Error {}

    func seal(_ plain: [UInt8], context: String) throws -> [UInt8] { throw Wrong() }
    func open(_ sealed: [UInt8], context: String) throws -> [UInt8] { throw Wrong() }
}
