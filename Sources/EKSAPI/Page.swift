import Foundation

/// One page of a list, in the way of the EKS API: `maxResults` of 1 to 100 and an opaque `nextToken`.
struct Page<Item> {
    var items: [Item]
    var nextToken: String?

    /// - Parameters:
    ///   - all: in the list's order.
    ///   - list: names the list, so that the token of one is not taken for that of another.
    ///   - key: of an item, unique in the list.
    /// - Throws: `APIFailure` (`InvalidParameterException`) for a bad `maxResults` or `nextToken`.
    init(of all: [Item], _ list: String, _ query: Query, key: (Item) -> String) throws {
        var limit = 100
        if let text = query["maxResults"] {
            guard let number = Int(text), (1...100).contains(number) else {
                throw APIFailure.invalidParameter("maxResults must be a number from 1 to 100.")
            }
            limit = number
        }
        var start = all.startIndex
        if let token = query["nextToken"], !token.isEmpty {
            guard let last = PageToken.decode(token, list: list) else {
                throw APIFailure.invalidParameter("The nextToken is not one that this list gave.")
            }
            // The item may be gone by now; then the list goes on behind where it was.
            start = all.firstIndex { key($0) == last }.map { $0 + 1 } ?? all.firstIndex { key($0) > last } ?? all.endIndex
        }
        self.items = Array(all[start...].prefix(limit))
        self.nextToken = start + items.count < all.count ? items.last.map { PageToken.encode(key($0), list: list) } : nil
    }
}

/// Where a page ended.
enum PageToken {
    private struct Content: Codable {
        var list: String
        var last: String
    }

    static func encode(_ last: String, list: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let data = (try? encoder.encode(Content(list: list, last: last))) ?? Data()
        return data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    static func decode(_ token: String, list: String) -> String? {
        var text = token.replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.count % 4) % 4)
        guard let data = Data(base64Encoded: text), let content = try? JSONDecoder().decode(Content.self, from: data),
            content.list == list
        else { return nil }
        return content.last
    }
}
