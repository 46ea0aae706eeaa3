import Foundation
import PKI

extension RegionConfiguration {
    /// What is in the file of `identityProviderAuthorities` now; nil when there is no such setting.
    /// - Throws: `ServerError` (`configuration`) when it cannot be read, or holds no certificates.
    public func issuerAuthorities() throws -> String? {
        guard let path = identityProviderAuthorities else { return nil }
        do {
            return try AuthorityBundle(pem: String(contentsOfFile: path, encoding: .utf8)).pem
        } catch {
            throw ServerError(
                .configuration, "The CAs of identity providers, \(path) ('identityProviderAuthorities'), cannot be read.", cause: error)
        }
    }
}
