import AsyncHTTPClient
import Foundation
import NIOCore
import SignatureV4
import Timing

/// Backups as objects of a bucket of S3-compatible storage, addressed by path (`ENDPOINT/BUCKET/KEY`).
///
/// What fits in one part is written with one request; more goes up in parts, of which one is in memory, and appears when all
/// are there.
public struct S3BackupStore: BackupStore {
    let requests: S3Requests
    /// Begins every key: empty, or ends with `/`.
    let prefix: String
    /// S3 takes 5 MiB to 5 GiB a part and 10,000 parts an object: 156 GiB with parts of 16 MiB.
    let partSize: Int

    public static let standardPartSize = 16 << 20

    /// - Parameters:
    ///   - endpoint: `https://HOST[:PORT]`.
    ///   - prefix: empty, or ends with `/`.
    public init(
        endpoint: String, region: String, bucket: String, prefix: String, credential: Credential, http: HTTPClient, time: TimeSource,
        partSize: Int = standardPartSize
    ) {
        requests = S3Requests(
            endpoint: endpoint, bucket: bucket, signer: RequestSigner(credential: credential, region: region, service: "s3"), http: http,
            time: time)
        self.prefix = prefix
        self.partSize = partSize
    }

    public func put(_ name: String, _ bytes: ByteStream) async throws {
        try ObjectNames.check(name)
        var parts = PartReader(bytes, size: partSize)
        let first = try await parts.next()
        guard first.isFull else {
            try await requests.send("PUT", key: prefix + name, body: first.bytes)
            return
        }
        let upload = try await begin(name)
        do {
            var tags = [try await send(first.bytes, number: 1, of: upload, name)]
            while true {
                let part = try await parts.next()
                if !part.bytes.isEmpty { tags.append(try await send(part.bytes, number: tags.count + 1, of: upload, name)) }
                guard part.isFull else { break }
            }
            try await complete(upload, tags, name)
        } catch {
            // Parts that nobody completes would be paid for for ever. Also after a cancellation, hence a task of its own.
            let requests = requests
            let key = prefix + name
            await Task { _ = try? await requests.send("DELETE", key: key, query: [("uploadId", upload)]) }.value
            throw error
        }
    }

    private func begin(_ name: String) async throws -> String {
        let answer = try await requests.send("POST", key: prefix + name, query: [("uploads", "")])
        guard let id = S3Text.value("UploadId", in: answer.text) else {
            throw BackupError(.storage, "\(requests.place) did not begin the upload of \(name): \(answer.text.prefix(200))")
        }
        return id
    }

    private func send(_ bytes: [UInt8], number: Int, of upload: String, _ name: String) async throws -> String {
        let answer = try await requests.send(
            "PUT", key: prefix + name, query: [("partNumber", "\(number)"), ("uploadId", upload)], body: bytes)
        guard let tag = answer.entityTag else {
            throw BackupError(.storage, "\(requests.place) gave no ETag for part \(number) of \(name).")
        }
        return tag
    }

    private func complete(_ upload: String, _ tags: [String], _ name: String) async throws {
        let parts = tags.enumerated().map { "<Part><PartNumber>\($0 + 1)</PartNumber><ETag>\(S3Text.escaped($1))</ETag></Part>" }.joined()
        let answer = try await requests.send(
            "POST", key: prefix + name, query: [("uploadId", upload)],
            body: Array("<CompleteMultipartUpload>\(parts)</CompleteMultipartUpload>".utf8))
        // S3 may answer 200 and say in the body that it failed.
        if let code = S3Text.value("Code", in: answer.text) {
            throw BackupError(.storage, "\(requests.place) did not complete the upload of \(name): \(code)")
        }
    }

    public func get(_ name: String, _ receive: @Sendable ([UInt8]) async throws -> Void) async throws {
        try ObjectNames.check(name)
        try await requests.get(key: prefix + name, receive)
    }

    public func list(prefix wanted: String) async throws -> [StoredObject] {
        var found: [StoredObject] = []
        var continuation: String?
        repeat {
            var query = [("list-type", "2"), ("prefix", prefix + wanted)]
            if let continuation { query.append(("continuation-token", continuation)) }
            let text = try await requests.send("GET", key: "", query: query).text
            for entry in S3Text.values("Contents", in: text) {
                guard let key = S3Text.value("Key", in: entry), key.hasPrefix(prefix), let size = S3Text.value("Size", in: entry) else {
                    continue
                }
                found.append(StoredObject(name: String(key.dropFirst(prefix.count)), size: Int64(size) ?? 0))
            }
            continuation = S3Text.value("IsTruncated", in: text) == "true" ? S3Text.value("NextContinuationToken", in: text) : nil
        } while continuation != nil
        return found.sorted { $0.name < $1.name }
    }

    public func delete(_ name: String) async throws {
        try ObjectNames.check(name)
        do {
            try await requests.send("DELETE", key: prefix + name)
        } catch let error as BackupError where error.code == .notFound {}
    }
}

/// Cuts a stream into parts of one size.
private struct PartReader {
    private let source: ByteStream
    private let size: Int
    private var rest: [UInt8] = []

    init(_ source: ByteStream, size: Int) {
        self.source = source
        self.size = size
        rest.reserveCapacity(size + (2 << 20))
    }

    /// A part that is not full is the last.
    mutating func next() async throws -> (bytes: [UInt8], isFull: Bool) {
        while rest.count < size {
            guard let piece = try await source.next() else {
                defer { rest = [] }
                return (rest, false)
            }
            rest += piece
        }
        let part = Array(rest.prefix(size))
        rest.removeFirst(size)
        return (part, true)
    }
}
