import Foundation

/// What importers need to know of this machine.
public struct ImportEnvironment: Hashable, Sendable {
    /// Where downloads and built programs are kept, outside any checkout.
    public var cacheDirectory: String
    /// The project's scripts; nil when they were not found.
    public var scriptsDirectory: String?
    /// As the download sites name it: `amd64`, `arm64`.
    public var architecture: String
    /// Where Kubernetes and etcd are looked for when no source is named.
    public var kubernetesBase = KubernetesSource.upstreamBase
    public var etcdBase = EtcdSource.upstreamBase

    public init(cacheDirectory: String, scriptsDirectory: String?, architecture: String = ImportEnvironment.machineArchitecture) {
        self.cacheDirectory = cacheDirectory
        self.scriptsDirectory = scriptsDirectory
        self.architecture = architecture
    }

    /// From a process's environment: the cache is `SLIPWAY_CACHE`, else `XDG_CACHE_HOME/slipway`, else `HOME/.cache/slipway`;
    /// the scripts are in `SLIPWAY_SCRIPTS`, else in a folder `scripts` beside one of the program's parent folders;
    /// `SLIPWAY_KUBERNETES_MIRROR` and `SLIPWAY_ETCD_MIRROR` stand in for the upstream sites.
    public init(variables: [String: String] = ProcessInfo.processInfo.environment) {
        func variable(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }
        self.init(
            cacheDirectory: variable("SLIPWAY_CACHE")
                ?? (variable("XDG_CACHE_HOME") ?? (variable("HOME") ?? "/root") + "/.cache") + "/slipway",
            scriptsDirectory: variable("SLIPWAY_SCRIPTS") ?? Self.scriptsNearProgram())
        if let base = variable("SLIPWAY_KUBERNETES_MIRROR") { kubernetesBase = base }
        if let base = variable("SLIPWAY_ETCD_MIRROR") { etcdBase = base }
    }

    /// The release store that all regions of this user share.
    public var releasesDirectory: String { cacheDirectory + "/releases" }

    public static var machineArchitecture: String {
        #if arch(arm64)
            "arm64"
        #else
            "amd64"
        #endif
    }

    private static func scriptsNearProgram() -> String? {
        var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        while folder.path != "/" {
            let scripts = folder.appendingPathComponent("scripts").path
            if FileSystem.isFile(scripts + "/build-kubernetes") { return scripts }
            folder.deleteLastPathComponent()
        }
        return nil
    }
}
