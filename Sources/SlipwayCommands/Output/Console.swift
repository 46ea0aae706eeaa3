import ArgumentParser
import Foundation
import SlipwayClient

/// How a command's result is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// The option that every command has.
struct OutputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "How to print the result. With json, messages go to standard error.")
    var output: OutputFormat = .text

    var console: Console { Console(format: output) }
}

/// What a command prints: its result on standard output; news of what it does there too, or on standard error in JSON mode.
struct Console: Sendable {
    let format: OutputFormat
    /// Colour and rewriting of lines: only on a terminal, and not where `NO_COLOR` is set (no-color.org).
    let isTerminal: Bool

    init(format: OutputFormat) {
        self.format = format
        isTerminal = isatty(format == .json ? 2 : 1) == 1
    }

    /// The result: `value` in JSON mode, else `text`.
    func result(_ value: some Encodable, text: @autoclosure () -> String) throws {
        switch format {
        case .json: write(String(decoding: try MessageCoding.encoder(pretty: true).encode(value), as: UTF8.self) + "\n", to: 1)
        case .text:
            let text = text()
            if !text.isEmpty { write(text + "\n", to: 1) }
        }
    }

    /// News for people.
    func note(_ text: String) { write(text + "\n", to: format == .json ? 2 : 1) }

    func warn(_ text: String) { write("\(paint("warning:", .yellow)) \(text)\n", to: 2) }

    /// Replaces the last status line; nothing where lines cannot be rewritten.
    func status(_ text: String) {
        guard isTerminal else { return }
        write("\r\u{1B}[2K\(text)", to: format == .json ? 2 : 1)
    }

    enum Colour: Int { case red = 31, green = 32, yellow = 33, dim = 2, bold = 1 }

    func paint(_ text: String, _ colour: Colour) -> String {
        guard isTerminal, ProcessInfo.processInfo.environment["NO_COLOR"] == nil else { return text }
        return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }

    private func write(_ text: String, to descriptor: Int32) {
        let bytes = [UInt8](text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            sent += count
        }
    }
}
