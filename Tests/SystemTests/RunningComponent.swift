import Foundation

/// A component's process, as an operator sees it with `ps`.
struct RunningComponent: Hashable, Sendable {
    var cluster: String
    var instance: String
    /// `kube-apiserver`, `etcd`, `haproxy`…
    var program: String
    var process: Int32

    var name: String { "\(cluster)/\(instance)/\(program)" }
}

extension RegionFixture {
    /// Every process that runs a component of this region's clusters, found by its command line.
    func components() throws -> [RunningComponent] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { entry in
            guard let process = Int32(entry),
                let line = FileManager.default.contents(atPath: "/proc/\(entry)/cmdline"),
                let program = line.split(separator: 0).first.map({ String(decoding: $0, as: UTF8.self) }),
                program.hasPrefix("\(data)/clusters/")
            else { return nil }
            // CLUSTER/instances/INSTANCE/bin/PROGRAM, and CLUSTER/balancer/bin/haproxy.
            let parts = program.dropFirst("\(data)/clusters/".count).split(separator: "/").map(String.init)
            guard parts.count >= 3, let name = parts.last else { return nil }
            return RunningComponent(
                cluster: parts[0], instance: parts[1] == "instances" ? parts[2] : parts[1], program: name, process: process)
        }.sorted { ($0.name, $0.process) < ($1.name, $1.process) }
    }
}
