/// A request's query parameters, decoded. A name may come more than once.
struct Query: Sendable {
    var pairs: [(key: String, value: String)]

    /// The first value.
    subscript(_ name: String) -> String? { pairs.first { $0.key == name }?.value }

    func all(_ name: String) -> [String] { pairs.filter { $0.key == name }.map { $0.value } }

    /// - Throws: `APIFailure` (`InvalidParameterException`) when it is neither `true` nor `false`.
    func flag(_ name: String) throws -> Bool? {
        switch self[name] {
        case nil: nil
        case "true": true
        case "false": false
        default: throw APIFailure.invalidParameter("\(name) must be true or false.")
        }
    }
}
