import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// Answers in the form of restJson.
enum JSONAnswers {
    private static let errorType = HTTPField.Name("x-amzn-ErrorType")
    private static let requestIDName = HTTPField.Name("x-amzn-RequestId")

    private struct ErrorBody: Encodable {
        var type: String
        var message: String
        var clusterName: String?

        private enum CodingKeys: String, CodingKey {
            case type = "__type"
            case message, clusterName
        }
    }

    /// Timestamps become seconds since 1970, which is what restJson wants.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .secondsSince1970
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return response(try encoder.encode(value), type: "application/json", status: status)
    }

    static func error(_ failure: APIFailure) -> Response {
        let body = ErrorBody(type: failure.code, message: failure.message, clusterName: failure.clusterName)
        var response = (try? json(body, status: .init(code: failure.status))) ?? Response(status: .init(code: failure.status))
        if let errorType { response.headers[errorType] = failure.code }
        return response
    }

    static func mark(_ response: inout Response, requestID: String) {
        if let requestIDName { response.headers[requestIDName] = requestID }
    }

    static func response(_ bytes: some Sequence<UInt8>, type: String, status: HTTPResponse.Status) -> Response {
        Response(status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
