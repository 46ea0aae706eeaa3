import Foundation
import Identity

/// One authenticated request, taken apart.
struct EKSCall: Sendable {
    var labels: [String]
    var query: Query
    var body: [UInt8]
    var caller: Principal

    /// The path's first label; all operations that ask for it have one.
    var cluster: String { labels.first ?? "" }

    func label(_ index: Int) -> String { index < labels.count ? labels[index] : "" }

    /// An empty body is an empty structure, as it is for AWS.
    /// - Throws: `DecodingError`.
    func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: body.isEmpty ? Data("{}".utf8) : Data(body))
    }
}
