import Authenticator
import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import SignatureV4
import Subprocess
import Testing
import Timing

/// The unmodified AWS clients against a real listener. A command that is missing makes these fail, as it should.
@Suite struct EKSClientTests {
    /// Runs a script of Python with the environment that `slipway dev env` prints.
    private func run(_ region: EKSTestRegion, _ executable: Executable, _ arguments: [String]) async throws -> (
        status: String, output: String
    ) {
        try await region.application.test(.live) { client in
            let port = try #require(client.port)
            let environment = Environment.inherit.updating([
                "AWS_ENDPOINT_URL_EKS": "http://127.0.0.1:\(port)", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:\(port)",
                "AWS_ACCESS_KEY_ID": region.admin.accessKeyID, "AWS_SECRET_ACCESS_KEY": region.admin.secretAccessKey,
                "AWS_DEFAULT_REGION": "local-1", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
            ])
            let result = try await Subprocess.run(
                executable, arguments: Arguments(arguments), environment: environment, output: .string(limit: 1 << 20),
                error: .string(limit: 1 << 20))
            return ("\(result.terminationStatus)", result.standardOutput + result.standardError)
        }
    }

    @Test(.timeLimit(.minutes(5))) func boto3() async throws {
        let region = try await EKSTestRegion(time: .system)
        _ = try await region.principal("anna", .viewer)
        let (status, output) = try await run(region, .name("python3"), ["-c", Self.script])
        #expect(output.hasSuffix("all good\n"), "\(status)\n\(output)")
        let records = region.audit.records
        #expect(records.allSatisfy { $0.sourceAddress == "127.0.0.1" })
        #expect(records.contains { $0.userAgent?.hasPrefix("Boto3/") == true })
    }

    @Test(.timeLimit(.minutes(5))) func commandLine() async throws {
        let region = try await EKSTestRegion(time: .system)
        try await region.createCluster("ready")
        try await region.activate("ready", endpoint: "https://100.66.0.2", authority: "PEM")
        let script = """
            set -e
            FILE=$(mktemp)
            trap 'rm -f "$FILE"' EXIT
            aws eks create-cluster --name demo --role-arn \(EKSTestRegion.role) --resources-vpc-config subnetIds= --query cluster.status --output text
            aws eks list-clusters --query 'clusters[0]' --output text
            aws sts get-caller-identity --query Arn --output text
            printf '%.11s\\n' "$(aws eks get-token --cluster-name demo --query status.token --output text)"
            aws eks delete-cluster --name demo --query cluster.status --output text
            aws eks wait cluster-active --name ready
            aws eks update-kubeconfig --name ready --kubeconfig "$FILE" >/dev/null
            grep -c -e 'server: https://100.66.0.2' -e 'certificate-authority-data: UEVN' -e 'command: aws' -e get-token "$FILE"
            """
        let (_, output) = try await run(region, .name("bash"), ["-c", script])
        #expect(output == "CREATING\ndemo\narn:aws:iam::000000000000:user/admin\nk8s-aws-v1.\nDELETING\n4\n")
    }

    /// What `aws eks get-token` makes is what the authenticator takes, with nothing but derived keys.
    @Test(.timeLimit(.minutes(5))) func tokens() async throws {
        let region = try await EKSTestRegion(time: .system)
        let command = "aws eks get-token --cluster-name demo --query status.token --output text"
        let token = try await run(region, .name("bash"), ["-c", command]).output.trimmingCharacters(in: .whitespacesAndNewlines)
        let keys = try await region.identity.signingKeys()
        let demo = TokenVerifier(cluster: try ClusterName("demo"), region: "local-1")
        #expect(try demo.verify(token, keys: keys, now: Date()).arn == "arn:aws:iam::000000000000:user/admin")
        #expect(try demo.verify(token, keys: keys, now: Date().addingTimeInterval(800)).accessKeyID == region.admin.accessKeyID)
        #expect(throws: AuthenticatorError.self) { try demo.verify(token, keys: keys, now: Date().addingTimeInterval(1_000)) }
        let other = TokenVerifier(cluster: try ClusterName("other"), region: "local-1")
        #expect(throws: AuthenticatorError.self) { try other.verify(token, keys: keys, now: Date()) }
    }

    @Test(.timeLimit(.minutes(5))) func aThousandRequestsAtOnce() async throws {
        let region = try await EKSTestRegion(time: .system)
        let (status, output) = try await run(region, .name("python3"), ["-c", Self.crowd])
        #expect(output == "1000 answered, 16 created\n", "\(status)\n\(output)")
    }

    private static let crowd = #"""
        import boto3, botocore.config, concurrent.futures, http.client, os, urllib.parse
        eks = boto3.client("eks", config=botocore.config.Config(max_pool_connections=128))
        role = "arn:aws:iam::000000000000:role/eks"

        def create(index):
            # Every name is asked for by several at once.
            return eks.create_cluster(name=f"c{index % 16}", roleArn=role, resourcesVpcConfig={}, clientRequestToken=f"token-{index % 16}")

        def ask(index):
            return create(index) if index % 10 == 0 else eks.list_clusters()

        with concurrent.futures.ThreadPoolExecutor(128) as pool:
            answers = list(pool.map(ask, range(1000)))
        for index in range(16):
            create(index)

        # A large body is refused in words, and the connection goes on.
        place = urllib.parse.urlparse(os.environ["AWS_ENDPOINT_URL_EKS"])
        connection = http.client.HTTPConnection(place.hostname, place.port)
        for headers, status, code in [({}, 403, "MissingAuthenticationTokenException"),
                                      ({"authorization": "AWS4-HMAC-SHA256 x"}, 413, "RequestEntityTooLargeException")]:
            connection.request("POST", "/clusters", body=b"x" * (10 << 20), headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            assert (answer.status, answer.getheader("x-amzn-errortype")) == (status, code), (answer.status, body)
        print(len(answers), "answered,", len(eks.list_clusters()["clusters"]), "created")
        """#

    private static let script = #"""
        import boto3, botocore, json, os, urllib.request
        eks = boto3.client("eks")
        sts = boto3.client("sts")
        role = "arn:aws:iam::000000000000:role/eks"

        def fails(code, call, **arguments):
            try:
                call(**arguments)
            except botocore.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == code, error.response
                assert error.response["Error"]["Message"], error.response
                assert error.response["ResponseMetadata"]["RequestId"], error.response
                return error.response
            raise AssertionError("expected " + code)

        assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:user/admin"
        fails("ResourceNotFoundException", eks.describe_cluster, name="demo")
        for name in ["demo", "one", "two"]:
            made = eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={}, tags={"a b": "c/ü"}, version="1.33")["cluster"]
            assert made["status"] == "CREATING" and made["createdAt"].year > 2000, made
        assert eks.describe_cluster(name="demo")["cluster"]["tags"] == {"a b": "c/ü"}
        error = fails("ResourceInUseException", eks.create_cluster, name="demo", roleArn=role, resourcesVpcConfig={})
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 409 and error["clusterName"] == "demo", error
        token = {"clientRequestToken": "x" * 36}
        eks.create_cluster(name="three", roleArn=role, resourcesVpcConfig={}, **token)
        eks.create_cluster(name="three", roleArn=role, resourcesVpcConfig={}, **token)
        fails("InvalidParameterException", eks.create_cluster, name="four", roleArn="x", resourcesVpcConfig={})
        fails("InvalidRequestException", eks.list_nodegroups, clusterName="demo")
        fails("ResourceInUseException", eks.update_cluster_version, name="demo", version="1.34")
        pages = list(eks.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 3}))
        assert [page["clusters"] for page in pages] == [["demo", "one", "three"], ["two"]], pages
        assert eks.describe_cluster_versions()["clusterVersions"][0]["clusterVersion"] == "1.33"

        anna = "arn:aws:iam::000000000000:user/anna"
        view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
        entry = eks.create_access_entry(clusterName="demo", principalArn=anna, kubernetesGroups=["g"])["accessEntry"]
        assert eks.describe_access_entry(clusterName="demo", principalArn=anna)["accessEntry"] == entry
        eks.update_access_entry(clusterName="demo", principalArn=anna, username="anna")
        eks.associate_access_policy(clusterName="demo", principalArn=anna, policyArn=view, accessScope={"type": "cluster"})
        given = eks.list_associated_access_policies(clusterName="demo", principalArn=anna)["associatedAccessPolicies"]
        assert [policy["policyArn"] for policy in given] == [view], given
        assert eks.list_access_entries(clusterName="demo", associatedPolicyArn=view)["accessEntries"] == [anna]
        assert len(eks.list_access_policies()["accessPolicies"]) >= 5
        eks.disassociate_access_policy(clusterName="demo", principalArn=anna, policyArn=view)
        eks.delete_access_entry(clusterName="demo", principalArn=anna)
        fails("ResourceNotFoundException", eks.describe_access_entry, clusterName="demo", principalArn=anna)

        arn = made["arn"].replace("two", "demo")
        eks.tag_resource(resourceArn=arn, tags={"k": "v"})
        eks.untag_resource(resourceArn=arn, tagKeys=["a b"])
        assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"k": "v"}
        fails("NotFoundException", eks.list_tags_for_resource, resourceArn=arn.replace("demo", "none"))
        assert eks.list_updates(name="demo")["updateIds"] == []
        fails("ResourceNotFoundException", eks.describe_update, name="demo", updateId="x")
        assert eks.delete_cluster(name="demo")["cluster"]["status"] == "DELETING"

        key = os.environ["AWS_ACCESS_KEY_ID"]
        wrong = boto3.client("eks", aws_access_key_id=key, aws_secret_access_key="wrong")
        fails("InvalidSignatureException", wrong.list_clusters)
        stranger = boto3.client("eks", aws_access_key_id="AKIANOBODY", aws_secret_access_key="wrong")
        fails("UnrecognizedClientException", stranger.list_clusters)
        elsewhere = boto3.client("eks", region_name="eu-west-1", endpoint_url=os.environ["AWS_ENDPOINT_URL_EKS"])
        fails("InvalidSignatureException", elsewhere.list_clusters)
        wrong = boto3.client("sts", aws_access_key_id=key, aws_secret_access_key="wrong")
        fails("SignatureDoesNotMatch", wrong.get_caller_identity)
        fails("InvalidAction", sts.get_session_token)

        link = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
        assert "user/admin" in urllib.request.urlopen(link).read().decode()
        print("all good")
        """#
}
