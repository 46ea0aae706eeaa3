import Glibc

/// Named network namespaces, as `ip netns` keeps them.
enum NetworkNamespace {
    /// Whether a namespace is mounted there: an interrupted `ip netns add` leaves an empty file.
    static func isMounted(_ path: String) -> Bool {
        var own = stat()
        var status = stat()
        // All namespaces are files of one file system, the kernel's nsfs.
        return stat("/proc/self/ns/net", &own) == 0 && stat(path, &status) == 0 && own.st_dev == status.st_dev
    }

    static func names() -> [String] { FileTree.names(in: "/run/netns") }
}
