import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Identity
import SignatureV4
import Testing
import Timing

/// Each way in which a signature can be wrong gets the error that AWS gives.
@Suite struct EKSSignatureTests {
    @Test func withoutSignature() async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.send(.get, "/clusters")
        #expect(answer.status == 403)
        #expect(answer.errorType == "MissingAuthenticationTokenException")
        #expect(answer["message"] == "Missing Authentication Token")
    }

    @Test func aGoodSignature() async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.call(.get, "/clusters")
        #expect(answer.status == 200)
        #expect(answer.strings("clusters") == [])
        #expect(HTTPField.Name("x-amzn-RequestId").flatMap { answer.headers[$0] }?.count == 36)
    }

    @Test func unknownKey() async throws {
        let region = try await EKSTestRegion()
        let stranger = Credential(accessKeyID: "AKIASTRANGER", secretAccessKey: "secret")
        for id in ["AKIASTRANGER", "../principals/admin", "x y"] {
            var credential = stranger
            credential.accessKeyID = id
            let answer = try await region.call(.get, "/clusters", as: credential)
            #expect(answer.status >= 400 && answer.status < 404, "\(id): \(answer.text)")
        }
        #expect(try await region.call(.get, "/clusters", as: stranger).errorType == "UnrecognizedClientException")
    }

    @Test func wrongSecret() async throws {
        let region = try await EKSTestRegion()
        let wrong = Credential(accessKeyID: region.admin.accessKeyID, secretAccessKey: "not the secret")
        let answer = try await region.call(.get, "/clusters", as: wrong)
        #expect(answer.status == 403)
        #expect(answer.errorType == "InvalidSignatureException")
        #expect(answer["message"]?.hasPrefix("The request signature we calculated does not match") == true)
    }

    @Test func changedBody() async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.call(
            .post, "/clusters", EKSTestRegion.createBody("one"), sending: EKSTestRegion.createBody("two"))
        #expect(answer.status == 403)
        #expect(answer.errorType == "InvalidSignatureException")
        #expect(try await region.call(.get, "/clusters").strings("clusters") == [])
    }

    @Test func changedHeaderOrStatedHash() async throws {
        let region = try await EKSTestRegion()
        let hash = try #require(HTTPField.Name("x-amz-content-sha256"))
        let answer = try await region.call(.get, "/clusters", edit: { $0[hash] = SignableRequest.hash("other".utf8) })
        #expect(answer.errorType == "InvalidSignatureException")
    }

    @Test func oldAndFuture() async throws {
        let region = try await EKSTestRegion()
        let now = region.time.now
        let old = try await region.call(.get, "/clusters", signedAt: now.addingTimeInterval(-301))
        #expect(old.status == 403)
        #expect(old.errorType == "InvalidSignatureException")
        #expect(old["message"]?.hasPrefix("Signature expired: 2025") == true)
        let future = try await region.call(.get, "/clusters", signedAt: now.addingTimeInterval(301))
        #expect(future["message"]?.hasPrefix("Signature not yet current:") == true)
        #expect(try await region.call(.get, "/clusters", signedAt: now.addingTimeInterval(-299)).status == 200)
    }

    @Test func otherScope() async throws {
        let region = try await EKSTestRegion()
        let place = try await region.call(.get, "/clusters", signedFor: "eu-west-1")
        #expect(place.errorType == "InvalidSignatureException")
        #expect(place["message"] == "Credential should be scoped to a valid region, not 'eu-west-1'.")
        let service = try await region.call(.get, "/clusters", service: "s3")
        #expect(service["message"] == "Credential should be scoped to correct service: 'eks'.")
    }

    @Test(arguments: [
        "Basic YWRtaW46YWRtaW4=", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b",
        "AWS4-HMAC-SHA256 Credential=AK/20260101/local-1/eks/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=AK, SignedHeaders=host, Signature=00", "AWS4-HMAC-SHA256 =,=,=",
    ]) func malformed(header: String) async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.call(.get, "/clusters", edit: { $0[.authorization] = header })
        #expect(answer.status == 400)
        #expect(answer.errorType == "IncompleteSignatureException")
    }

    @Test func missingDate() async throws {
        let region = try await EKSTestRegion()
        let date = try #require(HTTPField.Name("x-amz-date"))
        let answer = try await region.call(.get, "/clusters", edit: { $0[date] = nil })
        #expect(answer.errorType == "IncompleteSignatureException")
    }

    @Test func deletedKeysAndPrincipals() async throws {
        let region = try await EKSTestRegion()
        let anna = try await region.principal("anna", .viewer)
        #expect(try await region.call(.get, "/clusters", as: anna).status == 200)
        try await region.identity.deletePrincipal("anna")
        #expect(try await region.call(.get, "/clusters", as: anna).errorType == "UnrecognizedClientException")
    }
}
