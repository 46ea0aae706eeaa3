import ArgumentParser
import FleetModel
import Foundation
import Releases
import SlipwayClient
import SlipwayServer

struct ReleaseListing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the releases on this machine.")

    @OptionGroup var store: ReleaseStoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let releases = try await store.store().releases()
            try output.console.result(
                releases,
                text: releases.isEmpty
                    ? "There is no release. `slipway release import` gets one."
                    : TextTable(
                        header: ["RELEASE", "KUBERNETES", "ETCD", "PROGRAMS", "SIZE"],
                        rows: releases.map {
                            [
                                $0.id.rawValue, $0.kubernetesVersion.description, $0.etcdVersion,
                                $0.artifacts.map(\.name).joined(separator: ", "),
                                "\($0.artifacts.reduce(0) { $0 + $1.size } / 1_000_000) MB",
                            ]
                        }
                    ).text)
        } catch { throw CommandError(error) }
    }
}

struct ReleaseVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Hash every file of releases again; exit code 1 when one is not what it should be.")

    @Argument(help: "Releases (default: all).")
    var releases: [String] = []

    @OptionGroup var store: ReleaseStoreOptions
    @OptionGroup var output: OutputOptions

    /// One release's verdict.
    struct Verdict: Codable {
        var release: String
        var problems: [String]
    }

    func run() async throws {
        do {
            let store = try store.store()
            let ids = releases.isEmpty ? try await store.releases().map(\.id) : releases.map { ReleaseID(rawValue: $0) }
            var verdicts: [Verdict] = []
            for id in ids {
                verdicts.append(Verdict(release: id.rawValue, problems: try await store.verify(id).map(\.description)))
            }
            try output.console.result(
                verdicts,
                text: verdicts.map { verdict in
                    verdict.problems.isEmpty
                        ? "\(verdict.release): good" : verdict.problems.map { "\(verdict.release): \($0)" }.joined(separator: "\n")
                }.joined(separator: "\n"))
            let bad = verdicts.filter { !$0.problems.isEmpty }
            guard bad.isEmpty else {
                throw CommandError(
                    .failed, "\(bad.map(\.release).joined(separator: ", ")): not as imported.",
                    advice: "Import again: `slipway release import`.")
            }
        } catch { throw CommandError(error) }
    }
}

struct ReleaseRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Remove a release that no cluster runs.")

    @Argument(help: "The release, such as 1.33.4-eks.1.")
    var release: String

    @Flag(help: "Also when the region does not answer and so nobody knows whether a cluster runs it.")
    var force = false

    @OptionGroup var store: ReleaseStoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            try await store.store().remove(ReleaseID(rawValue: release), inUse: try await releasesInUse())
            try output.console.result(["removed": release], text: "Removed release \(release).")
        } catch { throw CommandError(error) }
    }

    private func releasesInUse() async throws -> Set<ReleaseID> {
        let files = RegionFiles(directory: store.directory.path)
        guard files.exists else { return [] }
        let region = try RegionOptions.parse(["--data-dir", store.directory.path]).client()
        do {
            return Set(try await region.clusters().flatMap(\.releasesInUse).map { ReleaseID(rawValue: $0) })
        } catch let error as OperatorClientError where error.isUnavailable {
            if force { return [] }
            throw CommandError(
                .failed, "The region in \(files.directory) does not answer, so nobody knows whether a cluster runs \(release).",
                advice: "Start it with `slipway dev up --detach`, or remove the release all the same with --force.")
        }
    }
}
