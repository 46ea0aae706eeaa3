import FleetModel
import Foundation

/// The forms of Amazon resource names that callers give.
enum ARNRules {
    /// `arn:aws:iam::123456789012:role/path/NAME`
    static func isRole(_ text: String) -> Bool { iamName(text, kind: "role") != nil }

    /// `arn:aws:iam::123456789012:user/NAME` or `…:role/NAME`: who an access entry can be for.
    static func isPrincipal(_ text: String) -> Bool { iamName(text, kind: "user") != nil || iamName(text, kind: "role") != nil }

    /// The name behind `user/` or `role/`, path included.
    static func iamName(_ text: String, kind: String) -> String? {
        let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard text.utf8.count <= 2048, parts.count == 6, parts[0] == "arn", parts[1] == "aws" || parts[1].hasPrefix("aws-"),
            parts[2] == "iam", parts[3].isEmpty, parts[4].utf8.count == 12, parts[4].utf8.allSatisfy({ (48...57).contains($0) }),
            parts[5].hasPrefix("\(kind)/")
        else { return nil }
        let name = parts[5].dropFirst(kind.count + 1)
        let isWord = name.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "_+=,.@-/".utf8.contains(byte)
        }
        return !name.isEmpty && !name.hasSuffix("/") && isWord ? String(name) : nil
    }

    static func account(_ text: String) -> String {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count > 4 ? String(parts[4]) : ""
    }

    static func isSecurityGroup(_ text: String) -> Bool {
        text.hasPrefix("sg-") && (4...64).contains(text.utf8.count)
            && text.dropFirst(3).utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "-") }
    }
}

extension Region {
    /// `arn:aws:eks:REGION:ACCOUNT:cluster/NAME`
    public func clusterARN(_ name: String) -> String { "arn:aws:eks:\(self.name):\(accountID):cluster/\(name)" }

    /// `arn:aws:eks:REGION:ACCOUNT:identityproviderconfig/CLUSTER/oidc/NAME/UUID`
    public func identityProviderARN(_ provider: IdentityProvider, of cluster: ClusterName) -> String {
        "arn:aws:eks:\(self.name):\(accountID):identityproviderconfig/\(cluster)/\(IdentityProvider.type)/\(provider.name)/\(provider.id)"
    }

    /// `arn:aws:eks:REGION:ACCOUNT:access-entry/CLUSTER/user/ACCOUNT/NAME/UID`
    public func accessEntryARN(_ entry: AccessEntry) -> String {
        let kind = ARNRules.iamName(entry.principalARN, kind: "user") == nil ? "role" : "user"
        let name = ARNRules.iamName(entry.principalARN, kind: kind) ?? "unknown"
        let account = ARNRules.account(entry.principalARN)
        return "arn:aws:eks:\(self.name):\(accountID):access-entry/\(entry.cluster)/\(kind)/\(account)/\(name)/\(entry.metadata.uid)"
    }
}
