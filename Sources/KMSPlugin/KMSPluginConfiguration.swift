import Foundation

/// What `slipway kms-plugin --config FILE` reads (JSON).
public struct KMSPluginConfiguration: Codable, Hashable, Sendable {
    /// `KeyPackage`, of mode 0600.
    public var keysFile: String
    /// What version 2 of the interface is to call itself: `v2`, or `v2beta1` for Kubernetes 1.27 and 1.28, which take no other.
    public var statusVersion: String

    public init(keysFile: String, statusVersion: String = "v2") {
        self.keysFile = keysFile
        self.statusVersion = statusVersion
    }

    /// - Throws: `KMSPluginError` when the file cannot be read.
    public init(file: String) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw KMSPluginError("The configuration file \(file) cannot be read: \(error)")
        }
    }
}

/// Why the plugin cannot run, or could not encrypt or decrypt something. Never holds anything secret.
public struct KMSPluginError: Error, Hashable, Sendable, CustomStringConvertible {
    public var message: String
    public init(_ message: String) { self.message = message }
    public var description: String { message }
}
