import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Identity
import SignatureV4
import Testing
import Timing

@Suite struct EKSSTSTests {
    @Test func callerIdentity() async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.call(.post, "/", "Action=GetCallerIdentity&Version=2011-06-15", service: "sts")
        #expect(answer.status == 200)
        #expect(answer.headers[.contentType] == "text/xml")
        #expect(answer.text.contains("<Arn>arn:aws:iam::000000000000:user/admin</Arn>"))
        #expect(answer.text.contains("<Account>000000000000</Account>"))
    }

    @Test func presigned() async throws {
        let region = try await EKSTestRegion()
        let signer = RequestSigner(credential: region.admin, region: "local-1", service: "sts")
        func target(_ signedAt: Date) -> String {
            let request = SignableRequest(
                method: "GET", path: "/", query: "Action=GetCallerIdentity&Version=2011-06-15", headers: [("host", "localhost")])
            return "/?" + signer.presignedQuery(for: request, expiry: 60, now: signedAt)
        }
        #expect(try await region.send(.get, target(region.time.now)).status == 200)
        let old = try await region.send(.get, target(region.time.now.addingTimeInterval(-61)))
        #expect(old.status == 403)
        #expect(old.text.contains("<Code>SignatureDoesNotMatch</Code>"))
        #expect(old.text.contains("Signature expired"))
        let changed = try await region.send(.get, target(region.time.now).replacing("GetCallerIdentity", with: "AssumeRole"))
        #expect(changed.status == 403)
    }

    @Test func errors() async throws {
        let region = try await EKSTestRegion()
        let missing = try await region.send(.get, "/")
        #expect(missing.status == 403)
        #expect(missing.text.contains("<Code>MissingAuthenticationToken</Code>"))
        let unknown = try await region.call(
            .post, "/", "Action=GetCallerIdentity", as: Credential(accessKeyID: "AKIASTRANGER", secretAccessKey: "s"), service: "sts")
        #expect(unknown.text.contains("<Code>InvalidClientTokenId</Code>"))
        let other = try await region.call(.post, "/", "Action=%3Cb%3E", service: "sts")
        #expect(other.status == 400)
        #expect(other.text.contains("<Code>InvalidAction</Code>"))
        #expect(!other.text.contains("<b>"))
        let eks = try await region.call(.post, "/", "Action=GetCallerIdentity", service: "eks")
        #expect(eks.text.contains("correct service"))
    }
}
