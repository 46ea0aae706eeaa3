import FleetModel

/// What an access entry may say. Rules are those of EKS' user guide ("Create access entries"). Pure.
enum AccessRules {
    private static let reservedPrefixes = ["system:", "eks:", "aws:", "amazon:", "iam:"]

    static func principal(_ arn: String?) throws -> String {
        guard let arn, !arn.isEmpty else { throw invalid("The parameter 'principalArn' is required.") }
        guard ARNRules.isPrincipal(arn) else {
            throw invalid(
                "The principalArn '\(arn.prefix(200))' is not of the form arn:aws:iam::123456789012:user/NAME or arn:aws:iam::123456789012:role/NAME."
            )
        }
        return arn
    }

    /// EKS' own choice: a user is itself, a role is its session.
    static func defaultUsername(_ principalARN: String) -> String {
        guard let role = ARNRules.iamName(principalARN, kind: "role") else { return principalARN }
        let name = role.split(separator: "/").last.map(String.init) ?? role
        return "arn:aws:sts::\(ARNRules.account(principalARN)):assumed-role/\(name)/{{SessionName}}"
    }

    static func username(_ text: String) throws -> String {
        guard (1...512).contains(text.utf8.count) else { throw invalid("The username must have 1 to 512 characters.") }
        try refuseReserved(text, "username")
        return text
    }

    static func groups(_ groups: [String]) throws -> [String] {
        guard groups.count <= 64 else { throw invalid("An access entry can have 64 Kubernetes groups at most.") }
        for group in groups {
            guard (1...256).contains(group.utf8.count) else { throw invalid("A Kubernetes group's name must have 1 to 256 characters.") }
            try refuseReserved(group, "kubernetes group name")
        }
        return groups
    }

    private static func refuseReserved(_ text: String, _ what: String) throws {
        guard let prefix = reservedPrefixes.first(where: { text.hasPrefix($0) }) else { return }
        throw invalid("The \(what) \(text.prefix(100)) is invalid, it cannot start with \(prefix)")
    }

    static func type(_ text: String?) throws -> String {
        guard let text, text != "STANDARD" else { return "STANDARD" }
        let known = ["FARGATE_LINUX", "EC2_LINUX", "EC2_WINDOWS", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX"]
        throw invalid(
            known.contains(text)
                ? "Access entries of the type \(text) are not offered by Slipway (yet); use STANDARD."
                : "'\(text.prefix(40))' is not a type of access entry; use STANDARD.")
    }

    static func policy(_ arn: String?) throws -> AccessPolicy {
        guard let arn, !arn.isEmpty else { throw invalid("The parameter 'policyArn' is required.") }
        guard let policy = AccessPolicy(arn: arn) else {
            throw invalid(
                "There is no access policy '\(arn.prefix(200))'; there are \(AccessPolicy.allCases.map(\.arn).joined(separator: ", ")).")
        }
        return policy
    }

    /// - Returns: the namespaces; empty for the whole cluster.
    static func namespaces(_ scope: PolicyAssociation.Scope?) throws -> [String] {
        guard let scope else { throw invalid("The parameter 'accessScope' is required.") }
        let namespaces = scope.namespaces ?? []
        switch scope.type {
        case "cluster":
            guard namespaces.isEmpty else { throw invalid("An access scope of the type cluster has no namespaces.") }
        case "namespace":
            guard (1...100).contains(namespaces.count) else {
                throw invalid("An access scope of the type namespace needs 1 to 100 namespaces.")
            }
            for namespace in namespaces where !isNamespacePattern(namespace) {
                throw invalid("'\(namespace.prefix(80))' is not a Kubernetes namespace, and not the beginning of one with * behind it.")
            }
        default: throw invalid("The type of an access scope is cluster or namespace.")
        }
        return namespaces
    }

    /// Kubernetes: a DNS label; EKS allows one `*` at the end.
    private static func isNamespacePattern(_ text: String) -> Bool {
        func isLetterOrDigit(_ byte: UInt8) -> Bool { (97...122).contains(byte) || (48...57).contains(byte) }
        let hasStar = text.hasSuffix("*")
        let name = hasStar ? text.dropLast() : text[...]
        guard (hasStar ? 0...63 : 1...63).contains(name.utf8.count) else { return false }
        guard name.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }) else { return false }
        return (name.utf8.first.map(isLetterOrDigit) ?? true) && (hasStar || name.utf8.last.map(isLetterOrDigit) == true)
    }

    private static func invalid(_ message: String) -> ClusterServiceError { ClusterServiceError(.invalidParameter, message) }
}
