import ArgumentParser
import Foundation
import SlipwayClient

/// `slipway backup policy …`
struct BackupPolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "How often the region backs up, what it keeps, and where.",
        subcommands: [BackupPolicyShow.self, BackupPolicySet.self], defaultSubcommand: BackupPolicyShow.self)

    static func text(_ policy: BackupPolicyDetail) -> String {
        var lines = [
            "Schedule:  \(policy.isScheduled ? "every \(Durations.text(policy.interval))" : "off; backups are taken on demand only")",
            "Keep:      the last \(policy.keepLast), and one of each of the last \(policy.keepDays) days",
        ]
        if let directory = policy.directory { lines.append("Kept in:   \(directory)") }
        if let place = policy.s3 {
            lines += [
                "Kept in:   s3://\(place.bucket)/\(place.prefix) (\(place.endpoint ?? "AWS"), region \(place.region))",
                "Key:       \(place.accessKeyID)",
            ]
        }
        return lines.joined(separator: "\n")
    }
}

struct BackupPolicyShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show the policy.")

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let policy = try await region.client().backupPolicy()
            try output.console.result(policy, text: BackupPolicyCommand.text(policy))
        } catch { throw CommandError(error) }
    }
}

struct BackupPolicySet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change the policy; what is not named stays.",
        discussion: """
            The secret of an S3 location comes from the environment, SLIPWAY_S3_SECRET_ACCESS_KEY, or from --s3-secret-file.
            Backups that were taken before stay where they are, and can be restored from there.
            """)

    @Flag(inversion: .prefixedNo, help: "Take backups by schedule.")
    var schedule: Bool?

    @Option(help: "Time between two backups of a cluster: 30m, 1h, 1d.")
    var interval: String?

    @Option(help: "How many of the newest are kept.")
    var keepLast: Int?

    @Option(help: "Of how many days the newest is kept.")
    var keepDays: Int?

    @Option(help: "Keep backups in this directory, on the machine of the region's service.")
    var directory: String?

    @Option(help: "Keep backups in this bucket.")
    var s3Bucket: String?

    @Option(help: "https://HOST[:PORT] of S3-compatible storage (default: AWS).")
    var s3Endpoint: String?

    @Option(help: "The bucket's region.")
    var s3Region: String = "us-east-1"

    @Option(help: "Begins the names of objects, such as slipway/.")
    var s3Prefix: String = ""

    @Option(help: "ID of the access key.")
    var s3AccessKeyId: String?

    @Option(help: "File that holds the secret access key.")
    var s3SecretFile: String?

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            var request = BackupPolicyRequest()
            request.isScheduled = schedule
            request.interval = try interval.map(Self.seconds)
            request.keepLast = keepLast
            request.keepDays = keepDays
            request.directory = directory.map { URL(filePath: $0).standardizedFileURL.path }
            request.s3 = try location()
            guard request != BackupPolicyRequest() else { throw CommandError(.usage, "Nothing to change was named; see --help.") }
            let policy = try await region.client().setBackupPolicy(request)
            try output.console.result(policy, text: BackupPolicyCommand.text(policy))
        } catch { throw CommandError(error) }
    }

    private func location() throws -> BackupPolicyDetail.S3? {
        guard let s3Bucket else {
            guard s3Endpoint == nil, s3AccessKeyId == nil, s3SecretFile == nil, s3Prefix.isEmpty else {
                throw CommandError(.usage, "--s3-bucket is missing.")
            }
            return nil
        }
        guard directory == nil else { throw CommandError(.usage, "Backups are kept in a directory or in S3, not in both.") }
        guard let s3AccessKeyId else { throw CommandError(.usage, "--s3-access-key-id is missing.") }
        return BackupPolicyDetail.S3(
            endpoint: s3Endpoint, region: s3Region, bucket: s3Bucket, prefix: s3Prefix, accessKeyID: s3AccessKeyId,
            secretAccessKey: try secret())
    }

    private func secret() throws -> String? {
        guard let s3SecretFile else { return ProcessInfo.processInfo.environment["SLIPWAY_S3_SECRET_ACCESS_KEY"] }
        do {
            return try String(contentsOfFile: s3SecretFile, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            throw CommandError(.usage, "The file \(s3SecretFile) cannot be read: \(error)")
        }
    }

    /// `90s`, `30m`, `1h`, `2d`.
    static func seconds(_ text: String) throws -> Double {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let last = text.last, let unit = units[last], let number = Double(text.dropLast()), number > 0, number.isFinite else {
            throw CommandError(.usage, "'\(text)' is not a time such as 30m, 1h or 1d.")
        }
        return number * unit
    }
}
