import FleetModel
import Foundation
import PKI
import Testing

@Suite struct CredentialGenerationTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func rotated(_ parts: [RotationIntent.Part] = RotationIntent.Part.allCases) throws -> ClusterCredentials {
        let name = try ClusterName("demo")
        return try #require(try ClusterCredentials.make(cluster: name, now: now).renewed(from: 1, parts, cluster: name, now: now))
    }

    private func used(_ phase: RotationPhase, _ credentials: ClusterCredentials) throws -> ClusterCredentials {
        let intent = RotationIntent(parts: RotationIntent.Part.allCases, phase: phase, present: 1, next: 2)
        return try #require(credentials.used(as: intent.use))
    }

    /// As they were stored before there were generations.
    @Test func credentialsOfBeforeAreOfTheFirstGeneration() throws {
        let made = try ClusterCredentials.make(cluster: try ClusterName("demo"), now: now)
        var object = try #require(try JSONSerialization.jsonObject(with: try JSONEncoder().encode(made)) as? [String: Any])
        for name in ["generation", "others", "outward"] { object[name] = nil }
        let read = try JSONDecoder().decode(ClusterCredentials.self, from: try JSONSerialization.data(withJSONObject: object))
        #expect(read == made && read.generation == 1)
        #expect(read.clusterTrust == read.clusterAuthority.certificatePEM)
        #expect(read.outwardAuthority == read.clusterAuthority)
    }

    @Test func eachPhaseIssuesAndTrustsWhatItIsTo() throws {
        let all = try rotated()
        let (first, second) = (all.generations[0], all.generations[1])
        let (old, new) = (first.clusterAuthority.certificatePEM, second.clusterAuthority.certificatePEM)
        #expect(old != new)
        let expected: [(RotationPhase, issuing: CredentialGeneration, outward: CredentialGeneration, trust: String)] = [
            (.requested, first, first, old), (.trusted, first, first, old + new), (.issued, second, first, old + new),
            (.served, second, second, new + old), (.retiring, second, second, new),
        ]
        for (phase, issuing, outward, trust) in expected {
            let seen = try used(phase, all)
            #expect(seen.clusterAuthority == issuing.clusterAuthority && seen.etcdAuthority == issuing.etcdAuthority, "\(phase)")
            #expect(seen.serviceAccountKey == issuing.serviceAccountKey && seen.frontProxyAuthority == issuing.frontProxyAuthority)
            #expect(seen.outwardAuthority == outward.clusterAuthority, "\(phase)")
            #expect(seen.clusterTrust == trust, "\(phase)")
            let count = trust.count > new.count + 10 ? 2 : 1
            for bundle in [seen.etcdTrust, seen.frontProxyTrust] { #expect(bundle.ranges(of: "BEGIN CERTIFICATE").count == count) }
            #expect(seen.tokenTrust.ranges(of: "BEGIN PUBLIC KEY").count == count)
        }
    }

    @Test func aLeafNamesItsIssuer() throws {
        let all = try rotated()
        let before = try used(.trusted, all).clientCertificate(user: "ada", groups: [], now: now)
        let after = try used(.issued, all).clientCertificate(user: "ada", groups: [], now: now)
        #expect(try CertificateDetails(pem: before.certificatePEM).issuer.contains("kubernetes-ca,"))
        #expect(try CertificateDetails(pem: after.certificatePEM).issuer.contains("kubernetes-ca-2,"))
    }

    @Test func whatIsNotRotatedStays() throws {
        let tokens = try rotated([.serviceAccountKey]).generations
        #expect(tokens[0].clusterAuthority == tokens[1].clusterAuthority && tokens[0].etcdAuthority == tokens[1].etcdAuthority)
        #expect(tokens[0].serviceAccountKey != tokens[1].serviceAccountKey)
        let trusted = try used(.trusted, try rotated([.serviceAccountKey]))
        #expect(trusted.clusterTrust.ranges(of: "BEGIN").count == 1, "the same authority is trusted once")
        let authorities = try rotated([.authorities]).generations
        #expect(authorities[0].serviceAccountKey == authorities[1].serviceAccountKey)
        #expect(authorities[0].frontProxyAuthority != authorities[1].frontProxyAuthority)
    }

    /// One that was made and never used is not taken for the next one: somebody may remember it.
    @Test func aNumberIsNeverUsedAgain() throws {
        let name = try ClusterName("demo")
        let again = try #require(try rotated().renewed(from: 1, [.authorities], cluster: name, now: now))
        #expect(again.generations.map(\.number) == [1, 3])
        #expect(again.used(as: CredentialUse(issuing: 2)) == nil)
    }
}
