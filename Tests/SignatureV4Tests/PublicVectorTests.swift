import Foundation
import SignatureV4
import Testing

/// Facts of the public AWS Signature V4 test suite: one key, one date, one region, service `service`.
@Suite struct PublicVectorTests {
    static let credential = Credential(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

    struct Vector: Sendable, CustomTestStringConvertible {
        var name: String
        var method = "GET"
        var path = "/"
        var query = ""
        var headers: [(name: String, value: String)] = []
        var body = ""
        var signature: String
        var testDescription: String { name }
    }

    static let vectors: [Vector] = [
        Vector(name: "get-vanilla", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Vector(
            name: "get-vanilla-query-order-key-case", query: "Param2=value2&Param1=value1",
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        Vector(name: "post-vanilla", method: "POST", signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        Vector(
            name: "post-x-www-form-urlencoded", method: "POST", headers: [("Content-Type", "application/x-www-form-urlencoded")],
            body: "Param1=value1", signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
        Vector(
            name: "get-header-value-trim", headers: [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        Vector(
            name: "normalize-path: get-slash-dot-slash", path: "/./",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Vector(
            name: "normalize-path: get-relative", path: "/example/..",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ]

    @Test(arguments: vectors) func signature(_ vector: Vector) throws {
        let timestamp = "20150830T123600Z"
        let headers = vector.headers + [(name: "Host", value: "example.amazonaws.com"), (name: "X-Amz-Date", value: timestamp)]
        let request = SignableRequest(
            method: vector.method, path: vector.path, query: vector.query, headers: headers, body: Array(vector.body.utf8))
        let key = Self.credential.signingKey(date: "20150830", region: "us-east-1", service: "service")
        let names = headers.map { $0.name.lowercased() }
        #expect(key.signature(of: CanonicalRequest(request, signedHeaders: names), timestamp: timestamp) == vector.signature)
    }

    @Test func derivedKey() {
        let key = Self.credential.signingKey(date: "20150830", region: "us-east-1", service: "iam")
        let hex = key.bytes.map { String(format: "%02x", $0) }.joined()
        #expect(hex == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9")
    }

    @Test func timestamps() throws {
        for text in ["20150830T123600Z", "19700101T000000Z", "20240229T235959Z", "20991231T000001Z"] {
            let timestamp = try #require(SignatureTimestamp(text))
            #expect(SignatureTimestamp(timestamp.date).text == text)
        }
        #expect(SignatureTimestamp("20150830T123600Z")?.date == Date(timeIntervalSince1970: 1_440_938_160))
        for text in ["", "20150830", "2015-08-30T12:36:00Z", "20151330T123600Z", "20150830T250000Z", "2015083xT123600Z"] {
            #expect(SignatureTimestamp(text) == nil)
        }
    }
}
