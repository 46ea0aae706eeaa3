import Foundation
import Releases
import Subprocess
import Testing

/// The project's scripts, as far as they decide something.
@Suite("Scripts of the project")
struct ScriptTests {
    private static func bash(_ program: String, in folder: String) async throws -> (output: String, isSuccess: Bool) {
        let result = try await run(
            .name("bash"), arguments: ["-c", program, "test", folder], output: .string(limit: 1 << 20), error: .combinedWithOutput)
        return (result.standardOutput, result.terminationStatus.isSuccess)
    }

    private static func scripts() throws -> String { try #require(ImportEnvironment(variables: [:]).scriptsDirectory) }

    @Test("only Debian's own sources of this release are taken for another suite")
    func debianSources() async throws {
        try await withTemporaryDirectory { root in
            let own = try await Self.bash(". /etc/os-release; echo -n $VERSION_CODENAME", in: root).output
            try FakePrograms.write(
                """
                # Debian
                Types: deb
                URIs: http://one.example/debian
                # a comment inside
                Suites: \(own) \(own)-updates
                Components: main contrib
                Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

                Types: deb
                URIs: http://security.example/debian-security
                Suites: \(own)-security
                Components: main

                Types: deb
                URIs: http://off.example/debian
                Suites: \(own)
                Components: main
                Enabled: no
                """, to: root + "/sources.list.d/debian.sources")
            try FakePrograms.write(
                """
                # deb http://comment.example/debian \(own) main
                deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://two.example/mirror \(own) main # note
                deb http://vendor.example/apt \(own) main
                deb http://three.example/debian/ \(own) main non-free
                deb-src http://four.example/debian \(own) main
                """, to: root + "/sources.list")
            let found = try await Self.bash(". '\(Self.scripts())/lib.sh'; debian_sources deb-src trixie \"$1\"", in: root)
            #expect(
                found.output == """
                    Types: deb-src
                    URIs: http://one.example/debian
                    Suites: trixie
                    Components: main
                    Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

                    Types: deb-src
                    URIs: http://two.example/mirror
                    Suites: trixie
                    Components: main
                    Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

                    Types: deb-src
                    URIs: http://three.example/debian/
                    Suites: trixie
                    Components: main


                    """)
        }
    }

    @Test("the check of imports finds what points upwards and what is not pure")
    func imports() async throws {
        try await withTemporaryDirectory { root in
            try FileManager.default.createDirectory(atPath: root + "/scripts", withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: try Self.scripts() + "/check-imports", toPath: root + "/scripts/check-imports")
            try FakePrograms.write(
                """
                let package = Package(name: "p", targets: [
                    .target(name: "Fleet", dependencies: ["Planning"]),
                    .target(
                        name: "Planning",
                        dependencies: ["FleetModel"]),
                    .target(name: "FleetModel"),
                    .testTarget(name: "FleetTests", dependencies: ["Fleet"]),
                ])
                """, to: root + "/Package.swift")
            try FakePrograms.write("import Foundation\nimport Planning\n", to: root + "/Sources/Fleet/Fleet.swift")
            try FakePrograms.write("public import FleetModel\n", to: root + "/Sources/Planning/Plan.swift")
            try FakePrograms.write("@testable import Fleet\nimport Testing\n", to: root + "/Tests/FleetTests/FleetTests.swift")
            let good = try await Self.bash("\"$1\"/scripts/check-imports", in: root)
            #expect(good.isSuccess, "\(good.output)")

            try FakePrograms.write("import FleetModel\nimport Fleet\nimport NIOCore\n", to: root + "/Sources/Planning/Plan.swift")
            try FakePrograms.write("import struct Planning.Plan\n", to: root + "/Tests/FleetTests/FleetTests.swift")
            let bad = try await Self.bash("\"$1\"/scripts/check-imports", in: root)
            #expect(!bad.isSuccess)
            let lines = Set(bad.output.split(separator: "\n").map(String.init))
            #expect(
                lines == [
                    "Sources/Planning/Plan.swift:2: Planning imports Fleet, which Package.swift does not list among its dependencies",
                    "Sources/Planning/Plan.swift:3: Planning is pure and imports NIOCore",
                    "Tests/FleetTests/FleetTests.swift:1: FleetTests imports Planning, which Package.swift does not list among its dependencies",
                ])
        }
    }

    @Test("the check of rules finds a clock of the system and a trap")
    func rules() async throws {
        try await withTemporaryDirectory { root in
            for folder in ["Planning", "FleetModel", "Substrate", "Timing", "Fleet"] {
                try FakePrograms.write("// Date() is for comments\n", to: "\(root)/Sources/\(folder)/A.swift")
            }
            try FakePrograms.write("let now = Date()\n", to: "\(root)/Sources/Timing/B.swift")
            try FileManager.default.createDirectory(atPath: root + "/scripts", withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: try Self.scripts() + "/check-rules", toPath: root + "/scripts/check-rules")
            let good = try await Self.bash("\"$1\"/scripts/check-rules", in: root)
            #expect(good.isSuccess, "\(good.output)")

            try FakePrograms.write("let now = Date()\nlet x = try! f()\n", to: "\(root)/Sources/Fleet/B.swift")
            try FakePrograms.write("print(1)\n", to: "\(root)/Sources/Planning/B.swift")
            let bad = try await Self.bash("\"$1\"/scripts/check-rules", in: root)
            #expect(!bad.isSuccess)
            for place in ["Sources/Fleet/B.swift:1", "Sources/Fleet/B.swift:2", "Sources/Planning/B.swift:1"] {
                #expect(bad.output.contains(place))
            }
        }
    }
}
