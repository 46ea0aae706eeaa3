import FleetModel
import SimulatedSubstrate
import Substrate

/// The releases of a simulated region: good ones with the same etcd, another one, and one of the next minor; and some that are no
/// good, from the seed.
struct SimulatedReleases: ReleaseCatalog {
    private struct Entry {
        var release: Release
        var flaw: ReleaseFlaw?
    }

    /// Of a new cluster.
    static let first = ReleaseID(rawValue: "1.33.4-eks.1")

    private let entries: [Entry]

    /// An etcd by its version; each has its own program.
    private static let present = "3.5.16"
    private static let later = "3.5.21"
    private static let next = "3.6.4"

    init(random: SeededRandom) {
        var random = random
        let kubernetes33 = KubernetesVersion(major: 1, minor: 33, patch: 4)
        let kubernetes34 = KubernetesVersion(major: 1, minor: 34, patch: 1)
        var entries = [
            Entry(release: Self.release(kubernetes33, 1, etcd: Self.present)),
            Entry(release: Self.release(kubernetes33, 2, etcd: Self.present)),
            Entry(release: Self.release(kubernetes33, 3, etcd: Self.later)),
            Entry(release: Self.release(kubernetes33, 4, etcd: Self.next)),
            Entry(release: Self.release(kubernetes34, 1, etcd: Self.next)),
        ]
        for number in 0..<3 {
            let etcd = random.pick([Self.present, Self.later, Self.next]) ?? Self.present
            let version = number < 2 ? kubernetes33 : kubernetes34
            let release = Self.release(version, number < 2 ? 5 + number : 2, etcd: etcd, isOwn: random.chance(0.5))
            entries.append(Entry(release: release, flaw: Self.flaw(of: release, &random)))
        }
        self.entries = entries
    }

    func releases() async throws -> [Release] { entries.map(\.release) }

    /// In the catalogue's order.
    var ids: [ReleaseID] { entries.map(\.release.id) }

    func isGood(_ id: ReleaseID) -> Bool { entries.first { $0.release.id == id }.map { $0.flaw == nil } ?? false }

    /// For the trace.
    var descriptions: [String] { entries.filter { $0.flaw != nil }.map { "\($0.release.id): \($0.flaw.map { "\($0)" } ?? "")" } }

    /// As the substrate lives by them.
    var simulated: [SimulatedRelease] {
        entries.map { entry in
            let minor = (try? KubernetesVersion(entry.release.etcdVersion).minor) ?? 0
            return SimulatedRelease(id: entry.release.id, etcdMinor: minor, flaw: entry.flaw)
        }
    }

    /// What is wrong shows before an update has ended, which is when all that is new has stood for four seconds: with etcd only in its
    /// own program, and with one of the next minor before the last member has gone over, since nothing can be done about it afterwards.
    private static func flaw(of release: Release, _ random: inout SeededRandom) -> ReleaseFlaw {
        let hasOwnEtcd = release.artifacts.contains { $0.name == "etcd" && $0.sha256.hasSuffix("own") }
        if hasOwnEtcd, random.chance(0.4) {
            let after = release.etcdVersion == next ? Duration.milliseconds(400) : random.duration(.milliseconds(400), .seconds(4))
            return random.chance(0.5) ? .doesNotJoin : .ends(.etcd, after: after)
        }
        let later = random.duration(.seconds(1), .seconds(7))
        let flaws: [ReleaseFlaw] = [
            .cannotBeMade, .ends(.apiServer, after: .milliseconds(300)), .ends(.apiServer, after: later),
            .ends(.scheduler, after: .milliseconds(500)), .neverReady, .failsCheck, .isSlow(3), .neverLeads,
        ]
        return random.pick(flaws) ?? .neverReady
    }

    /// - Parameter isOwn: its etcd is another program than that of other releases, of the same version.
    private static func release(_ version: KubernetesVersion, _ platform: Int, etcd: String, isOwn: Bool = false) -> Release {
        let id = ReleaseID(rawValue: "\(version)-eks.\(platform)")
        return Release(
            id: id, kubernetesVersion: version, platformVersion: platform, etcdVersion: etcd,
            artifacts: Release.requiredArtifacts.map { name in
                let content = name == "etcd" ? (isOwn ? "\(etcd) \(id) own" : etcd) : "\(name) \(id)"
                return Artifact(name: name, sha256: content, size: 1)
            }, importedAt: 0)
    }
}
