import Authenticator
import FleetModel
import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

@Suite struct AuthenticatorServiceTests {
    private func inDirectory(_ body: (URL, AuthenticatorConfiguration) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("authenticator-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        func path(_ name: String) -> String { directory.appendingPathComponent(name).path }
        let text = """
            {"clusterName": "demo", "region": "local-1", "listen": "127.0.0.1:21362", "certificateFile": "\(path("c"))",
             "keyFile": "\(path("k"))", "mappingsFile": "\(path("mappings.json"))", "signingKeysFile": "\(path("keys.json"))"}
            """
        try Data(text.utf8).write(to: directory.appendingPathComponent("config.json"))
        try await body(directory, try AuthenticatorConfiguration(file: path("config.json")))
    }

    private func review(_ token: String, _ configuration: AuthenticatorConfiguration, _ now: Date, version: String = "v1") async throws
        -> [String: Any]
    {
        let service = AuthenticatorService(configuration: configuration, now: { now }, logger: Logger(label: "test"))
        let body = ByteBuffer(
            string: #"{"apiVersion": "authentication.k8s.io/\#(version)", "kind": "TokenReview", "spec": {"token": "\#(token)"}}"#)
        let text = try await Application(router: service.router()).test(.router) { client in
            try await client.execute(uri: "/authenticate", method: .post, body: body) { String(buffer: $0.body) }
        }
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test(arguments: ["v1", "v1beta1"]) func anEntryGivesUserAndGroups(version: String) async throws {
        let fixture = try TokenFixture()
        try await inDirectory { directory, configuration in
            try JSONEncoder().encode(fixture.keys).write(to: directory.appendingPathComponent("keys.json"))
            let mappings = AccessMappings(entries: [
                AccessMapping(
                    principalARN: "arn:aws:iam::000000000000:user/anna", principalID: "AIDA1", username: "anna",
                    groups: ["eks:access-policy:AmazonEKSViewPolicy"]
                )
            ])
            try JSONEncoder().encode(mappings).write(to: directory.appendingPathComponent("mappings.json"))
            let answer = try await review(fixture.token(), configuration, fixture.now, version: version)
            #expect(answer["apiVersion"] as? String == "authentication.k8s.io/\(version)")
            let status = try #require(answer["status"] as? [String: Any])
            #expect(status["authenticated"] as? Bool == true)
            let user = try #require(status["user"] as? [String: Any])
            #expect(user["username"] as? String == "anna")
            #expect((user["groups"] as? [String])?.contains("eks:access-policy:AmazonEKSViewPolicy") == true)
        }
    }

    @Test func aReplacedFileCountsAtOnceAndAStrangerIsRefused() async throws {
        let fixture = try TokenFixture()
        try await inDirectory { directory, configuration in
            try JSONEncoder().encode(fixture.keys).write(to: directory.appendingPathComponent("keys.json"))
            try JSONEncoder().encode(AccessMappings(entries: [])).write(to: directory.appendingPathComponent("mappings.json"))
            let stranger = try await review(fixture.token(), configuration, fixture.now)
            let status = try #require(stranger["status"] as? [String: Any])
            #expect(status["authenticated"] as? Bool == false)
            #expect((status["error"] as? String)?.contains("has no access entry") == true)
        }
    }

    @Test func whoTakesTheNameOfAFormerUserIsRefused() async throws {
        let fixture = try TokenFixture()
        try await inDirectory { directory, configuration in
            try JSONEncoder().encode(fixture.keys).write(to: directory.appendingPathComponent("keys.json"))
            let entry = AccessMapping(
                principalARN: "arn:aws:iam::000000000000:user/anna", principalID: "AIDA0", username: "anna", groups: ["system:masters"])
            try JSONEncoder().encode(AccessMappings(entries: [entry])).write(to: directory.appendingPathComponent("mappings.json"))
            let status = try #require(try await review(fixture.token(), configuration, fixture.now)["status"] as? [String: Any])
            #expect(status["authenticated"] as? Bool == false)
            #expect((status["error"] as? String)?.contains("former user") == true)
        }
    }

    @Test func withoutFilesNobodyIsLetIn() async throws {
        let fixture = try TokenFixture()
        try await inDirectory { _, configuration in
            let answer = try await review(fixture.token(), configuration, fixture.now)
            #expect((answer["status"] as? [String: Any])?["authenticated"] as? Bool == false)
        }
    }

    @Test func nonsenseIsABadRequest() async throws {
        try await inDirectory { _, configuration in
            let service = AuthenticatorService(
                configuration: configuration, now: { Date(timeIntervalSince1970: 0) }, logger: Logger(label: "test"))
            try await Application(router: service.router()).test(.router) { client in
                try await client.execute(uri: "/authenticate", method: .post, body: ByteBuffer(string: "{")) {
                    #expect($0.status == .badRequest)
                }
            }
        }
    }
}
