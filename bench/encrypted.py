"""Many secrets with KMS encryption and without, in one run: how fast they are written, and how fast an API server starts with all of
them. On Kubernetes before 1.27 the plugin speaks version 1 of the interface."""
import base64
import concurrent.futures
import json
import pathlib
import re
import statistics
import time

from endpoint import Client, Endpoint, status_message
from region import poll, ready, result, run

CLIENTS = 16
CHUNKS = 10
STARTS = 5
# Starts in which an API server ends itself are counted and made again, this many at most.
EXTRA_STARTS = 3
PAGE = 500
PATH = "/api/v1/namespaces/default/secrets"
KEPT = ("apiserver_storage_envelope_transformation_cache_misses_total", "apiserver_storage_transformation_operations_total")


class Store:
    """A cluster that is filled with secrets."""

    def __init__(self, region, name, **options):
        self.region, self.name = region, name
        region.create(name, **options)
        region.wait_active(name)
        self.kubeconfig = region.kubeconfig(name)
        self.endpoint = Endpoint(self.kubeconfig, 60)
        self.seconds = 0.0

    def write(self, numbers):
        """Makes secrets with these numbers by 16 clients, and counts the time."""
        begun = time.monotonic()
        shares = [numbers[k::CLIENTS] for k in range(CLIENTS)]
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(self.write_share, shares))
        self.seconds += time.monotonic() - begun

    def write_share(self, numbers):
        client = Client(self.endpoint)
        for number in numbers:
            value = base64.b64encode(f"{number:064d}".encode()).decode()
            body = json.dumps({"metadata": {"name": f"secret-{number}"}, "type": "Opaque", "data": {"password": value}})
            status, content = client.send("POST", PATH, body)
            # The answer to a request that was sent once more says that the first one had arrived.
            if status not in (201, 409):
                raise SystemExit(f"{self.name}: secret {number}: HTTP {status}: {status_message(content)}")
        client.close()

    def server(self):
        """One of its API servers."""
        instances = self.region.json("cluster", "describe", self.name)["instances"]
        return sorted((i for i in instances if i["role"] == "apiServer"), key=lambda i: i["name"])[0]

    def interface(self):
        """The version of the plugin's interface, as its API servers are told."""
        path = self.region.directory / "clusters" / self.name / "instances" / self.server()["name"] / "files" / "kms" / "encryption.yaml"
        return "v2" if "apiVersion: v2" in path.read_text() else "v1"

    def restart(self):
        """Ends an API server's process; s6 starts it again. Seconds from its start until it says that it is ready, and until it answers
        from its watch cache; and what its plugin's cache did until then. None when it ended itself meanwhile."""
        server = self.server()
        service = self.region.directory / "clusters" / self.name / "instances" / server["name"] / "scan" / f"kube-apiserver@{self.name}"
        url = f"https://{server['address']}:6443"
        direct = Endpoint(self.kubeconfig, 300, server["address"], 6443)
        old = poll(lambda: process(service), 60, f"{self.name}: the API server of {server['name']} runs")
        run("s6-svc", "-k", service)
        new = poll(lambda: (seen := process(service)) not in (None, old) and seen, 60, f"{self.name}: s6 starts the API server again")
        begun = started(new)
        poll(lambda: ready(url, 10), 600, f"{self.name}: {server['name']} is ready again")
        at_ready = time.clock_gettime(time.CLOCK_BOOTTIME) - begun
        client = Client(direct)
        # With a resourceVersion the answer comes from the watch cache, as soon as that is filled.
        while client.send("GET", f"{PATH}/secret-0?resourceVersion=1")[0] != 200:
            time.sleep(0.05)
        at_cache = time.clock_gettime(time.CLOCK_BOOTTIME) - begun
        if process(service) != new:
            print(f"{self.name}: the API server of {server['name']} has ended itself")
            return None
        return {"ready": at_ready, "cached": at_cache, **metrics(client)}

    def read_all(self):
        """Reads every secret out of etcd in pages through one API server."""
        server = self.server()
        client = Client(Endpoint(self.kubeconfig, 300, server["address"], 6443))
        before, begun, token, found = metrics(client), time.monotonic(), "", 0
        while True:
            status, content = client.send("GET", f"{PATH}?limit={PAGE}" + (f"&continue={token}" if token else ""))
            if status != 200:
                raise SystemExit(f"{self.name}: reading all secrets: HTTP {status}: {status_message(content)}")
            answer = json.loads(content)
            found += len(answer["items"])
            token = answer["metadata"].get("continue")
            if not token:
                break
        seconds, after = time.monotonic() - begun, metrics(client)
        return {"seconds": seconds, "found": found, "misses": after["misses"] - before["misses"]}


def process(service):
    """The number of a service's process; None while it has none, also while its finish script runs."""
    up, number = run("s6-svstat", "-o", "up,pid", service).split()
    return int(number) if up == "true" and int(number) > 0 else None


def settle():
    """Waits until whatever a start has set off is over, such as controllers that read all secrets anew: until three quarters of the
    machine have been idle for six seconds. Not longer than five minutes."""
    begun, calm = time.monotonic(), 0
    while calm < 3 and time.monotonic() - begun < 300:
        before = processor_time()
        time.sleep(2)
        idle, total = (now - old for now, old in zip(processor_time(), before))
        calm = calm + 1 if idle > total * 0.75 else 0
    print(f"settled after {time.monotonic() - begun:.0f} s" if calm == 3 else "the machine is not calm; going on")


def processor_time():
    """Idle and total, in ticks since the machine's start."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return fields[3] + fields[4], sum(fields[:8])


def started(number):
    """When a process began, in seconds of CLOCK_BOOTTIME."""
    fields = pathlib.Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) / 100


def metrics(client):
    """Data keys that the API server had to ask the plugin for, and what it has unsealed, since its start."""
    status, content = client.send("GET", "/metrics")
    text = content.decode()

    def total(name, having=""):
        lines = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", text, re.M)
        return int(sum(float(value) for labels, value in lines if having in labels))

    return {"misses": total(KEPT[0]), "read": total(KEPT[1], "from_storage")}


def measure_starts(stores):
    """Starts of one API server of each cluster, in pairs; and how many of each cluster ended themselves."""
    pairs, ended = [], {store.name: 0 for store in stores}
    for attempt in range(STARTS + EXTRA_STARTS):
        pair = {}
        # Always in this order, so that each start comes after one of the other cluster.
        for store in stores:
            settle()
            pair[store.name] = store.restart()
            ended[store.name] += pair[store.name] is None
        print(f"start {attempt + 1}: {pair}")
        if None not in pair.values():
            pairs.append(pair)
        if len(pairs) == STARTS:
            return pairs, ended
    if not pairs:
        raise SystemExit(f"no pair of starts came through: {ended} ended themselves")
    return pairs, ended


def measure(region, count, kubernetes):
    """kubernetes: its version."""
    key = region.json("key", "create", "--description", "bench")["arn"]
    plain = Store(region, "plain")
    sealed = Store(region, "sealed", encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": key}}])
    for chunk in range(CHUNKS):
        for store in (plain, sealed) if chunk % 2 else (sealed, plain):
            store.write(range(chunk * count // CHUNKS, (chunk + 1) * count // CHUNKS))
        print(f"{(chunk + 1) * count // CHUNKS} secrets: plain {plain.seconds:.0f} s, encrypted {sealed.seconds:.0f} s")
    starts, ended = measure_starts((plain, sealed))
    reads = {store.name: store.read_all() for store in (plain, sealed)}

    def median(name, what):
        return statistics.median(row[name][what] for row in starts)

    def ratio(what):
        return statistics.median(row["sealed"][what] / row["plain"][what] for row in starts)

    interface = sealed.interface()
    result(
        f"secrets-{interface}", kubernetes=kubernetes, interface=interface, count=count, starts=len(starts), plain_rate=count / plain.seconds, sealed_rate=count / sealed.seconds,
        **{f"{name}_{what}": median(name, what) for name in ("plain", "sealed") for what in ("ready", "cached", "misses", "read")},
        ready_ratio=ratio("ready"), cached_ratio=ratio("cached"), ended=ended, reads=reads)
    for store in (plain, sealed):
        region.delete(store.name)
