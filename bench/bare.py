"""Boots a control plane with nothing but namespaces and processes, from what Slipway rendered for the same cluster:
the same programs, flags and certificates. This is what Slipway's creation time is compared with."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from region import ready, run

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


class BareControlPlane:
    def __init__(self, cluster_directory, artifacts):
        """cluster_directory: DATA/clusters/NAME of a cluster that runs; artifacts: where programs are kept by SHA-256."""
        self.directory = pathlib.Path(cluster_directory)
        self.saved = self.directory.parent.parent / "bare-snapshot"
        shutil.rmtree(self.saved, ignore_errors=True)
        shutil.copytree(
            self.directory, self.saved, symlinks=True,
            ignore=lambda _, names: [n for n in names if n in ("scan", "bin", "logs", "data")],
        )
        self.specs = [
            json.loads(path.read_text()) for path in sorted(self.saved.glob("instances/*/spec.json"))
        ]
        self.specs = [spec.get("spec", spec) for spec in self.specs]
        self.specs = [spec for spec in self.specs if spec.get("components") and spec["role"] in ("etcd", "apiServer")]
        self.artifacts = pathlib.Path(artifacts)
        # Namespaces with their addresses.
        self.places = {spec["id"]["name"]: spec["address"] for spec in self.specs}
        self.processes = []

    def boot(self):
        """Seconds from nothing to the first API server that says it is ready, and to both."""
        shutil.copytree(self.saved, self.directory, symlinks=True)
        for spec in self.specs:
            if spec["role"] == "etcd":
                (self.directory / "volumes" / spec["volume"]["name"] / "data").mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        self.network()
        for spec in self.specs:
            for component in spec["components"]:
                if component["kind"] in PROGRAMS:
                    self.start(spec, component)
        urls = [f"https://{spec['address']}:6443" for spec in self.specs if spec["role"] == "apiServer"]
        first = both = None
        while both is None:
            up = [ready(url) for url in urls]
            now = time.monotonic() - start
            if any(up) and first is None:
                first = now
            if all(up):
                both = now
            if now > 120:
                raise SystemExit("the bare control plane did not come up within 120 s")
            time.sleep(0.02)
        return first, both

    def network(self):
        block = self.specs[0]["network"]["block"]
        base, length = block.split("/")
        octets = base.split(".")
        gateway = ".".join(octets[:3] + [str(int(octets[3]) + 1)])
        lines = ["link add swbare type bridge", f"address add {gateway}/{length} dev swbare", "link set swbare up"]
        for index, name in enumerate(self.places):
            space = f"swbare.{name}"
            run("ip", "netns", "add", space)
            lines += [f"link add swbare{index} type veth peer name eth0 netns {space}", f"link set swbare{index} master swbare up"]
        subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
        for name, address in self.places.items():
            inside = f"link set lo up\naddress add {address}/{length} dev eth0\nlink set eth0 up\n"
            subprocess.run(["ip", "-n", f"swbare.{name}", "-batch", "-"], input=inside, text=True, check=True)

    def start(self, spec, component):
        artifact = component["artifact"]
        environment = {**os.environ, **component.get("environment", {})}
        command = [self.artifacts / artifact["sha256"] / artifact["name"], *component["arguments"]]
        return self.launch(spec["id"]["name"], component["kind"], command, environment)

    def launch(self, place, kind, command, environment=None):
        """Runs a command in a place's namespace."""
        with open(self.saved.parent / f"bare-{place}-{kind}.log", "a") as log:
            process = subprocess.Popen(
                ["ip", "netns", "exec", f"swbare.{place}", *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)
        self.processes.append(process)
        return process

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
        for process in self.processes:
            process.wait()
        self.processes = []
        for name in self.places:
            run("ip", "netns", "del", f"swbare.{name}", check=False)
        run("ip", "link", "del", "swbare", check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
