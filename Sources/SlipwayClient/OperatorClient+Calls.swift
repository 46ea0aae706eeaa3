import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import SignatureV4
import Timing

extension OperatorClient {
    /// A call without a body.
    func call<Answer: Decodable>(_ method: String, _ path: String) async throws -> Answer {
        try await exchange(method, path, body: nil)
    }

    func call<Answer: Decodable>(_ method: String, _ path: String, _ message: some Encodable) async throws -> Answer {
        try await exchange(method, path, body: [UInt8](try MessageCoding.encoder().encode(message)))
    }

    private func exchange<Answer: Decodable>(_ method: String, _ path: String, body: [UInt8]?) async throws -> Answer {
        let response = try await send(method, path, body: body, timeout: .seconds(60))
        try await check(response)
        do {
            return try Self.decode(Array(buffer: try await response.body.collect(upTo: 256 << 20)))
        } catch let error as OperatorClientError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw unreachable(error)
        }
    }

    func send(_ method: String, _ path: String, body: [UInt8]?, timeout: TimeAmount) async throws -> HTTPClientResponse {
        let path = Self.basePath + path
        guard let url = URL(string: endpoint), let name = url.host() else {
            throw OperatorClientError(
                code: "endpoint", message: "'\(endpoint)' is not an address such as http://127.0.0.1:7480.", status: 400)
        }
        var headers = [(name: "host", value: url.port.map { "\(name):\($0)" } ?? name)]
        if body != nil { headers.append((name: "content-type", value: "application/json")) }
        let signable = SignableRequest(method: method, path: path, headers: headers, body: body ?? [])
        var request = HTTPClientRequest(url: endpoint + path)
        request.method = HTTPMethod(rawValue: method)
        for header in headers + signer.headers(for: signable, now: time.now) { request.headers.add(name: header.name, value: header.value) }
        if let body { request.body = .bytes(body) }
        do {
            return try await http.execute(request, timeout: timeout)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw unreachable(error)
        }
    }

    /// - Throws: the region's error when the answer is one.
    func check(_ response: HTTPClientResponse) async throws {
        guard !(200..<300).contains(response.status.code) else { return }
        let status = Int(response.status.code)
        let body = (try? await response.body.collect(upTo: 1 << 20)).map { Array(buffer: $0) } ?? []
        if let error = try? MessageCoding.decoder().decode(OperatorErrorBody.self, from: Data(body)) {
            throw OperatorClientError(code: error.code, message: error.message, status: status)
        }
        throw OperatorClientError(
            code: "HTTP\(status)", message: "The region answered \(status) \(response.status.reasonPhrase).", status: status)
    }

    func unreachable(_ error: any Error) -> OperatorClientError {
        let why = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
        return OperatorClientError(code: OperatorClientError.unreachable, message: "\(endpoint) does not answer (\(why)).", cause: error)
    }
}

/// Cuts a stream of bytes at its newlines.
struct LineSplitter {
    private var rest: [UInt8] = []

    /// The lines that end in `part`, without empty ones.
    mutating func feed(_ part: ByteBuffer) -> [[UInt8]] {
        rest += part.readableBytesView
        var lines: [[UInt8]] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            if end > 0 { lines.append(Array(rest[..<end])) }
            rest.removeSubrange(...end)
        }
        return lines
    }
}
