import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import SignatureV4
import Timing

/// Signed requests to one bucket. What may help to be sent again is sent again, a few times.
struct S3Requests: Sendable {
    let endpoint: String
    let bucket: String
    let signer: RequestSigner
    let http: HTTPClient
    let time: TimeSource

    private static let attempts = 4
    private static let timeout = TimeAmount.seconds(120)
    /// Of an answer that is not an object.
    private static let answerLimit = 16 << 20

    struct Answer: Sendable {
        var text: String
        var entityTag: String?
    }

    /// For messages.
    var place: String { "\(endpoint)/\(bucket)" }

    /// - Parameter key: empty for the bucket itself.
    /// - Throws: `BackupError`: `notFound`, `storage` with what the storage said.
    @discardableResult
    func send(_ method: String, key: String, query: [(String, String)] = [], body: [UInt8] = []) async throws -> Answer {
        try await repeating {
            let response = try await http.execute(request(method, key, query, body), timeout: Self.timeout)
            let text = String(buffer: try await response.body.collect(upTo: Self.answerLimit))
            try check(response, text, "\(method) \(key)")
            return Answer(text: text, entityTag: response.headers.first(name: "etag"))
        }
    }

    func get(key: String, _ receive: @Sendable ([UInt8]) async throws -> Void) async throws {
        // Only the beginning is repeated: pieces that were received cannot be taken back.
        let response = try await repeating {
            let response = try await http.execute(request("GET", key, [], []), deadline: .now() + .hours(24))
            if !(200..<300).contains(response.status.code) {
                try check(response, String(buffer: try await response.body.collect(upTo: Self.answerLimit)), "GET \(key)")
            }
            return response
        }
        do {
            for try await piece in response.body { try await receive(Array(buffer: piece)) }
        } catch let error as HTTPClientError {
            throw BackupError(.storage, "\(place): the connection broke while '\(key)' was read.", cause: error)
        } catch let error as ChannelError {
            throw BackupError(.storage, "\(place): the connection broke while '\(key)' was read.", cause: error)
        }
    }

    private func repeating<Value>(_ body: () async throws -> Value) async throws -> Value {
        for attempt in 1... {
            do {
                return try await body()
            } catch is CancellationError {
                throw CancellationError()
            } catch let error as Refusal {
                guard error.isPassing, attempt < Self.attempts else { throw error.told }
            } catch {
                guard attempt < Self.attempts else { throw BackupError(.storage, "\(place) does not answer.", cause: error) }
            }
            try await time.sleep(for: .milliseconds(250 << attempt))
        }
        throw BackupError(.storage, "\(place) does not answer.")
    }

    private func request(_ method: String, _ key: String, _ query: [(String, String)], _ body: [UInt8]) -> HTTPClientRequest {
        // Keys hold only characters that need no encoding; S3 signs the path as it is on the wire.
        let path = "/\(bucket)" + (key.isEmpty ? "" : "/\(key)")
        let text = query.map { "\(S3Text.encoded($0))=\(S3Text.encoded($1))" }.joined(separator: "&")
        let authority = endpoint.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first.map(String.init) ?? endpoint
        let signable = SignableRequest(method: method, path: path, query: text, headers: [(name: "host", value: authority)], body: body)
        var request = HTTPClientRequest(url: endpoint + path + (text.isEmpty ? "" : "?\(text)"))
        request.method = HTTPMethod(rawValue: method)
        for header in signer.headers(for: signable, now: time.now) { request.headers.add(name: header.name, value: header.value) }
        if !body.isEmpty || method == "PUT" { request.body = .bytes(body) }
        return request
    }

    private struct Refusal: Error {
        var told: BackupError
        /// The same request may succeed later.
        var isPassing: Bool
    }

    private func check(_ response: HTTPClientResponse, _ text: String, _ what: String) throws {
        let status = response.status.code
        guard !(200..<300).contains(status) else { return }
        let code = S3Text.value("Code", in: text) ?? response.status.reasonPhrase
        let message = S3Text.value("Message", in: text).map { ": \($0)" } ?? ""
        let isMissing = status == 404 && code != "NoSuchBucket"
        throw Refusal(
            told: BackupError(isMissing ? .notFound : .storage, "\(place) answered \(status) to \(what): \(code)\(message)"),
            isPassing: status >= 500 || status == 429 || code == "RequestTimeout" || code == "SlowDown")
    }
}

/// The little XML that S3 speaks, and its encodings.
enum S3Text {
    /// The content of the first element of that name, unescaped; nil when there is none.
    static func value(_ element: String, in text: String) -> String? { values(element, in: text).first.map(unescaped) }

    /// The contents of all elements of that name, as they are.
    static func values(_ element: String, in text: String) -> [String] {
        var found: [String] = []
        var rest = text[...]
        while let start = rest.range(of: "<\(element)>"), let end = rest[start.upperBound...].range(of: "</\(element)>") {
            found.append(String(rest[start.upperBound..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
        return found
    }

    static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
    }

    static func unescaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&lt;", with: "<").replacingOccurrences(of: "&gt;", with: ">")
            .replacingOccurrences(of: "&quot;", with: "\"").replacingOccurrences(of: "&#34;", with: "\"")
            .replacingOccurrences(of: "&apos;", with: "'").replacingOccurrences(of: "&amp;", with: "&")
    }

    /// RFC 3986, as Signature V4 wants it.
    static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: CharacterSet(charactersIn: unreserved)) ?? text
    }

    private static let unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
}
