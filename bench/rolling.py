"""The same update without Slipway: a plain rolling restart by a script, zone after zone, as with kubeadm.

The control plane is the one of bare.py: the programs, flags and certificates that Slipway rendered, in namespaces of their own, but
without the API server's --shutdown-delay-duration, which kubeadm does not set. In front is HAProxy with the settings that kubeadm's
guide shows and its default intervals of checks. A program is replaced as the kubelet does it with a static pod: SIGTERM, SIGKILL
after 30 s, then the new one; the next comes when it says that it is well. Nothing is drained, and no leader is moved beforehand.
"""
import ssl
import subprocess
import time
import urllib.request

from bare import PROGRAMS, BareControlPlane
from region import poll, ready

GRACE = 30  # seconds; a pod's terminationGracePeriodSeconds
BALANCER = "load-balancer"


class RollingControlPlane(BareControlPlane):
    def __init__(self, cluster_directory, builds, endpoint):
        """builds: where programs of releases are; endpoint: the address of the cluster's endpoint."""
        super().__init__(cluster_directory, builds.releases / "artifacts")
        self.builds, self.running = builds, {}
        self.places[BALANCER] = endpoint
        for spec in self.specs:
            for component in spec["components"]:
                component["arguments"] = [a for a in component["arguments"] if not a.startswith("--shutdown-delay-duration")]

    def boot(self):
        seconds = super().boot()
        servers = [spec for spec in self.specs if spec["role"] == "apiServer"]
        path = self.directory / "haproxy.cfg"
        path.write_text(haproxy(self.places[BALANCER], {s["id"]["name"]: s["address"] for s in servers}))
        self.launch(BALANCER, "haproxy", ["haproxy", "-db", "-f", path])
        poll(lambda: ready(f"https://{self.places[BALANCER]}"), 60, "the bare control plane's endpoint", every=0.1)
        return seconds

    def start(self, spec, component):
        process = super().start(spec, component)
        self.running[spec["id"]["name"], component["kind"]] = process
        return process

    def update(self, release):
        """Zone after zone: etcd, then the API server and what runs beside it."""
        for zone in sorted({spec["zone"] for spec in self.specs}):
            for role in ("etcd", "apiServer"):
                for spec in self.specs:
                    if spec["zone"] == zone and spec["role"] == role:
                        self.replace(spec, release)

    def replace(self, spec, release):
        for component in spec["components"]:
            if component["kind"] not in PROGRAMS:
                continue
            process = self.running[spec["id"]["name"], component["kind"]]
            process.terminate()
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            component["artifact"]["sha256"] = release.digests[component["artifact"]["name"]]
            self.start(spec, component)
            poll(lambda: self.is_well(spec, component), 120, f"{component['kind']} of {spec['id']['name']}", every=0.2)

    def is_well(self, spec, component):
        if component["kind"] == "etcd":
            return self.etcd_is_well(spec["address"])
        if component["kind"] == "kube-apiserver":
            return ready(f"https://{spec['address']}:6443")
        return self.running[spec["id"]["name"], component["kind"]].poll() is None

    def etcd_is_well(self, address):
        server = next(spec for spec in self.specs if spec["role"] == "apiServer")
        pki = self.directory / "instances" / server["id"]["name"] / "files" / "pki"
        context = ssl.create_default_context(cafile=pki / "etcd-ca.crt")
        context.load_cert_chain(pki / "etcd-client.crt", pki / "etcd-client.key")
        try:
            with urllib.request.urlopen(f"https://{address}:2379/health", timeout=5, context=context) as answer:
                return b"true" in answer.read()
        except OSError:
            return False

    def measured_update(self, release):
        """Seconds."""
        begun = time.monotonic()
        self.update(release)
        return time.monotonic() - begun


def haproxy(address, servers):
    """Timeouts and the check as in https://github.com/kubernetes/kubeadm/blob/main/docs/ha-considerations.md; HAProxy checks every 2 s
    by default, and goes by the third failure."""
    lines = "\n".join(f"    server {name} {server}:6443 check verify none" for name, server in servers.items())
    return f"""
global
    maxconn 4000
defaults
    mode tcp
    retries 1
    option redispatch
    timeout queue 20s
    timeout connect 5s
    timeout client 35s
    timeout server 35s
    timeout check 10s
frontend endpoint
    bind {address}:443
    default_backend apiservers
backend apiservers
    balance roundrobin
    option httpchk
    http-check connect ssl
    http-check send meth GET uri /healthz
    http-check expect status 200
{lines}
"""
