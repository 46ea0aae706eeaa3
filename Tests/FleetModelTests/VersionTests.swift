import FleetModel
import Foundation
import Testing

@Suite struct VersionTests {
    @Test func versionsAreReadAndWritten() throws {
        #expect(try KubernetesVersion("1.33") == KubernetesVersion(major: 1, minor: 33))
        #expect(try KubernetesVersion("v1.33.4").description == "1.33.4")
        #expect(try KubernetesVersion("1.33.4").minorVersion.description == "1.33")
    }

    @Test(arguments: ["", "1", "1.", "1.2.3.4", "1.x", "v", "1.-2", "1.2.3-rc1", "vv1.2"])
    func otherTextIsNoVersion(text: String) {
        #expect { try KubernetesVersion(text) } throws: { ($0 as? FleetModelError)?.code == .invalidVersion }
    }

    @Test func theyAreOrderedByNumber() throws {
        let texts = ["1.9.10", "1.10", "1.10.0", "1.10.2", "1.10.10", "2.0"]
        let versions = try texts.map { try KubernetesVersion($0) }
        #expect(versions.shuffled().sorted() == versions)
    }

    @Test func aReleaseKnowsItsFiles() throws {
        let etcd = Artifact(name: "etcd", sha256: "00", size: 1)
        let release = Release(
            id: ReleaseID(rawValue: "1.33.4-eks.1"), kubernetesVersion: try KubernetesVersion("1.33.4"), platformVersion: 1,
            etcdVersion: "3.5.16", artifacts: [etcd], importedAt: 0)
        #expect(try release.artifact("etcd") == etcd)
        #expect { try release.artifact("kube-apiserver") } throws: { ($0 as? FleetModelError)?.code == .invalidRelease }
    }
}
