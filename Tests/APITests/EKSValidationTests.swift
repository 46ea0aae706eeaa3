import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import NIOCore
import SignatureV4
import Testing
import Timing

@Suite struct EKSValidationTests {
    private static let vpc = #""resourcesVpcConfig": {}"#
    private static let role = #""roleArn": "\#(EKSTestRegion.role)""#

    @Test(arguments: [
        #"{}"#,
        #"{"name": "demo", \#(vpc)}"#,
        #"{"name": "demo", \#(role)}"#,
        #"{"name": "-demo", \#(role), \#(vpc)}"#,
        #"{"name": "de mo", \#(role), \#(vpc)}"#,
        #"{"name": "\#(String(repeating: "a", count: 101))", \#(role), \#(vpc)}"#,
        #"{"name": "demo", "roleArn": "eks", \#(vpc)}"#,
        #"{"name": "demo", "roleArn": "arn:aws:iam::1:role/x", \#(vpc)}"#,
        #"{"name": "demo", "roleArn": "arn:aws:iam::000000000000:user/x", \#(vpc)}"#,
        #"{"name": "demo", \#(role), \#(vpc), "version": "1.99"}"#,
        #"{"name": "demo", \#(role), \#(vpc), "version": "1.20.2"}"#,
        #"{"name": "demo", \#(role), \#(vpc), "version": "new"}"#,
        #"{"name": "demo", \#(role), "resourcesVpcConfig": {"subnetIds": ["subnet-local-1a", "subnet-local-9z"]}}"#,
        #"{"name": "demo", \#(role), "resourcesVpcConfig": {"subnetIds": ["subnet-local-1a"]}}"#,
        #"{"name": "demo", \#(role), "resourcesVpcConfig": {"subnetIds": ["subnet-local-1a", "subnet-local-1a"]}}"#,
        #"{"name": "demo", \#(role), "resourcesVpcConfig": {"endpointPublicAccess": false, "endpointPrivateAccess": false}}"#,
        #"{"name": "demo", \#(role), "resourcesVpcConfig": {"publicAccessCidrs": ["everywhere"]}}"#,
        #"{"name": "demo", \#(role), "resourcesVpcConfig": {"securityGroupIds": ["default"]}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "kubernetesNetworkConfig": {"serviceIpv4Cidr": "8.8.0.0/16"}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.0.0.0/11"}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.0.0.0/25"}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.0.0.1/16"}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "kubernetesNetworkConfig": {"ipFamily": "ipv6"}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "logging": {"clusterLogging": [{"types": ["everything"], "enabled": true}]}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "tags": {"aws:x": "y"}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "tags": {"": "y"}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "accessConfig": {"authenticationMode": "NONE"}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "accessConfig": {"authenticationMode": "CONFIG_MAP"}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "upgradePolicy": {"supportType": "FOREVER"}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": "x"}}]}"#,
        #"{"name": "demo", \#(role), \#(vpc), "outpostConfig": {"outpostArns": ["x"], "controlPlaneInstanceType": "y"}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "remoteNetworkConfig": {"remoteNodeNetworks": []}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "computeConfig": {"enabled": true}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "storageConfig": {"blockStorage": {"enabled": true}}}"#,
        #"{"name": "demo", \#(role), \#(vpc), "controlPlaneScalingConfig": {"tier": "tier-xl"}}"#,
    ]) func invalidParameter(body: String) async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.call(.post, "/clusters", body)
        #expect(answer.status == 400)
        #expect(answer.errorType == "InvalidParameterException", "\(answer.text)")
        #expect(answer["message"]?.isEmpty == false)
        // Nothing half made is left.
        #expect(try await region.store.list(prefix: "cells/").values.isEmpty)
        #expect(try await region.store.list(prefix: "network-slots/").values.isEmpty)
    }

    @Test func messagesNameWhatThereIs() async throws {
        let region = try await EKSTestRegion()
        let subnet = try await region.call(
            .post, "/clusters",
            #"{"name": "demo", \#(Self.role), "resourcesVpcConfig": {"subnetIds": ["subnet-x", "subnet-local-1a"]}}"#)
        #expect(subnet["message"]?.contains("subnet-local-1a, subnet-local-1b, subnet-local-1c") == true)
        let version = try await region.call(.post, "/clusters", EKSTestRegion.createBody("demo", #""version": "1.99""#))
        #expect(version["message"] == "unsupported Kubernetes version 1.99; this region has 1.33, 1.20")
    }

    @Test func whatIsAllowed() async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.call(
            .post, "/clusters",
            #"""
            {"name": "demo", \#(Self.role), "resourcesVpcConfig": {"subnetIds": ["subnet-local-1c", "subnet-local-1a"],
             "securityGroupIds": ["sg-0123456789abcdef0"], "endpointPrivateAccess": true, "publicAccessCidrs": ["192.0.2.0/24"]},
             "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4", "elasticLoadBalancing": {"enabled": false}},
             "logging": {"clusterLogging": [{"types": ["audit", "api"], "enabled": true}, {"types": ["scheduler"], "enabled": false}]},
             "upgradePolicy": {"supportType": "STANDARD"}, "zonalShiftConfig": {"enabled": true}, "encryptionConfig": [],
             "computeConfig": {"enabled": false}, "bootstrapSelfManagedAddons": true, "somethingNew": {"a": [1, 2]},
             "controlPlaneScalingConfig": {"tier": "standard"}, "accessConfig": {"authenticationMode": "API"}}
            """#)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer["cluster", "zonalShiftConfig", "enabled"] == "1")
        #expect(answer["cluster", "computeConfig", "enabled"] == "0")
        #expect(answer.text.contains(#"{"enabled":true,"types":["api","audit"]}"#))
        #expect(answer.text.contains(#""subnetIds":["subnet-local-1c","subnet-local-1a"]"#))
    }

    @Test(arguments: [
        "{", "[]", "\"demo\"", "not json", #"{"name": 7}"#, #"{"name": "demo", "tags": []}"#,
        #"{"name": "demo", "deletionProtection": "yes"}"#,
        #"{"name": "demo", "resourcesVpcConfig": {"subnetIds": "subnet-local-1a"}}"#, #"{"tags": {"a": 1}}"#,
        String(repeating: "[", count: 100_000),
    ]) func brokenBodies(body: String) async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.call(.post, "/clusters", body)
        #expect(answer.status == 400)
        #expect(answer.errorType == "SerializationException", "\(answer.text)")
    }

    @Test func largeBodies() async throws {
        let region = try await EKSTestRegion()
        let body = #"{"name": "\#(String(repeating: "x", count: 10 << 20))"}"#
        let answer = try await region.call(.post, "/clusters", body)
        #expect(answer.status == 413)
        #expect(answer.errorType == "RequestEntityTooLargeException")
        #expect(answer["message"]?.isEmpty == false)
    }

    @Test(arguments: [
        ("POST", "/clusters/demo/pod-identity-associations", "CreatePodIdentityAssociation"),
        ("GET", "/clusters/demo/node-groups", "ListNodegroups"), ("POST", "/clusters/demo/addons", "CreateAddon"),
        ("GET", "/clusters/demo/fargate-profiles/x", "DescribeFargateProfile"),
        ("GET", "/addons/supported-versions", "DescribeAddonVersions"),
        ("POST", "/cluster-registrations", "RegisterCluster"),
        ("GET", "/clusters/demo/certificate-authorities", "ListCertificateAuthorities"),
        ("POST", "/clusters/demo/certificate-authorities/x/activate", "ActivateCertificateAuthority"),
    ]) func unoffered(method: String, path: String, operation: String) async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.call(try #require(HTTPRequest.Method(method)), path, method == "POST" ? "{}" : "")
        #expect(answer.status == 400)
        #expect(answer.errorType == "InvalidRequestException")
        #expect(answer["message"] == "\(operation) is not offered by Slipway (yet).")
    }

    @Test(arguments: [
        ("GET", "/nothing"), ("PUT", "/clusters"), ("GET", "/clusters/a/b/c/d/e/f"), ("GET", "/clusters/%zz"), ("PATCH", "/clusters/x"),
    ])
    func unknownPaths(method: String, path: String) async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.call(try #require(HTTPRequest.Method(method)), path)
        #expect(answer.status == 404)
        #expect(answer.errorType == "UnknownOperationException")
        #expect(answer.headers[.contentType] == "application/json")
    }

    @Test(arguments: ["/clusters/..%2F..%2Fprincipals%2Fadmin", "/clusters/a%2Fb", "/clusters/%00", "/clusters/a%20b"])
    func strangeNames(path: String) async throws {
        let region = try await EKSTestRegion()
        #expect(try await region.call(.get, path).errorType == "ResourceNotFoundException")
    }
}
