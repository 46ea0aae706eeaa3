import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import SystemPackage
import Timing

/// Files from HTTP(S) servers, by their digest: `DIRECTORY/SHA256/NAME`. An interrupted download goes on where it ended.
struct Downloads: Sendable {
    var client: HTTPClient
    var directory: String
    var time: TimeSource

    /// Gives up when a server cannot be connected within 10 s or says nothing for a minute.
    static let configuration: HTTPClient.Configuration = {
        var configuration = HTTPClient.Configuration(timeout: .init(connect: .seconds(10), read: .seconds(60)))
        // A refused connection is said at once instead of being tried again for 10 s.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }()

    /// Whether a server has a file, asked with a HEAD request that may take 5 s.
    func exists(_ url: String) async -> Bool {
        var request = HTTPClientRequest(url: url)
        request.method = .HEAD
        return await (try? client.execute(request, timeout: .seconds(5)).status) == .ok
    }

    /// A small text file.
    func text(_ url: String) async throws -> String {
        let response = try await get(url)
        guard response.status == .ok else { throw Self.refusal(of: url, response.status) }
        do {
            return String(buffer: try await response.body.collect(upTo: 1 << 20))
        } catch {
            throw ReleaseError(.download, "\(url) could not be read.", cause: error)
        }
    }

    /// Downloads a file unless it is here.
    /// - Returns: where it is.
    /// - Throws: `ReleaseError` (`download`, `digestMismatch`).
    func file(_ url: String, sha256: String, progress: ProgressLog) async throws -> String {
        let name = (url as NSString).lastPathComponent
        let folder = "\(directory)/\(sha256)"
        let path = "\(folder)/\(name)"
        try FileSystem.createDirectory(folder)
        return try await FileLock.hold("\(folder)/.lock", time: time) {
            if FileSystem.isFile(path), try FileDigest.sha256(of: path).sha256 == sha256 { return path }
            let part = path + ".part"
            let resumed = FileSystem.isFile(part)
            try await fetch(url, into: part, name: name, progress: progress)
            var found = try FileDigest.sha256(of: part).sha256
            if found != sha256, resumed {
                progress.say("\(name): what was left of an earlier download does not fit; starting again")
                try FileSystem.remove(part)
                try await fetch(url, into: part, name: name, progress: progress)
                found = try FileDigest.sha256(of: part).sha256
            }
            guard found == sha256 else {
                try FileSystem.remove(part)
                throw ReleaseError(.digestMismatch, "\(url): expected SHA-256 \(sha256), found \(found).")
            }
            try FileSystem.publish(part, as: path, mode: 0o755)
            return path
        }
    }

    /// Gets a file from where `part` ends to its end.
    private func fetch(_ url: String, into part: String, name: String, progress: ProgressLog) async throws {
        let present = FileSystem.isFile(part) ? try FileSystem.fingerprint(part).size : 0
        var response = try await get(url, from: present)
        if response.status == .rangeNotSatisfiable {
            // Nothing is left to send, or the file has changed: the digest will tell; without one byte asked for, start again.
            try FileSystem.remove(part)
            response = try await get(url)
        }
        guard response.status == .ok || response.status == .partialContent else { throw Self.refusal(of: url, response.status) }
        var received = response.status == .partialContent ? present : 0
        let total = response.headers.first(name: "content-length").flatMap(Int64.init).map { $0 + received }
        do {
            let file = try FileDescriptor.open(
                part, .writeOnly, options: received == 0 ? [.create, .truncate] : [.append], permissions: [.ownerReadWrite])
            defer { try? file.close() }
            progress.say("\(name): \(Self.megabytes(received)) of \(total.map(Self.megabytes) ?? "?") MB")
            var told = time.uptime
            for try await buffer in response.body {
                _ = try file.writeAll(buffer.readableBytesView)
                received += Int64(buffer.readableBytes)
                if time.uptime - told >= .seconds(2) {
                    told = time.uptime
                    progress.say("\(name): \(Self.megabytes(received)) of \(total.map(Self.megabytes) ?? "?") MB")
                }
            }
        } catch {
            throw ReleaseError(
                .download, "\(url): broke off after \(Self.megabytes(received)) MB; import again to go on from there.", cause: error)
        }
    }

    private func get(_ url: String, from offset: Int64 = 0) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: url)
        if offset > 0 { request.headers.add(name: "range", value: "bytes=\(offset)-") }
        do {
            // The deadline covers the body too: a slow line may take long; a dead one ends by the read timeout.
            return try await client.execute(request, timeout: .hours(6))
        } catch {
            throw ReleaseError(.download, "\(url) cannot be reached.", cause: error)
        }
    }

    private static func refusal(of url: String, _ status: HTTPResponseStatus) -> ReleaseError {
        status == .notFound
            ? ReleaseError(.download, "\(url) does not exist (404); is there such a version?")
            : ReleaseError(.download, "\(url): the server answered \(status.code) \(status.reasonPhrase).")
    }

    private static func megabytes(_ bytes: Int64) -> String { String(format: "%.1f", Double(bytes) / 1e6) }
}
