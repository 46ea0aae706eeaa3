import FleetModel

/// One look at an API server's `/metrics`: what insights need of it.
public struct APIServerMetricsPage: Hashable, Sendable {
    /// APIs that were asked for since the server started and that a coming version does not serve.
    public var deprecated: Set<DeprecatedAPI> = []
    /// Of `kubernetes_build_info`.
    public var version: KubernetesVersion?

    public init(_ page: some StringProtocol) {
        for line in page.split(separator: "\n") {
            if line.hasPrefix("apiserver_requested_deprecated_apis{"), !line.hasSuffix(" 0") {
                if let api = Self.deprecated(Self.labels(line)) { deprecated.insert(api) }
            } else if line.hasPrefix("kubernetes_build_info{") {
                let text = Self.labels(line)["git_version"] ?? Self.labels(line)["gitVersion"]
                version = text.flatMap(KubernetesVersion.init(reported:))
            }
        }
    }

    private static func deprecated(_ labels: [String: String]) -> DeprecatedAPI? {
        // Empty: deprecated, but no release is said that would not serve it.
        guard let text = labels["removed_release"], let removed = try? KubernetesVersion(text), let version = labels["version"],
            let resource = labels["resource"]
        else { return nil }
        return DeprecatedAPI(group: labels["group"] ?? "", version: version, resource: resource, removedIn: removed)
    }

    /// Label values here never hold a quotation mark.
    private static func labels(_ line: some StringProtocol) -> [String: String] {
        guard let open = line.firstIndex(of: "{"), let close = line.lastIndex(of: "}") else { return [:] }
        let parts = line[line.index(after: open)..<close].split(separator: "\"", omittingEmptySubsequences: false)
        var labels: [String: String] = [:]
        for index in stride(from: 0, to: parts.count - 1, by: 2) {
            let name = parts[index].drop { $0 == "," || $0 == " " }.dropLast()
            labels[String(name)] = String(parts[index + 1])
        }
        return labels
    }
}

extension KubernetesVersion {
    /// As programs report theirs: `v1.33.4-eks.1` and `v1.20.2+dirty` name 1.33.4 and 1.20.2.
    public init?(reported text: String) {
        guard let version = try? KubernetesVersion(String(text.prefix { "v.0123456789".contains($0) })) else { return nil }
        self = version
    }
}
