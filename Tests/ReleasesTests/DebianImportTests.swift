import FleetModel
import Foundation
import Releases
import Testing

@Suite("Importing from Debian")
struct DebianImportTests {
    /// Scripts that do at once what the real ones take minutes for.
    private func writeScripts(to folder: String) throws {
        try FakePrograms.write(
            """
            #!/bin/sh
            set -e
            out=$SLIPWAY_CACHE/kubernetes/1.20.2-debian.2
            mkdir -p $out
            echo '[   3 s] compiling ...'
            for name in kube-apiserver kube-controller-manager kube-scheduler; do
                printf '#!/bin/sh\\n# %s\\necho Kubernetes v1.20.2\\n' $name >$out/$name
                chmod 755 $out/$name
            done
            """, to: folder + "/build-kubernetes")
        try FakePrograms.write(
            """
            #!/bin/sh
            set -e
            out=$SLIPWAY_CACHE/etcd/$1
            mkdir -p $out
            printf '#!/bin/sh\\necho etcd Version: 3.5.16\\n' >$out/etcd
            chmod 755 $out/etcd
            """, to: folder + "/fetch-etcd")
    }

    @Test("with no source named and no site to be reached, Debian's packages are taken by the project's scripts")
    func automaticDebian() async throws {
        try await withTemporaryDirectory { root in
            try writeScripts(to: root + "/scripts")
            var environment = ImportEnvironment(cacheDirectory: root + "/cache", scriptsDirectory: root + "/scripts")
            environment.kubernetesBase = "http://127.0.0.1:1"
            environment.etcdBase = "http://127.0.0.1:1"
            let lines = Lines()
            let release = try await ReleaseStore(directory: root + "/releases")
                .importRelease(from: .automatic, environment: environment, progress: lines.handler)
            #expect(release.id.rawValue == "1.20.2-eks.1")
            #expect(release.etcdVersion == "3.5.16")
            #expect(lines.all.contains("compiling ..."))
            #expect(lines.all.contains { $0.contains("cannot be reached") })
        }
    }

    @Test("a script that fails is quoted")
    func failingScript() async throws {
        try await withTemporaryDirectory { root in
            try writeScripts(to: root + "/scripts")
            try FakePrograms.write("#!/bin/sh\necho 'error: no space left' >&2\nexit 3\n", to: root + "/scripts/build-kubernetes")
            let error = try await releaseError {
                try await ReleaseStore(directory: root + "/releases").importRelease(
                    from: .debian, environment: ImportEnvironment(cacheDirectory: root + "/cache", scriptsDirectory: root + "/scripts"))
            }
            #expect(error.code == .script)
            #expect(error.message.contains("no space left") && error.message.contains("build-kubernetes"))
        }
    }

    @Test("without the scripts the error says where they are looked for")
    func noScripts() async throws {
        try await withTemporaryDirectory { root in
            let error = try await releaseError {
                try await ReleaseStore(directory: root + "/releases").importRelease(
                    from: .debian, environment: ImportEnvironment(cacheDirectory: root + "/cache", scriptsDirectory: nil))
            }
            #expect(error.code == .script)
            #expect(error.message.contains("SLIPWAY_SCRIPTS"))
        }
    }

    @Test("the environment's variables say where things are")
    func environment() {
        let named = ImportEnvironment(variables: [
            "SLIPWAY_CACHE": "/a", "SLIPWAY_SCRIPTS": "/b", "SLIPWAY_KUBERNETES_MIRROR": "http://c", "SLIPWAY_ETCD_MIRROR": "http://d",
        ])
        #expect(named.releasesDirectory == "/a/releases")
        #expect(named.scriptsDirectory == "/b")
        #expect(named.kubernetesBase == "http://c" && named.etcdBase == "http://d")
        #expect(ImportEnvironment(variables: ["HOME": "/h"]).cacheDirectory == "/h/.cache/slipway")
        #expect(ImportEnvironment(variables: ["HOME": "/h", "XDG_CACHE_HOME": "/x"]).cacheDirectory == "/x/slipway")
        // The tests' own program lies in a folder of the project.
        let scripts = ImportEnvironment(variables: [:]).scriptsDirectory
        #expect(scripts?.hasSuffix("/scripts") == true)
    }

    @Test("the real programs of Debian, as `make artifacts` left them, become a release")
    func realPrograms() async throws {
        try await withTemporaryDirectory { root in
            let store = ReleaseStore(directory: root + "/releases")
            let release = try await store.importRelease(from: .debian)
            #expect(release.kubernetesVersion == KubernetesVersion(major: 1, minor: 20, patch: 2))
            #expect(release.etcdVersion == "3.5.16")
            #expect(Set(Release.requiredArtifacts).isSubset(of: Set(release.artifacts.map(\.name))))
            #expect(try await store.verify(release.id).isEmpty)
        }
    }
}
