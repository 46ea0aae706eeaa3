import Foundation

/// What this process uses, read from `/proc/self`, under the names that Prometheus' client libraries use.
public enum ProcessFigures {
    /// Prometheus text; a figure that cannot be read is left out.
    public static func text() -> String {
        var page = ""
        if let pages = fields("/proc/self/statm").dropFirst().first.flatMap({ Double($0) }) {
            page += gauge("process_resident_memory_bytes", "Resident memory.", pages * Double(sysconf(Int32(_SC_PAGESIZE))))
        }
        // Fields 14 and 15 of proc(5)'s stat, counted behind the name, which may hold blanks.
        if let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8), let end = stat.lastIndex(of: ")") {
            let rest = stat[stat.index(after: end)...].split(separator: " ")
            if rest.count > 12, let user = Double(rest[11]), let system = Double(rest[12]) {
                page += PrometheusRegistry.header("process_cpu_seconds_total", .counter, "User and system CPU time spent.")
                page += "process_cpu_seconds_total \((user + system) / Double(sysconf(Int32(_SC_CLK_TCK))))\n"
            }
        }
        if let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            page += gauge("process_open_fds", "Open file descriptors.", Double(descriptors.count))
        }
        return page
    }

    private static func gauge(_ name: String, _ help: String, _ value: Double) -> String {
        PrometheusRegistry.header(name, .gauge, help) + "\(name) \(Int64(value))\n"
    }

    private static func fields(_ path: String) -> [Substring] {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: " ")
    }
}
