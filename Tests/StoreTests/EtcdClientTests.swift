import EtcdClient
import SlipwayTesting
import Testing
import Timing

@Suite struct EtcdClientTests {
    @Test func endpoints() throws {
        for (text, host, port) in [
            ("127.0.0.1:2379", "127.0.0.1", 2379), ("https://etcd-a.example:1234/", "etcd-a.example", 1234), ("http://etcd", "etcd", 2379),
            ("[::1]:99", "::1", 99), ("[fd00::5]", "fd00::5", 2379),
        ] {
            #expect(try EtcdEndpoint(parsing: text) == EtcdEndpoint(host: host, port: port))
        }
        for text in ["", ":2379", "host:", "host:0", "host:99999", "host:x", "a/b:1", "[::1]x"] {
            #expect(throws: EtcdError.self) { try EtcdEndpoint(parsing: text) }
        }
    }

    @Test func prefixEnds() {
        #expect(EtcdKeys.prefix([97, 47]).end == [97, 48])
        #expect(EtcdKeys.prefix([97, 0xff, 0xff]).end == [98])
        #expect(EtcdKeys.prefix([0xff]) == EtcdKeys(start: [0xff], end: [0]))
        #expect(EtcdKeys.prefix([]) == EtcdKeys(start: [0], end: [0]))
    }

    @Test func mutualTLS() async throws {
        try await EtcdFixture.with(tls: .address) { etcd in
            let status = try await EtcdClient.with(etcd.configuration) { try await $0.status() }
            #expect(status.leader != nil)

            var without = etcd.configuration
            without.tls?.identity = nil
            without.timeout = .seconds(2)
            await expectRefused(without, "no client certificate")

            var stranger = etcd.configuration
            stranger.tls?.certificateAuthority = nil
            stranger.timeout = .seconds(2)
            await expectRefused(stranger, "an authority that did not sign the server's certificate")

            var plain = etcd.configuration
            plain.tls = nil
            plain.timeout = .seconds(2)
            await expectRefused(plain, "plaintext")
        }
    }

    @Test func serverNameIsVerified() async throws {
        try await EtcdFixture.with(tls: .name("etcd.test")) { etcd in
            let status = try await EtcdClient.with(etcd.configuration) { try await $0.status() }
            #expect(status.leader != nil)
            for name in ["somebody.else", nil] {
                var other = etcd.configuration
                other.tls?.serverName = name
                other.timeout = .seconds(2)
                await expectRefused(other, "another server name, or none")
            }
        }
    }

    @Test func deadEndpointIsPassedBy() async throws {
        try await EtcdFixture.with { etcd in
            var configuration = etcd.configuration
            configuration.endpoints.insert(EtcdEndpoint(host: "127.0.0.1", port: 1), at: 0)
            configuration.endpoints.append(EtcdEndpoint(host: "no-such-name.invalid", port: 2379))
            let revisions = try await EtcdClient.with(configuration) { client in
                var revisions: [Int64] = []
                for _ in 0..<20 { revisions.append(try await client.transaction(if: [], then: [.put([1], [])]).revision) }
                return revisions
            }
            #expect(revisions == Array(2...21))
        }
    }

    private func expectRefused(_ configuration: EtcdConfiguration, _ what: Comment) async {
        let error = await #expect(throws: EtcdError.self, what) { try await EtcdClient.with(configuration) { _ = try await $0.status() } }
        #expect([.unavailable, .timedOut].contains(error?.code), what)
    }

    @Test func unreadableCertificateIsSaid() {
        let tls = EtcdTLS(certificateAuthority: .file("/does/not/exist.pem"))
        let error = #expect(throws: EtcdError.self) {
            try EtcdClient(EtcdConfiguration(endpoints: [EtcdEndpoint(host: "127.0.0.1")], tls: tls))
        }
        #expect(error?.code == .invalid)
    }

    @Test(arguments: EtcdFixture.versions) func members(_ version: String) async throws {
        try await EtcdFixture.with(version: version) { etcd in
            try await EtcdClient.with(etcd.configuration) { client in
                let status = try await client.status()
                #expect(status.version == version)
                #expect(status.leader == status.member)
                #expect(status.size > 0)
                let first = try await client.memberList()
                #expect(first.map(\.name) == ["test-0"])
                let learner = try await client.addMember(peerURLs: ["http://127.0.0.1:1"], asLearner: true)
                #expect(learner.isLearner)
                #expect(try await client.memberList().count == 2)
                let early = await #expect(throws: EtcdError.self) { try await client.promoteMember(learner.id) }
                #expect(early?.code == .refused)
                try await client.updateMember(learner.id, peerURLs: ["http://127.0.0.1:2"])
                #expect(try await client.memberList().contains { $0.peerURLs == ["http://127.0.0.1:2"] })
                try await client.removeMember(learner.id)
                #expect(try await client.memberList() == first)
                let gone = await #expect(throws: EtcdError.self) { try await client.removeMember(learner.id) }
                #expect(gone?.code == .notFound)
            }
        }
    }

    @Test(arguments: EtcdFixture.versions) func maintenance(_ version: String) async throws {
        try await EtcdFixture.with(version: version) { etcd in
            try await EtcdClient.with(etcd.configuration) { client in
                _ = try await client.transaction(if: [], then: [.put([1], [UInt8](repeating: 5, count: 100_000))])
                let hash = try await client.hash()
                #expect(try await client.hash() == hash)
                _ = try await client.transaction(if: [], then: [.put([1], [2])])
                #expect(try await client.hash() != hash)
                #expect(try await client.alarms().isEmpty)
                let size = Shared(0)
                try await client.snapshot { piece in size.withLock { $0 += piece.count } }
                // The database and a SHA-256.
                #expect(size.withLock { $0 } % 512 == 32)
                #expect(size.withLock { $0 } > 100_000)
                try await client.defragment()
                #expect(try await client.range(.key([1])).values.map(\.value) == [[2]])
            }
        }
    }

    @Test func leases() async throws {
        try await EtcdFixture.with { etcd in
            try await EtcdClient.with(etcd.configuration) { client in
                let lease = try await client.grantLease(timeToLive: .milliseconds(60_500))
                #expect(lease.timeToLive == .seconds(61))
                #expect(try await client.keepAlive(lease: lease.id) == .seconds(61))
                #expect(try #require(try await client.timeLeft(ofLease: lease.id)) <= .seconds(61))
                try await client.revoke(lease: lease.id)
                #expect(try await client.timeLeft(ofLease: lease.id) == nil)
                let error = await #expect(throws: EtcdError.self) { try await client.keepAlive(lease: lease.id) }
                #expect(error?.code == .notFound)
            }
        }
    }
}
