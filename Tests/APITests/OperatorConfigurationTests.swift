import FleetModel
import Foundation
import PKI
import SlipwayServer
import Testing
import Yams

struct OperatorConfigurationTests {
    private func load(_ text: String) throws -> RegionConfiguration {
        let path = FileManager.default.temporaryDirectory.appending(path: "slipway-\(UUID().uuidString).yaml").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try RegionConfiguration.load(path: path)
    }

    @Test func whatIsMissingHasItsDefault() throws {
        let configuration = try load("dataDirectory: /srv/slipway\n")
        #expect(configuration.listen == ListenAddress(host: "127.0.0.1", port: 7480))
        #expect(configuration.region.zones.map(\.rawValue) == ["local-1a", "local-1b", "local-1c"])
        #expect(configuration.secretKeyFile == "/srv/slipway/secret.key")
    }

    @Test(arguments: ["{\"region\": {", "[1, 2]", ""])
    func aBrokenRegionFileIsNamedAndWhatToDo(_ text: String) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "slipway-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let files = RegionFiles(directory: directory.path)
        try text.write(toFile: files.configurationPath, atomically: true, encoding: .utf8)
        let error = #expect(throws: ServerError.self) { try files.configuration() }
        #expect(error?.message.contains(files.configurationPath) == true && error?.message.contains("Correct the file") == true)
    }

    @Test func everyPartIsRead() throws {
        let configuration = try load(
            """
            region: {name: eu-1, zones: [eu-1a, eu-1b, eu-1c], accountID: "123456789012"}
            listen: {host: 0.0.0.0, port: 443}
            addressPool: 100.70.0.0/16
            cells: [a, b]
            store:
              endpoints: ["https://10.0.0.1:2379", "https://10.0.0.2:2379"]
              certificateAuthority: /etc/slipway/ca.crt
              certificate: /etc/slipway/client.crt
              key: /etc/slipway/client.key
            log: {format: text, level: debug}
            """)
        #expect(configuration.region.name == "eu-1" && configuration.cells.count == 2 && configuration.store.endpoints.count == 2)
        #expect(configuration.listen.localURL == "http://127.0.0.1:443")
        // What `dev up` writes is JSON, which YAML takes.
        let json = String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self)
        #expect(try load(json) == configuration)
    }

    @Test func whomIdentityProvidersAreTrustedByIsReadWhenAsked() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "slipway-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "ca.pem").path
        let configuration = try load("identityProviderAuthorities: \(path)\n")
        #expect(throws: ServerError.self) { try configuration.issuerAuthorities() }
        try "no certificate".write(toFile: path, atomically: true, encoding: .utf8)
        let error = #expect(throws: ServerError.self) { try configuration.issuerAuthorities() }
        #expect(error?.message.contains(path) == true)
        let authorities = try ["one", "two"].map { try CertificateAuthority.make(commonName: $0, now: Date()).certificatePEM }
        try authorities.joined().write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try configuration.issuerAuthorities() == authorities.joined())
        #expect(try RegionConfiguration().issuerAuthorities() == nil)
    }

    @Test(arguments: [
        ("listn: {port: 1}", "listn"), ("store: {endpoint: x}", "endpoint"), ("cells: []", "cells"),
        ("addressPool: 100.70.0.1/16", "100.70.0.0/16"), ("addressPool: 100.70.0.0/30", "too small"),
        ("store: {certificate: /x}", "together"), ("region: {name: a, zones: [x], accountID: '1'}", "three zones"),
        ("log: {format: xml}", "format"), ("- 1", ""),
    ])
    func whatIsWrongIsNamed(_ text: String, _ expected: String) throws {
        let error = #expect(throws: ServerError.self) { try load(text) }
        #expect(error?.code == .configuration)
        #expect(expected.isEmpty || error?.description.contains(expected) == true, "\(String(describing: error))")
    }
}
