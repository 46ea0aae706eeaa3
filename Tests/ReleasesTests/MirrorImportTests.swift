import Crypto
import FleetModel
import Foundation
import Releases
import Testing

@Suite("Importing from download sites")
struct MirrorImportTests {
    private static let version = KubernetesVersion(major: 1, minor: 36, patch: 2)

    private static func kubernetesFiles(_ version: KubernetesVersion = version) -> [String: Data] {
        var files: [String: Data] = [:]
        for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            let text = FakePrograms.kubernetes("\(version)", salt: name)
            files["/v\(version)/bin/linux/amd64/\(name)"] = Data(text.utf8)
            files["/v\(version)/bin/linux/amd64/\(name).sha256"] = Data(sha256(text).utf8)
        }
        return files
    }

    private static func etcdFiles(_ version: String) async throws -> [String: Data] {
        try await withTemporaryDirectory { root in
            let archive = try await FakePrograms.archive(etcd: version, in: root)
            let digest = SHA256.hash(data: archive).map { String(format: "%02x", $0) }.joined()
            return [
                "/v\(version)/etcd-v\(version)-linux-amd64.tar.gz": archive,
                "/v\(version)/SHA256SUMS": Data("\(digest)  etcd-v\(version)-linux-amd64.tar.gz\n".utf8),
            ]
        }
    }

    /// A store, an environment that knows of nothing else, and the mirror.
    private struct Place: Sendable {
        var store: ReleaseStore
        var environment: ImportEnvironment
        var server: MirrorServer

        func importRelease(progress: @escaping ReleaseProgressHandler = { _ in }) async throws -> Release {
            try await store.importRelease(
                from: ImportSource(
                    kubernetes: .mirror(base: server.base, version: version), etcd: .mirror(base: server.base, version: "3.5.16")),
                environment: environment, progress: progress)
        }

        /// Where an interrupted download of the API server waits.
        var part: String {
            "\(environment.cacheDirectory)/downloads/\(sha256(FakePrograms.kubernetes("\(version)", salt: "kube-apiserver")))/kube-apiserver.part"
        }
    }

    private func with(
        _ changes: @escaping @Sendable (inout [String: Data]) -> Void = { _ in }, _ body: @escaping @Sendable (Place) async throws -> Void
    ) async throws {
        var files = Self.kubernetesFiles().merging(try await Self.etcdFiles("3.5.16")) { a, _ in a }
        changes(&files)
        try await withTemporaryDirectory { root in
            try await MirrorServer.serving(files) { server in
                try await body(
                    Place(
                        store: ReleaseStore(directory: root + "/releases"),
                        environment: ImportEnvironment(cacheDirectory: root + "/cache", scriptsDirectory: nil, architecture: "amd64"),
                        server: server))
            }
        }
    }

    @Test("programs and etcd are downloaded and checked; a second import downloads no program again")
    func download() async throws {
        try await with { place in
            let release = try await place.importRelease()
            #expect(release.id.rawValue == "1.36.2-eks.1")
            #expect(release.etcdVersion == "3.5.16")
            #expect(Set(release.artifacts.map(\.name)) == Set(Release.requiredArtifacts + ["etcdctl"]))
            #expect(try await place.store.verify(release.id).isEmpty)
            let before = place.server.requests.count
            #expect(try await place.importRelease() == release)
            let again = place.server.requests.dropFirst(before)
            #expect(again.allSatisfy { $0.contains(".sha256 ") || $0.contains("SHA256SUMS ") }, "\(again)")
            let downloads = try FileManager.default.contentsOfDirectory(atPath: place.environment.cacheDirectory + "/downloads")
            #expect(!downloads.contains { $0.hasPrefix(".unpacked") })
        }
    }

    @Test("a version that the site does not have is said")
    func notFound() async throws {
        try await with { place in
            let error = try await releaseError {
                try await place.store.importRelease(
                    from: ImportSource(
                        kubernetes: .mirror(base: place.server.base, version: KubernetesVersion(major: 1, minor: 99, patch: 0)),
                        etcd: .mirror(base: place.server.base, version: "3.5.16")), environment: place.environment)
            }
            #expect(error.code == .download)
            #expect(error.message.contains("/v1.99.0/") && error.message.contains("404"))
        }
    }

    @Test("a program that is not what its digest says is refused, and nothing of it stays")
    func badDigest() async throws {
        try await with { files in
            files["/v1.36.2/bin/linux/amd64/kube-scheduler.sha256"] = Data(sha256("another file").utf8)
        } _: { place in
            let error = try await releaseError { try await place.importRelease() }
            #expect(error.code == .digestMismatch)
            #expect(error.message.contains("kube-scheduler") && error.message.contains(sha256("another file")))
            #expect(try await place.store.releases().isEmpty)
            let folder = "\(place.environment.cacheDirectory)/downloads/\(sha256("another file"))"
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }.isEmpty)
        }
    }

    @Test("an etcd archive that is not listed, or not what the list says, is refused", arguments: ["", "bad"])
    func badArchive(kind: String) async throws {
        try await with { files in
            let line = kind.isEmpty ? "" : "\(sha256("another file"))  etcd-v3.5.16-linux-amd64.tar.gz\n"
            files["/v3.5.16/SHA256SUMS"] = Data(line.utf8)
        } _: { place in
            let error = try await releaseError { try await place.importRelease() }
            #expect(error.code == (kind.isEmpty ? .download : .digestMismatch))
            #expect(error.message.contains("etcd-v3.5.16-linux-amd64.tar.gz"))
        }
    }

    @Test("a digest that is none is refused")
    func noDigest() async throws {
        try await with { files in
            files["/v1.36.2/bin/linux/amd64/kube-apiserver.sha256"] = Data("<html>hello</html>".utf8)
        } _: { place in
            let error = try await releaseError { try await place.importRelease() }
            #expect(error.code == .download)
            #expect(error.message.contains("kube-apiserver.sha256"))
        }
    }

    @Test("an interrupted download goes on where it ended")
    func resume() async throws {
        try await with { place in
            let whole = FakePrograms.kubernetes("1.36.2", salt: "kube-apiserver")
            try FakePrograms.write(String(whole.prefix(10)), to: place.part)
            _ = try await place.importRelease()
            #expect(place.server.requests.contains("GET /v1.36.2/bin/linux/amd64/kube-apiserver bytes=10-"))
            #expect(!place.server.requests.contains("GET /v1.36.2/bin/linux/amd64/kube-apiserver "))
        }
    }

    @Test("what is left of another file is thrown away", arguments: ["rubbish", String(repeating: "rubbish", count: 1000)])
    func resumeRubbish(rubbish: String) async throws {
        try await with { place in
            try FakePrograms.write(rubbish, to: place.part)
            let release = try await place.importRelease()
            #expect(try await place.store.verify(release.id).isEmpty)
            #expect(place.server.requests.contains("GET /v1.36.2/bin/linux/amd64/kube-apiserver "))
        }
    }

    @Test("a site that nobody answers at is said")
    func unreachable() async throws {
        try await withTemporaryDirectory { root in
            let error = try await releaseError {
                try await ReleaseStore(directory: root + "/releases").importRelease(
                    from: ImportSource(kubernetes: .debian, etcd: .mirror(base: "http://127.0.0.1:1", version: "3.5.16")),
                    environment: ImportEnvironment(cacheDirectory: root + "/cache", scriptsDirectory: nil))
            }
            #expect(error.code == .download)
            #expect(error.message.contains("127.0.0.1:1") && error.message.contains("cannot be reached"))
        }
    }

    @Test("with no source named, the upstream layout is taken when it can be reached")
    func automaticUpstream() async throws {
        let files = Self.kubernetesFiles(KubernetesSource.upstreamVersion)
            .merging(try await Self.etcdFiles(EtcdSource.upstreamVersion)) { a, _ in a }
        try await withTemporaryDirectory { root in
            try await MirrorServer.serving(files) { server in
                var environment = ImportEnvironment(cacheDirectory: root + "/cache", scriptsDirectory: nil, architecture: "amd64")
                environment.kubernetesBase = server.base
                environment.etcdBase = server.base
                let release = try await ReleaseStore(directory: root + "/releases")
                    .importRelease(from: .automatic, environment: environment)
                #expect(release.kubernetesVersion == KubernetesSource.upstreamVersion)
                #expect(release.etcdVersion == EtcdSource.upstreamVersion)
            }
        }
    }
}
