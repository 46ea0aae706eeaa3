import FleetModel
import Foundation
import Kubernetes
import Testing

/// Compares whole instances with files in `Golden`. `SLIPWAY_UPDATE_GOLDEN=1` writes them anew; look at the difference.
@Suite struct GoldenTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var kubernetes: String
        var etcd: String
        var logs: [String] = []
        var testDescription: String { "Kubernetes \(kubernetes), etcd \(etcd)" }
    }

    @Test(arguments: [
        Case(kubernetes: "1.20.2", etcd: "3.4.23"), Case(kubernetes: "1.25.16", etcd: "3.5.16"),
        Case(kubernetes: "1.30.14", etcd: "3.5.16", logs: ["api", "audit"]), Case(kubernetes: "1.36.2", etcd: "3.6.5"),
    ])
    func apiServerInstance(_ item: Case) throws {
        let spec = try Fixture(kubernetes: item.kubernetes, etcd: item.etcd, enabledLogTypes: item.logs).apiServer()
        try compare(spec.golden, with: "api-server-\(item.kubernetes).txt")
    }

    /// Version 1 of the KMS interface for the old, 2 for the new.
    @Test(arguments: ["1.20.2", "1.30.14"]) func encryptedAPIServerInstance(_ version: String) throws {
        let spec = try Fixture(kubernetes: version, etcd: "3.5.16").encrypted(.settled).apiServer()
        try compare(spec.golden, with: "api-server-encrypted-\(version).txt")
    }

    @Test(arguments: ["1.20.2", "1.36.2"]) func apiServerInstanceWithAnIdentityProvider(_ version: String) throws {
        let spec = try Fixture(kubernetes: version, etcd: "3.5.16").loggingIn().apiServer()
        try compare(spec.golden, with: "api-server-oidc-\(version).txt")
    }

    @Test(arguments: ["3.4.9", "3.4.23", "3.5.1", "3.5.16", "3.6.5"])
    func etcdInstance(_ version: String) throws {
        try compare(try Fixture(kubernetes: "1.30.14", etcd: version).etcd().golden, with: "etcd-\(version).txt")
    }

    private func compare(_ text: String, with name: String, file: String = #filePath) throws {
        let url = URL(filePath: file).deletingLastPathComponent().appending(path: "Golden").appending(path: name)
        if ProcessInfo.processInfo.environment["SLIPWAY_UPDATE_GOLDEN"] == "1" {
            try Data(text.utf8).write(to: url)
        }
        let expected = try String(contentsOf: url, encoding: .utf8)
        let difference = text.split(separator: "\n").difference(from: expected.split(separator: "\n")).map(\.readable)
        #expect(difference.isEmpty, "\(name) differs:\n\(difference.joined(separator: "\n"))")
    }
}

extension CollectionDifference<Substring>.Change {
    fileprivate var readable: String {
        switch self {
        case .insert(let line, let text, _): "line \(line + 1): + \(text)"
        case .remove(let line, let text, _): "line \(line + 1): - \(text)"
        }
    }
}
