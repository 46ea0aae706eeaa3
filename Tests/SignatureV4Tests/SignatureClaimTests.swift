import Foundation
import SignatureV4
import Testing

@Suite struct SignatureClaimTests {
    private static let credential = Credential(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret")
    private static let now = Date(timeIntervalSince1970: 1_767_225_600)
    private static let signer = RequestSigner(credential: credential, region: "local-1", service: "sts")
    private static let verifier = SignatureVerifier(region: "local-1", service: "sts")

    private func signed(_ edit: (inout SignableRequest) -> Void = { _ in }) -> SignableRequest {
        var request = SignableRequest(
            method: "POST", path: "/a%2Fb/c d", query: "x=1&a=%20", headers: [("host", "h:1"), ("X-Amz-Other", " 1  2 ")], body: "body".utf8
        )
        request.headers += Self.signer.headers(for: request, now: Self.now)
        edit(&request)
        return request
    }

    private func presigned(expiry: Int = 60, _ edit: (inout SignableRequest) -> Void = { _ in }) -> SignableRequest {
        var request = SignableRequest(
            method: "GET", path: "/", query: "Action=GetCallerIdentity", headers: [("host", "h"), ("x-k8s-aws-id", "demo")])
        request.query = Self.signer.presignedQuery(for: request, expiry: expiry, now: Self.now)
        edit(&request)
        return request
    }

    private func code(_ request: SignableRequest, after seconds: Double = 0) async -> SignatureError.Code? {
        do {
            _ = try await Self.verifier.verify(request, now: Self.now.addingTimeInterval(seconds)) { id, scope in
                guard id == Self.credential.accessKeyID else { return nil }
                return Self.credential.signingKey(date: scope.date, region: scope.region, service: scope.service)
            }
            return nil
        } catch {
            return (error as? SignatureError)?.code
        }
    }

    @Test func headers() async {
        #expect(await code(signed()) == nil)
        #expect(await code(signed(), after: 299) == nil)
        #expect(await code(signed(), after: 301) == .expired)
        #expect(await code(signed(), after: -301) == .expired)
        #expect(await code(signed { $0.method = "GET" }) == .mismatch)
        #expect(await code(signed { $0.path = "/a/b/c d" }) == .mismatch)
        #expect(await code(signed { $0.query += "&y=2" }) == .mismatch)
        #expect(await code(signed { $0.query = "a=%20&x=1" }) == nil)
        #expect(await code(signed { $0.bodyHash = SignableRequest.hash("other".utf8) }) == .mismatch)
        #expect(await code(signed { $0.headers[0].value = "h:2" }) == .mismatch)
        #expect(await code(signed { $0.headers[1].value = "1 2" }) == nil)
        #expect(await code(signed { $0.headers.removeAll { $0.name == "authorization" } }) == .missingToken)
        #expect(await code(signed { $0.headers.append(("Authorization", "twice")) }) == .incomplete)
    }

    @Test func presignedURLs() async {
        #expect(await code(presigned()) == nil)
        #expect(await code(presigned(), after: 60) == nil)
        #expect(await code(presigned(), after: 61) == .expired)
        #expect(await code(presigned(expiry: 0)) == .incomplete)
        #expect(await code(presigned(expiry: 700_000)) == .incomplete)
        #expect(await code(presigned { $0.headers[1].value = "other" }) == .mismatch)
        #expect(await code(presigned { $0.query = $0.query.replacingOccurrences(of: "Expires=60", with: "Expires=900") }) == .mismatch)
        #expect(await code(presigned { $0.query += "&X-Amz-Signature=00" }) == .incomplete)
        #expect(await code(presigned { $0.query = $0.query.replacingOccurrences(of: "host%3Bx-k8s", with: "x-k8s") }) == .mismatch)
    }

    @Test func scope() async throws {
        let claim = try SignatureClaim(presigned())
        #expect(throws: SignatureError.self) { try claim.check(region: "other-1", service: "sts", now: Self.now) }
        #expect(throws: SignatureError.self) { try claim.check(region: "local-1", service: "eks", now: Self.now) }
        let yesterday = Self.credential.signingKey(date: "20251231", region: "local-1", service: "sts")
        #expect(throws: SignatureError.self) { try claim.verify(with: yesterday) }
        try claim.verify(with: Self.credential.signingKey(date: "20260101", region: "local-1", service: "sts"))
    }

    @Test func codes() {
        #expect(Set(SignatureError.Code.allCases.map { SignatureError($0, "").jsonCode }).count == 4)
        #expect(SignatureError(.expired, "").xmlCode == "SignatureDoesNotMatch")
        #expect(SignatureError(.incomplete, "").status == 400)
    }
}
