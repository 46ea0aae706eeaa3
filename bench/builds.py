"""Releases for the measurements of updates, made of the programs of scripts/artifacts and told from each other by a stamp at the
end of each program."""
import dataclasses
import json
import os
import pathlib
import re
import shutil

from region import SLIPWAY, run

# Well for the first seconds, as long as it starts; then it stands still for four fifths of the time.
SLOW = """#!/bin/sh
PROGRAM "$@" &
server=$!
trap 'kill -CONT $server; kill $server' TERM INT
sleep 12
while kill -0 $server 2>/dev/null; do
    sleep 0.4
    kill -STOP $server
    sleep 1.6
    kill -CONT $server
done
wait $server
"""

# What an API server is told that makes it no good.
BAD_FLAGS = {
    "admission denies all": "--enable-admission-plugins=AlwaysDeny",
    "deployments are not served": "--runtime-config=apps/v1=false",
    "webhooks are not called": "--disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook",
    "watches end after 3 s": "--min-request-timeout=3",
}

KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")

@dataclasses.dataclass(frozen=True)
class Release:
    id: str
    etcd: str
    # SHA-256 by the name of the program.
    digests: dict


class Builds:
    def __init__(self, directory, cache):
        """directory: for what is made here; cache: where scripts/artifacts leaves programs."""
        self.directory, self.cache = pathlib.Path(directory), pathlib.Path(cache)
        self.releases = self.directory / "releases"
        self.kubernetes = sorted(path for path in (self.cache / "kubernetes").iterdir() if (path / "SHA256SUMS").exists())[-1]

    @property
    def version(self):
        return self.kubernetes.name.split("-")[0]

    def etcd(self, suite):
        """The directory of the etcd of a Debian suite."""
        path = self.cache / "etcd" / suite
        if not (path / "etcd").exists():
            raise SystemExit(f"etcd of Debian {suite} is missing: run scripts/fetch-etcd {suite}")
        return path.resolve()

    def good(self, stamp, suite, etcd_stamp=None):
        """The programs as they are, each with a stamp. Without `etcd_stamp` etcd has none: releases of one suite then share it."""
        work = self.copy(stamp)
        for name in KUBERNETES:
            append(work / "kubernetes" / name, stamp)
        if etcd_stamp:
            self.copy_etcd(work, suite)
            append(work / "etcd" / "etcd", etcd_stamp)
        return self.take(work, suite)

    def bad(self, kind, suite):
        """A release that is no good; its etcd is the suite's unless that is what is wrong."""
        work = self.copy("bad")
        program = work / "kubernetes" / "kube-apiserver"
        if kind == "the API server ends at its start":
            write(program, "#!/bin/sh\nexit 1\n")
        elif after := re.fullmatch(r"the API server ends after (\d+) s", kind):
            write(program, f'#!/bin/sh\nexec timeout -s KILL {after[1]} {self.kubernetes}/kube-apiserver "$@"\n')
        elif after := re.fullmatch(r"the API server crashes after (\d+) s", kind):
            # Go takes the signal for its own fault, and ends with a trace.
            write(program, f'#!/bin/sh\nexec timeout -s SEGV {after[1]} {self.kubernetes}/kube-apiserver "$@"\n')
        elif kind == "the API server is never ready":
            write(program, fake(ready=500, status=500))
        elif kind == "the API server is ready and answers 500":
            write(program, fake(ready=200, status=500))
        elif kind == "the API server becomes slow":
            write(program, SLOW.replace("PROGRAM", f"{self.kubernetes}/kube-apiserver"))
        elif kind in BAD_FLAGS:
            write(program, f'#!/bin/sh\nexec {self.kubernetes}/kube-apiserver "$@" {BAD_FLAGS[kind]}\n')
        elif kind == "etcd does not join":
            self.copy_etcd(work, suite)
            write(work / "etcd" / "etcd", "#!/bin/sh\nexec sleep 1000000\n")
        elif kind == "etcd joins and is slow":
            self.copy_etcd(work, suite)
            write(work / "etcd" / "etcd", SLOW.replace("PROGRAM", f"{self.etcd(suite)}/etcd"))
        else:
            raise ValueError(kind)
        return self.take(work, suite)

    def copy(self, name):
        work = self.directory / f"build-{name}"
        shutil.rmtree(work, ignore_errors=True)
        (work / "kubernetes").mkdir(parents=True)
        for program in KUBERNETES:
            shutil.copy2(self.kubernetes / program, work / "kubernetes" / program)
        return work

    def copy_etcd(self, work, suite):
        (work / "etcd").mkdir()
        for program in self.etcd(suite).iterdir():
            if program.name != "SHA256SUMS":
                shutil.copy2(program, work / "etcd" / program.name)

    def take(self, work, suite):
        """Imports what is in `work`, which is removed."""
        version, etcd = self.version, self.etcd(suite)
        own = work / "etcd"
        done = json.loads(run(
            SLIPWAY, "release", "import", "--releases-dir", self.releases, "--kubernetes-dir", work / "kubernetes",
            "--kubernetes-version", version, "--etcd-dir", own if own.exists() else etcd, "--etcd-version", etcd.name, "--output", "json"))
        shutil.rmtree(work)
        return Release(done["id"], done["etcdVersion"], {artifact["name"]: artifact["sha256"] for artifact in done["artifacts"]})

    def program(self, release, name):
        """The path of one of a release's programs."""
        return self.releases / "artifacts" / release.digests[name] / name


def append(path, stamp):
    with open(path, "ab") as file:
        file.write(stamp.encode())


def write(path, text):
    path.write_text(text)
    os.chmod(path, 0o755)


def fake(ready, status):
    """The program of a server that answers with these statuses."""
    text = pathlib.Path(__file__).with_name("fake_apiserver.py").read_text()
    return text.replace('"READY"', f'"{ready}"').replace('"STATUS"', f'"{status}"')
