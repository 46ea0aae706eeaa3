import FleetModel
import Releases
import Testing

@Suite("Importing from directories")
struct DirectoryImportTests {
    private func importing(_ source: (String) -> ImportSource, prepare: (String) throws -> Void) async throws -> Release {
        try await withTemporaryDirectory { root in
            try prepare(root)
            return try await ReleaseStore(directory: root + "/releases").importRelease(from: source(root))
        }
    }

    @Test("versions can be given; then no program is run")
    func givenVersions() async throws {
        let release = try await importing {
            ImportSource(
                kubernetes: .directory($0, version: KubernetesVersion(major: 1, minor: 33, patch: 1)),
                etcd: .directory($0, version: "3.6.1"))
        } prepare: { root in
            for name in Release.requiredArtifacts { try FakePrograms.write("no program", to: "\(root)/\(name)") }
        }
        #expect(release.id.rawValue == "1.33.1-eks.1")
        #expect(release.etcdVersion == "3.6.1")
    }

    @Test("what a builder adds to a version is left out")
    func additions() async throws {
        let release = try await importing({ .directory($0) }) { try FakePrograms.write(to: $0, kubernetes: "1.33.1-eks-1a2b3c4") }
        #expect(release.id.rawValue == "1.33.1-eks.1")
    }

    @Test("programs of different versions are refused")
    func mixedVersions() async throws {
        let error = try await releaseError {
            try await importing({ .directory($0) }) { root in
                try FakePrograms.write(to: root)
                try FakePrograms.write(FakePrograms.kubernetes("1.29.0"), to: root + "/kube-scheduler")
            }
        }
        #expect(error.code == .version)
        #expect(error.message.contains("1.29.0") && error.message.contains("1.30.4"))
    }

    @Test("a program that does not tell its version, or cannot be run, is refused", arguments: ["#!/bin/sh\necho hello\n", "no program"])
    func noVersion(program: String) async throws {
        let error = try await releaseError {
            try await importing({ .directory($0) }) { root in
                try FakePrograms.write(to: root)
                try FakePrograms.write(program, to: root + "/kube-apiserver")
            }
        }
        #expect(error.code == .version)
        #expect(error.message.contains("kube-apiserver"))
    }

    @Test("a directory without a required program is refused")
    func incomplete() async throws {
        let error = try await releaseError {
            try await importing({ .directory($0 + "/nowhere") }) { _ in }
        }
        #expect(error.code == .missingFile)
        #expect(error.message.contains("'etcd'"))
    }

    @Test("a file that is not what SHA256SUMS says is refused")
    func digests() async throws {
        let error = try await releaseError {
            try await importing({ .directory($0) }) { root in
                try FakePrograms.write(to: root)
                try FakePrograms.write("\(sha256("other"))  kube-scheduler\n", to: root + "/SHA256SUMS")
            }
        }
        #expect(error.code == .digestMismatch)
        #expect(error.message.contains("kube-scheduler"))
    }
}
