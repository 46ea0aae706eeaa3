"""A region of its own for the benchmarks: `bin/slipway dev up` with its own data directory, ports and address pool."""
import json
import os
import pathlib
import ssl
import subprocess
import time
import urllib.request

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parent.parent
SLIPWAY = ROOT / "bin" / "slipway"
# Beside whatever region the machine has already.
OPTIONS = ("--port", "7495", "--store-port", "2495", "--address-pool", "100.72.0.0/20")


def run(*command, check=True, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Region:
    def __init__(self, directory="/var/tmp/slipway-bench", options=OPTIONS):
        self.directory = pathlib.Path(directory)
        self.options = options

    def __enter__(self):
        run(SLIPWAY, "dev", "down", "--purge", "--data-dir", self.directory, check=False)
        run(SLIPWAY, "dev", "up", "--detach", "--data-dir", self.directory, *self.options)
        env = dict(os.environ)
        for line in run(SLIPWAY, "dev", "env", "--data-dir", self.directory).splitlines():
            if line.startswith("export "):
                name, _, value = line[len("export "):].partition("=")
                env[name] = value.strip("'\"")
        self.env = env
        self.eks = boto3.client(
            "eks",
            endpoint_url=env["AWS_ENDPOINT_URL_EKS"],
            region_name=env["AWS_DEFAULT_REGION"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 1}, read_timeout=30),
        )
        return self

    def __exit__(self, *_):
        run(SLIPWAY, "dev", "down", "--purge", "--data-dir", self.directory, check=False)

    def slipway(self, *arguments, check=True):
        return run(SLIPWAY, *arguments, check=check, env={**os.environ, "SLIPWAY_DATA_DIR": str(self.directory)})

    def json(self, *arguments):
        return json.loads(self.slipway(*arguments, "--output", "json"))

    def kubeconfig(self, name):
        """The path of an administrator's kubeconfig with a client certificate."""
        path = self.directory / f"{name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(self.slipway("cluster", "kubeconfig", name))
        return path

    def create(self, name, **options):
        return self.eks.create_cluster(
            name=name, roleArn="arn:aws:iam::000000000000:role/bench", resourcesVpcConfig={"subnetIds": []}, **options
        )["cluster"]

    def describe(self, name):
        return self.eks.describe_cluster(name=name)["cluster"]

    def wait_endpoint(self, name, deadline=60):
        return poll(lambda: self.describe(name).get("endpoint"), deadline, f"endpoint of {name}")

    def wait_active(self, name, deadline=180):
        poll(lambda: self.describe(name)["status"] == "ACTIVE", deadline, f"{name} active", every=0.05)

    def delete(self, name, deadline=180):
        self.eks.delete_cluster(name=name)

        def gone():
            try:
                self.describe(name)
                return False
            except self.eks.exceptions.ResourceNotFoundException:
                return True

        poll(gone, deadline, f"{name} gone", every=0.1)


def poll(condition, deadline, what, every=0.02):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(every)
    raise SystemExit(f"not within {deadline} s: {what}")


TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


def ready(url, seconds=1):
    """The API server at `url` says that it is ready. Who gives up after `seconds` also ends what it has checked for him."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=seconds, context=TLS) as answer:
            return answer.status == 200
    except OSError:
        return False


def result(name, **values):
    """One line of results, for bench/report.py."""
    print("RESULT " + json.dumps({"name": name, **values}), flush=True)
