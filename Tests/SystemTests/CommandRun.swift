import Foundation
import Subprocess
import SystemPackage
import Testing

/// One run of a program, its outputs apart.
struct CommandRun: Sendable {
    var command: String
    /// Exit code; 128 and the signal's number when it was killed.
    var code: Int32
    var output: String
    var errors: String

    var succeeded: Bool { code == 0 }

    /// What went wrong, for a failing test.
    var report: String { "\(command): exit code \(code)\n\(output.suffix(2000))\n\(errors.suffix(2000))" }

    static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], input: String = ""
    ) async throws -> CommandRun {
        var updates: [Environment.Key: String?] = [:]
        for (key, value) in environment { updates[Environment.Key(stringLiteral: key)] = value }
        let result = try await Subprocess.run(
            program.hasPrefix("/") ? .path(FilePath(program)) : .name(program), arguments: Arguments(arguments),
            environment: .inherit.updating(updates), input: .string(input), output: .string(limit: 16 << 20), error: .string(limit: 4 << 20)
        )
        let code: Int32 =
            switch result.terminationStatus {
            case .exited(let code): code
            case .signaled(let signal): 128 + signal
            }
        return CommandRun(
            command: ([program] + arguments).joined(separator: " "), code: code, output: result.standardOutput, errors: result.standardError
        )
    }

    /// The run, which must have succeeded.
    @discardableResult
    func required(_ location: SourceLocation = #_sourceLocation) throws -> CommandRun {
        try #require(succeeded, "\(report)", sourceLocation: location)
        return self
    }

    func json<Value: Decodable>(_ type: Value.Type) throws -> Value { try JSONDecoder().decode(type, from: Data(output.utf8)) }
}

/// Waits for something to become true.
func eventually(
    _ what: String, within limit: Duration = .seconds(60), _ location: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while try await !condition() {
        try #require(clock.now < end, "gave up waiting for: \(what)", sourceLocation: location)
        try await clock.sleep(for: .milliseconds(100))
    }
}
