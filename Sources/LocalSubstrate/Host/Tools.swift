import FleetModel
import Glibc
import Subprocess
import Substrate
import SystemPackage
import Timing

/// Short programs of the host. None outlives its call.
struct Tools: Sendable {
    let time: TimeSource
    /// For files that tools read as their input.
    let directory: String

    init(time: TimeSource, directory: String) {
        self.time = time
        self.directory = directory
        // A supervisor that goes away while it is told something must not end this process too.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Everything that is needed, and the Debian package that has it.
    static let packages: [(tool: String, package: String)] = [
        ("ip", "iproute2"), ("ss", "iproute2"), ("tc", "iproute2"), ("nft", "nftables"), ("haproxy", "haproxy"), ("s6-svscan", "s6"),
        ("s6-supervise", "s6"), ("s6-log", "s6"), ("setsid", "util-linux"), ("nsenter", "util-linux"), ("unshare", "util-linux"),
        ("prlimit", "util-linux"),
        ("sha256sum", "coreutils"), ("stat", "coreutils"), ("env", "coreutils"),
    ]
    static let searchPath = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    static func path(_ tool: String) -> String? {
        searchPath.lazy.map { "\($0)/\(tool)" }.first { access($0, X_OK) == 0 }
    }

    /// - Throws: `SubstrateError` (`missingTool`) naming the package.
    static func require(_ tool: String) throws -> String {
        guard let path = path(tool) else {
            let package = packages.first { $0.tool == tool }?.package ?? tool
            throw SubstrateError(.missingTool, "The program '\(tool)' is missing; install it with: apt-get install \(package)")
        }
        return path
    }

    /// Runs a tool to its end and returns what it wrote to its standard output.
    /// - Throws: `SubstrateError`: `missingTool`, `timedOut`, `failed` with what the tool said.
    @discardableResult
    func run(_ tool: String, _ arguments: [String], input: String = "", limit: Duration = .seconds(20)) async throws -> String {
        let path = try Self.require(tool)
        let time = time
        let file = try inputFile(input)
        defer { try? file?.close() }
        return try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { try await Self.collect(path, arguments, input: file) }
            group.addTask {
                try await time.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let output = try await group.next() ?? nil else {
                throw SubstrateError(.timedOut, "'\(Self.line(tool, arguments))' did not end within \(Int(limit.seconds)) s and was ended.")
            }
            return output
        }
    }

    /// A file and no pipe: a tool that is ended early leaves nobody writing. It has no name any more.
    private func inputFile(_ input: String) throws -> FileDescriptor? {
        if input.isEmpty { return nil }
        try FileTree.makeDirectory(directory)
        var template = Array("\(directory)/input.XXXXXX".utf8CString)
        let number = mkstemp(&template)
        guard number >= 0 else { throw FileTree.failure("write", "\(directory)/input", errno) }
        unlink(template)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        let file = FileDescriptor(rawValue: number)
        do {
            try file.writeAll(input.utf8)
            try file.seek(offset: 0, from: .start)
            return file
        } catch {
            try? file.close()
            throw FileTree.failure("write", "\(directory)/input", (error as? Errno)?.rawValue ?? EIO)
        }
    }

    private static func collect(_ path: String, _ arguments: [String], input: FileDescriptor?) async throws -> String {
        var options = PlatformOptions()
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .milliseconds(500))]
        let null = try FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec)
        defer { try? null.close() }
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), environment: .custom(["PATH": searchPath.joined(separator: ":")]),
            platformOptions: options, input: .fileDescriptor(input ?? null, closeAfterSpawningProcess: false),
            output: .string(limit: 8 << 20), error: .string(limit: 64 << 10))
        try Task.checkCancellation()
        guard result.terminationStatus.isSuccess else {
            let said = result.standardError
            let code: SubstrateError.Code =
                said.contains("Operation not permitted") || said.contains("Permission denied")
                ? .permission : said.contains("No space left") ? .noSpace : .failed
            throw SubstrateError(code, "'\(line(path, arguments))' failed: \(said.prefix(600)) (\(result.terminationStatus))")
        }
        return result.standardOutput
    }

    private static func line(_ tool: String, _ arguments: [String]) -> String {
        ([tool] + arguments).joined(separator: " ").prefix(200).description
    }
}
