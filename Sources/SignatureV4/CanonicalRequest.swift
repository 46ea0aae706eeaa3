/// A request in the one form that both sides hash (AWS: "Create a canonical request").
public struct CanonicalRequest: Sendable {
    public let text: String

    /// - Parameters:
    ///   - signedHeaders: lower case; sorted here.
    ///   - omittedParameter: a query parameter that is not part of it: the signature itself in a presigned URL.
    public init(_ request: SignableRequest, signedHeaders: [String], omittedParameter: String? = nil) {
        let names = signedHeaders.sorted()
        var lines = [request.method, Self.path(request.path), Self.query(request.query, omitting: omittedParameter)]
        for name in names {
            let values = request.headers.filter { $0.name.lowercased() == name }.map { Self.trimmed($0.value) }
            lines.append("\(name):\(values.joined(separator: ","))")
        }
        lines.append("")
        lines.append(names.joined(separator: ";"))
        lines.append(request.bodyHash)
        self.text = lines.joined(separator: "\n")
    }

    /// Lower-case hexadecimal SHA-256.
    public var hash: String { SignableRequest.hash(text.utf8) }

    /// For every service but S3: dot segments and doubled slashes are resolved, then what is on the wire is encoded once more.
    static func path(_ raw: String) -> String {
        var segments: [Substring] = []
        for segment in raw.split(separator: "/", omittingEmptySubsequences: true) {
            switch segment {
            case ".": continue
            case "..": _ = segments.popLast()
            default: segments.append(segment)
            }
        }
        let isFolder = raw.hasSuffix("/") || raw.hasSuffix("/.") || raw.hasSuffix("/..")
        let path = "/" + segments.joined(separator: "/") + (isFolder && !segments.isEmpty ? "/" : "")
        return PercentEncoding.encode(path.utf8, keepingSlash: true)
    }

    /// Sorted by encoded key, then encoded value.
    static func query(_ raw: String, omitting omitted: String?) -> String {
        var pairs: [(key: String, value: String)] = []
        for part in raw.split(separator: "&") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = PercentEncoding.encode(PercentEncoding.decode(sides[0]))
            if key == omitted { continue }
            pairs.append((key, sides.count == 2 ? PercentEncoding.encode(PercentEncoding.decode(sides[1])) : ""))
        }
        return pairs.sorted { ($0.key, $0.value) < ($1.key, $1.value) }.map { "\($0.key)=\($0.value)" }.joined(separator: "&")
    }

    /// Without blanks at both ends; runs of blanks inside become one.
    private static func trimmed(_ value: String) -> String {
        value.split(whereSeparator: { $0 == " " || $0 == "\t" || $0.isNewline }).joined(separator: " ")
    }
}
