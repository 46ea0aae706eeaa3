import FleetModel
import Substrate

/// Who may come in, as files that HAProxy reads when it starts and that are changed in a running one over its socket.
struct AccessLists {
    /// Where the unit's files are.
    let directory: String
    let record: BalancerRecord

    var publicPath: String { "\(directory)/public.lst" }
    var privatePath: String { "\(directory)/private.lst" }

    private var publicBlocks: [IPv4Block] {
        record.access?.publicBlocks ?? [IPv4Block(base: IPv4Address(bits: 0), prefixLength: 0)]
    }
    private var privateBlocks: [IPv4Block] { record.access?.isPrivate == true ? [record.network.block] : [] }

    /// Each file's content, by its path.
    var files: [(path: String, text: String)] {
        [(publicPath, publicBlocks), (privatePath, privateBlocks)].map { path, blocks in
            (path, blocks.map { "\($0)\n" }.joined())
        }
    }

    /// Puts the lists in place of those that a running HAProxy has, each at once ("prepare acl" in its management guide), and
    /// ends the connections of who may no longer come in.
    /// - Throws: `SubstrateError` (`unavailable`, `failed`).
    func apply(_ socket: HAProxySocket) throws {
        for (path, blocks) in [(publicPath, publicBlocks), (privatePath, privateBlocks)] {
            let answer = try socket.say(["prepare acl \(path)"])
            guard let version = answer.split(separator: ":").last.flatMap({ Int($0.trimmed) }) else {
                throw SubstrateError(.failed, "HAProxy does not take a new list of who may come in: \(answer.prefix(200))")
            }
            for block in blocks { _ = try socket.say(["add acl @\(version) \(path) \(block)"]) }
            _ = try socket.say(["commit acl @\(version) \(path)"])
        }
        let ends = Self.sessions(try socket.say(["show sess"])).filter { !mayComeIn($0.source) }
        for session in ends { _ = try socket.say(["shutdown session \(session.id)"]) }
    }

    func mayComeIn(_ source: IPv4Address) -> Bool {
        if publicBlocks.contains(where: { $0.contains(source) }) { return true }
        return source != record.network.gateway && privateBlocks.contains { $0.contains(source) }
    }

    /// Those of the endpoint, from `show sess`: `0x5581…: proto=tcpv4 src=100.66.0.1:4711 fe=endpoint be=apiservers …`.
    static func sessions(_ text: String) -> [(id: String, source: IPv4Address)] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let id = words.first, id.hasPrefix("0x"), words.contains("fe=endpoint"),
                let source = words.first(where: { $0.hasPrefix("src=") })?.dropFirst(4).split(separator: ":").first,
                let address = try? IPv4Address(String(source))
            else { return nil }
            return (String(id.dropLast()), address)
        }
    }
}

extension Substring {
    fileprivate var trimmed: String { String(drop(while: \.isWhitespace).prefix { !$0.isWhitespace }) }
}
