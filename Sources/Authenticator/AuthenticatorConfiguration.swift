import FleetModel
import Foundation

/// What `slipway authenticator --config FILE` reads (JSON).
public struct AuthenticatorConfiguration: Codable, Hashable, Sendable {
    public var clusterName: ClusterName
    public var region: String
    /// `127.0.0.1:21362`.
    public var listen: String
    /// PEM.
    public var certificateFile: String
    public var keyFile: String
    /// `AccessMappings`, replaced at run time.
    public var mappingsFile: String
    /// `SigningKeyPackage`, replaced at run time.
    public var signingKeysFile: String

    /// - Throws: `AuthenticatorError` when the file cannot be read.
    public init(file: String) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw AuthenticatorError("The configuration file \(file) cannot be read: \(error)")
        }
    }

    var address: (host: String, port: Int) {
        get throws {
            let parts = listen.split(separator: ":")
            guard parts.count == 2, let port = Int(parts[1]) else {
                throw AuthenticatorError("'\(listen)' is no address to listen on; write it like 127.0.0.1:21362.")
            }
            return (String(parts[0]), port)
        }
    }
}

/// Why a token was not accepted, or the authenticator cannot run.
public struct AuthenticatorError: Error, Hashable, Sendable, CustomStringConvertible {
    public var message: String
    public init(_ message: String) { self.message = message }
    public var description: String { message }
}
