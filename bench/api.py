"""Requests per second of DescribeCluster and ListClusters, against moto's server: same requests, same client, in turn."""
import re
import socket
import subprocess
import sys
import time

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from region import Region, poll, result

SECONDS = 5
CONNECTIONS = 16


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def rate(url, access_key, secret, region):
    """wrk sends one signed request over and over; a signature is good for five minutes."""
    request = AWSRequest(method="GET", url=url)
    SigV4Auth(Credentials(access_key, secret), "eks", region).add_auth(request)
    headers = [part for name in ("Authorization", "X-Amz-Date") for part in ("-H", f"{name}: {request.headers[name]}")]
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", *headers, url], capture_output=True, text=True, check=True
    )
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"{url}: errors\n{done.stdout}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))


def compare(region):
    region.create("demo")
    region.wait_active("demo")
    port = free_port()
    moto = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        poll(lambda: listening(port), 60, "moto's server")
        url = f"http://127.0.0.1:{port}"
        name, key, secret = (region.env[k] for k in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
        theirs = boto3.client("eks", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
        theirs.create_cluster(name="demo", roleArn="arn:aws:iam::000000000000:role/bench", resourcesVpcConfig={"subnetIds": []})
        for operation, path in (("DescribeCluster", "/clusters/demo"), ("ListClusters", "/clusters")):
            ours, moto_rate = [], []
            for _ in range(3):
                ours.append(rate(region.env["AWS_ENDPOINT_URL_EKS"] + path, key, secret, name))
                moto_rate.append(rate(url + path, "x", "y", "us-east-1"))
            ours, moto_rate = sorted(ours)[1], sorted(moto_rate)[1]
            result("api", operation=operation, slipway_per_second=ours, moto_per_second=moto_rate, ratio=ours / moto_rate)
            time.sleep(1)
    finally:
        moto.terminate()
        moto.wait()
    region.delete("demo")


if __name__ == "__main__":
    with Region() as region:
        compare(region)
