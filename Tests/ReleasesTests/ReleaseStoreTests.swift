import FleetModel
import Foundation
import Releases
import Testing
import Timing

@Suite("A store of releases")
struct ReleaseStoreTests {
    @Test("a directory of programs becomes a release that another process reads the same")
    func roundTrip() async throws {
        try await withTemporaryDirectory { root in
            try FakePrograms.write(to: root + "/programs")
            let lines = Lines()
            let release = try await ReleaseStore(directory: root + "/releases")
                .importRelease(from: .directory(root + "/programs"), progress: lines.handler)
            #expect(release.id.rawValue == "1.30.4-eks.1")
            #expect(release.etcdVersion == "3.5.16")
            #expect(Set(release.artifacts.map(\.name)) == Set(Release.requiredArtifacts + ["etcdctl"]))
            #expect(lines.all.contains { $0.contains("1.30.4-eks.1") })

            let reader = ReleaseStore(directory: root + "/releases")
            #expect(try await reader.releases() == [release])
            for artifact in release.artifacts {
                let path = try reader.verifiedPath(of: artifact)
                #expect(path == "\(root)/releases/artifacts/\(artifact.sha256)/\(artifact.name)")
                #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o755)
            }
            #expect(try await reader.verify(release.id).isEmpty)
        }
    }

    @Test("the same files again are the same release; other files are the next platform version of their minor")
    func platformVersions() async throws {
        try await withTemporaryDirectory { root in
            let store = ReleaseStore(directory: root + "/releases")
            try FakePrograms.write(to: root + "/a")
            try FakePrograms.write(to: root + "/b", schedulerSalt: "other")
            try FakePrograms.write(to: root + "/c", kubernetes: "1.30.9")
            try FakePrograms.write(to: root + "/d", kubernetes: "1.31.0")
            let first = try await store.importRelease(from: .directory(root + "/a"))
            #expect(try await store.importRelease(from: .directory(root + "/a")) == first)
            var names: [String] = []
            for folder in ["b", "c", "d"] {
                names.append(try await store.importRelease(from: .directory("\(root)/\(folder)")).id.rawValue)
            }
            #expect(names == ["1.30.4-eks.2", "1.30.9-eks.3", "1.31.0-eks.1"])
            #expect(
                try await store.releases().map(\.id.rawValue) == ["1.31.0-eks.1", "1.30.9-eks.3", "1.30.4-eks.2", "1.30.4-eks.1"])
        }
    }

    @Test("a changed byte is found, also when the file was found good before, and importing again repairs it", arguments: [false, true])
    func changedByte(remembered: Bool) async throws {
        try await withTemporaryDirectory { root in
            try FakePrograms.write(to: root + "/programs")
            let store = ReleaseStore(directory: root + "/releases", time: remembered ? .daysLater : .system)
            let release = try await store.importRelease(from: .directory(root + "/programs"))
            let artifact = try release.artifact("kube-apiserver")
            let path = try store.verifiedPath(of: artifact)
            try flipByte(of: path)

            let error = try await releaseError { try store.verifiedPath(of: artifact) }
            #expect(error.code == .digestMismatch)
            let found = sha256(try String(contentsOfFile: path, encoding: .isoLatin1))
            for part in [path, artifact.sha256, found] { #expect(error.message.contains(part)) }
            #expect(try await store.verify(release.id).map(\.artifact) == [artifact])

            #expect(try await store.importRelease(from: .directory(root + "/programs")) == release)
            #expect(try store.verifiedPath(of: artifact) == path)
        }
    }

    @Test("a missing file is found")
    func missingFile() async throws {
        try await withTemporaryDirectory { root in
            try FakePrograms.write(to: root + "/programs")
            let store = ReleaseStore(directory: root + "/releases")
            let release = try await store.importRelease(from: .directory(root + "/programs"))
            let artifact = try release.artifact("etcd")
            try FileManager.default.removeItem(atPath: store.path(of: artifact))
            #expect(try await releaseError { try store.verifiedPath(of: artifact) }.code == .missingFile)
            #expect(try await store.verify(release.id).map(\.error.code) == [.missingFile])
        }
    }

    @Test("removing refuses a release in use, and keeps files that another release has")
    func remove() async throws {
        try await withTemporaryDirectory { root in
            let store = ReleaseStore(directory: root + "/releases")
            try FakePrograms.write(to: root + "/a")
            try FakePrograms.write(to: root + "/b", schedulerSalt: "other")
            let a = try await store.importRelease(from: .directory(root + "/a"))
            let b = try await store.importRelease(from: .directory(root + "/b"))

            let error = try await releaseError { try await store.remove(a.id, inUse: [a.id]) }
            #expect(error.code == .inUse)
            #expect(error.message.contains(a.id.rawValue))

            try await store.remove(a.id, inUse: [b.id])
            #expect(try await store.releases() == [b])
            #expect(try await store.verify(b.id).isEmpty)
            #expect(!FileManager.default.fileExists(atPath: store.path(of: try a.artifact("kube-scheduler"))))

            let unknown = try await releaseError { try await store.remove(a.id, inUse: []) }
            #expect(unknown.code == .notFound)
            #expect(unknown.message.contains(b.id.rawValue))

            try await store.remove(b.id, inUse: [])
            #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/releases/artifacts").isEmpty)
        }
    }

    @Test("many imports at once, as by many processes, make whole releases with names of their own")
    func concurrency() async throws {
        try await withTemporaryDirectory { root in
            let releases = try await withThrowingTaskGroup(of: Release.self) { group in
                for index in 0..<8 {
                    // Four sets of files, each imported twice.
                    let folder = "\(root)/programs-\(index)"
                    try FakePrograms.write(to: folder, schedulerSalt: "\(index / 2)")
                    group.addTask { try await ReleaseStore(directory: root + "/releases").importRelease(from: .directory(folder)) }
                }
                return try await group.reduce(into: Set<Release>()) { $0.insert($1) }
            }
            #expect(Set(releases.map(\.id.rawValue)) == Set((1...4).map { "1.30.4-eks.\($0)" }))
            let store = ReleaseStore(directory: root + "/releases")
            #expect(Set(try await store.releases()) == releases)
            for release in releases { #expect(try await store.verify(release.id).isEmpty) }
            let left = try FileManager.default.contentsOfDirectory(atPath: root + "/releases/artifacts").filter { $0.hasPrefix(".") }
            #expect(left.isEmpty)
        }
    }

    @Test("what a killed import has left is removed by a later one, not at once")
    func leftovers() async throws {
        try await withTemporaryDirectory { root in
            try FakePrograms.write(to: root + "/programs")
            let left = root + "/releases/artifacts/.incoming-1"
            try FakePrograms.write("half a program", to: left)
            _ = try await ReleaseStore(directory: root + "/releases").importRelease(from: .directory(root + "/programs"))
            #expect(FileManager.default.fileExists(atPath: left))
            _ = try await ReleaseStore(directory: root + "/releases", time: .daysLater)
                .importRelease(from: .directory(root + "/programs"))
            #expect(!FileManager.default.fileExists(atPath: left))
        }
    }

    @Test("a file that belongs to no release is taken in by its content")
    func importFile() async throws {
        try await withTemporaryDirectory { root in
            try FakePrograms.write("a program", to: root + "/built")
            let store = ReleaseStore(directory: root + "/releases")
            let artifact = try store.importFile(root + "/built", name: "slipway")
            #expect(artifact == Artifact(name: "slipway", sha256: sha256("a program"), size: 9))
            #expect(try store.importFile(root + "/built", name: "slipway") == artifact)
            // Building again does not reach what was taken in.
            try FakePrograms.write("another one", to: root + "/built")
            #expect(try String(contentsOfFile: store.verifiedPath(of: artifact), encoding: .utf8) == "a program")
        }
    }

    @Test("a manifest that cannot be true is named, and no path leaves the store")
    func badManifests() async throws {
        let digest = String(repeating: "0", count: 64)
        let good = "id: 1.30.4-eks.1\nkubernetesVersion: 1.30.4\nplatformVersion: 1\netcdVersion: 3.5.16\nimportedAt: 0\n"
        let cases = [
            "not: a release", "{", good + "artifacts: [{name: ../../etc/passwd, sha256: '\(digest)', size: 1}]",
            good + "artifacts: [{name: etcd, sha256: ../x, size: 1}]", good.replacing("eks.1", with: "eks.2") + "artifacts: []",
        ]
        for text in cases {
            try await withTemporaryDirectory { root in
                try FakePrograms.write(text, to: root + "/1.30.4-eks.1.yaml")
                let error = try await releaseError { try await ReleaseStore(directory: root).releases() }
                #expect(error.code == .invalidManifest)
                #expect(error.message.contains("1.30.4-eks.1.yaml"))
                // The others are still there.
                try FakePrograms.write(good.replacing("eks.1", with: "eks.3") + "artifacts: []", to: root + "/1.30.4-eks.3.yaml")
                let (releases, problems) = try ReleaseStore(directory: root).readable()
                #expect(releases.map(\.id.rawValue) == ["1.30.4-eks.3"] && problems.count == 1)
            }
        }
    }

    @Test("digests and versions that look like numbers survive the manifest")
    func numbersInManifest() async throws {
        try await withTemporaryDirectory { root in
            let digest = String(repeating: "1", count: 60) + "e001"
            let text = """
                artifacts:
                - {name: etcd, sha256: \(digest), size: 1}
                etcdVersion: 3.5.16
                id: 1.20.2-eks.1
                importedAt: 1.7e9
                kubernetesVersion: 1.20.2
                platformVersion: 1
                """
            try FakePrograms.write(text, to: root + "/1.20.2-eks.1.yaml")
            let release = try await ReleaseStore(directory: root).releases().first
            #expect(release?.artifacts.first?.sha256 == digest)
            #expect(release?.importedAt == 1.7e9)
        }
    }

    private func flipByte(of path: String) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        defer { try? file.close() }
        try file.seek(toOffset: 3)
        try file.write(contentsOf: Data([0x41]))
    }
}
