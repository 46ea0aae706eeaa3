import Foundation

/// How a region backs its clusters up.
public struct BackupPolicy: Codable, Hashable, Sendable {
    /// Whether backups are taken by schedule; on demand they always can be.
    public var isScheduled: Bool
    /// Seconds from one scheduled backup of a cluster to the next.
    public var interval: Double
    /// So many of a cluster's newest scheduled backups are kept…
    public var keepLast: Int
    /// …and the newest of each of so many days.
    public var keepDays: Int
    public var location: BackupLocation

    public init(isScheduled: Bool = true, interval: Double = 3600, keepLast: Int = 24, keepDays: Int = 7, location: BackupLocation) {
        self.isScheduled = isScheduled
        self.interval = interval
        self.keepLast = keepLast
        self.keepDays = keepDays
        self.location = location
    }

    /// - Throws: `FleetModelError` (`invalidBackupPolicy`) naming the rule.
    public func check() throws {
        func refuse(_ message: String) -> FleetModelError { FleetModelError(.invalidBackupPolicy, message) }
        guard (60...30 * 86_400).contains(interval) else { throw refuse("The interval between backups must be from 1 minute to 30 days.") }
        guard (1...10_000).contains(keepLast) else { throw refuse("Keep from 1 to 10000 of the last backups.") }
        guard (0...3650).contains(keepDays) else { throw refuse("Keep the daily backups of 0 to 3650 days.") }
        try location.check()
    }
}

/// Where backups are kept.
public enum BackupLocation: Codable, Hashable, Sendable {
    /// Absolute path, on the machine that leads the cluster's cell (or a file system that all of them share).
    case directory(String)
    case s3(S3Location)

    /// For people and lists; no secrets.
    public var summary: String {
        switch self {
        case .directory(let path): path
        case .s3(let place): "s3://\(place.bucket)/\(place.prefix)\(place.endpoint.map { " at \($0)" } ?? "")"
        }
    }

    public func check() throws {
        func refuse(_ message: String) -> FleetModelError { FleetModelError(.invalidBackupPolicy, message) }
        switch self {
        case .directory(let path):
            guard path.hasPrefix("/"), path.count > 1, !path.split(separator: "/").contains("..") else {
                throw refuse("The backup directory '\(path.prefix(200))' must be an absolute path without '..'.")
            }
        case .s3(let place): try place.check()
        }
    }
}

/// A bucket of S3-compatible storage, addressed by path.
public struct S3Location: Codable, Hashable, Sendable {
    /// `https://HOST[:PORT]`; nil: AWS's own of the region.
    public var endpoint: String?
    public var region: String
    public var bucket: String
    /// Begins every object's name: empty, or ends with `/`.
    public var prefix: String
    public var accessKeyID: String
    /// The secret access key, sealed with the region's key; JSON of `SealedBytes`.
    public var sealedSecret: Data

    public init(endpoint: String?, region: String, bucket: String, prefix: String, accessKeyID: String, sealedSecret: Data) {
        self.endpoint = endpoint
        self.region = region
        self.bucket = bucket
        self.prefix = prefix
        self.accessKeyID = accessKeyID
        self.sealedSecret = sealedSecret
    }

    /// The associated data of the sealed secret.
    public var secretContext: String { "backup-location/\(endpoint ?? "aws")/\(bucket)/\(accessKeyID)" }

    /// Without a slash at its end.
    public var url: String { endpoint ?? "https://s3.\(region).amazonaws.com" }

    func check() throws {
        func refuse(_ message: String) -> FleetModelError { FleetModelError(.invalidBackupPolicy, message) }
        func isPlain(_ text: String, _ extra: String) -> Bool {
            text.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) || (65...90).contains($0) || extra.utf8.contains($0) }
        }
        if let endpoint {
            guard endpoint.hasPrefix("https://") || endpoint.hasPrefix("http://"), !endpoint.hasSuffix("/"),
                let url = URL(string: endpoint), url.host() != nil, url.path().isEmpty
            else { throw refuse("The S3 endpoint '\(endpoint.prefix(200))' is not of the form https://HOST or https://HOST:PORT.") }
        }
        guard !region.isEmpty, isPlain(region, "-") else {
            throw refuse("The S3 region '\(region.prefix(80))' is not a name such as us-east-1.")
        }
        guard (3...63).contains(bucket.utf8.count), isPlain(bucket, "-.") else {
            throw refuse("'\(bucket.prefix(80))' is not the name of a bucket: 3 to 63 letters, digits, '-' or '.'.")
        }
        guard prefix.isEmpty || (prefix.hasSuffix("/") && !prefix.hasPrefix("/") && isPlain(prefix, "-._/") && prefix.utf8.count <= 500)
        else {
            throw refuse("The S3 prefix '\(prefix.prefix(80))' must be empty or end with '/': letters, digits, '-', '.', '_' and '/'.")
        }
        guard !accessKeyID.isEmpty, isPlain(accessKeyID, "-_") else { throw refuse("An S3 location needs an access key.") }
    }
}
