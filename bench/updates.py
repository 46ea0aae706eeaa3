"""Updates of a running cluster under load: how long they take, and what clients notice. For docs/performance.md."""
import pathlib
import shutil
import statistics
import time

import encrypted
from builds import BAD_FLAGS, Builds
from load import Load
from region import Region, poll, result
from rolling import RollingControlPlane

CLUSTER = "updates"
CLIENTS = {"writers": 6, "readers": 6, "watchers": 4}
LISTED = 300  # objects of the list that is read page by page meanwhile
PAIRS = 3
PARTS = ("platform", "sequential", "script", "patch", "bad", "secrets")
BAD = (
    "the API server ends at its start", "the API server ends after 10 s", "the API server ends after 30 s",
    "the API server is never ready", "the API server is ready and answers 500", "the API server becomes slow",
    *BAD_FLAGS, "etcd does not join", "etcd joins and is slow",
)
# Ends by itself when the update has been over for long: it is taken for good first, and taken back then.
LATE = "the API server crashes after 75 s"


class Bench:
    """One cluster, made anew for each part at the part's first release."""

    def __init__(self, region, builds):
        self.region, self.builds = region, builds

    def begin(self, stamp, suite, etcd_stamp=None):
        """A fresh cluster. A new cluster takes the newest release, and the one that was imported last is."""
        release = self.builds.good(stamp, suite, etcd_stamp)
        self.region.create(CLUSTER)
        self.region.wait_active(CLUSTER)
        self.kubeconfig = self.region.kubeconfig(CLUSTER)
        self.settle()
        found = self.detail()["release"]
        if found != release.id:
            raise SystemExit(f"{CLUSTER} runs {found}, and {release.id} was expected")
        return release

    def end(self):
        self.region.delete(CLUSTER)

    def detail(self):
        return self.region.json("cluster", "describe", CLUSTER)

    def settle(self):
        def is_well():
            detail = self.detail()
            conditions = {c["kind"]: c["status"] for c in detail["conditions"]}
            return detail["status"] == "ACTIVE" and conditions["Progressing"] == "False" and conditions["Degraded"] == "False" \
                and detail["observedGeneration"] == detail["generation"] and all(i["state"] == "ready" for i in detail["instances"])

        poll(is_well, 240, f"{CLUSTER} is at rest", every=0.3)

    # MARK: What is measured

    def under_load(self, change):
        """What `change` says, and what clients noticed. It begins when the load has run for 5 s, and a second is waited after it."""
        load = Load(self.kubeconfig, **CLIENTS, listed=LISTED)
        try:
            time.sleep(5)
            begun = load.mark()
            row = change()
            time.sleep(1)
            return {**row, **noticed(load.stop(), begun)}
        finally:
            load.abandon()

    def update(self, release, verb="update", expected="Successful", options=(), meanwhile=()):
        """Seconds from the request until its end. `meanwhile`: statuses that it may have before, besides InProgress."""
        begun = time.monotonic()
        accepted = self.region.json("cluster", verb, CLUSTER, "--release", release.id, "--no-wait", *options)

        def ended():
            seen = self.region.eks.describe_update(name=CLUSTER, updateId=accepted["id"])["update"]
            return seen if seen["status"] not in ("InProgress", *meanwhile) else None

        update = poll(ended, 900, f"the update to {release.id} ends", every=0.1)
        poll(lambda: self.region.describe(CLUSTER)["status"] == "ACTIVE", 60, f"{CLUSTER} is active again", every=0.1)
        seconds = time.monotonic() - begun
        errors = [error["errorMessage"] for error in update["errors"]]
        if update["status"] != expected:
            print(f"the update to {release.id} was expected to be {expected}, and is {update['status']}: {errors}")
        return {"seconds": seconds, "status": update["status"], "errors": errors}

    # MARK: The parts

    def platform(self):
        first = self.begin("platform-1", "bookworm")
        for stamp, suite in (("platform-2", "trixie"), ("platform-3", "forky")):
            second = self.builds.good(stamp, suite)
            row = self.under_load(lambda: self.update(second))
            result("platform", before=first.etcd, after=second.etcd, **row)
            self.settle()
            first = second
        self.end()

    def sequential(self):
        """The same change with API servers and etcd at once, and with the one and then the other. The etcds differ by a stamp."""
        first = self.begin("sequential-1", "forky", "1")
        second = self.builds.good("sequential-2", "forky", "2")
        rows = []
        for index in range(PAIRS):
            row = {}
            for name, release in zip(("together", "sequential") if index % 2 == 0 else ("sequential", "together"), (second, first)):
                options = ("--sequential",) if name == "sequential" else ()
                row[name] = self.measured(lambda: self.update(release, options=options))
            rows.append(row)
        result(
            "sequential", pairs=PAIRS, **{f"{part}_seconds": statistics.median(row[part]["seconds"] for row in rows) for part in rows[0]},
            ratio=statistics.median(row["together"]["seconds"] / row["sequential"]["seconds"] for row in rows),
            **summed([measurement for row in rows for measurement in row.values()]))
        self.end()

    def measured(self, change):
        row = self.under_load(change)
        self.settle()
        return row

    def script(self):
        """The same update by Slipway and by a script, on control planes of the same programs."""
        self.begin("script-1", "bookworm")
        bare = RollingControlPlane(
            self.region.directory / "clusters" / CLUSTER, self.builds, self.region.describe(CLUSTER)["endpoint"].removeprefix("https://"))
        second = self.builds.good("script-2", "trixie")
        result("script", by="slipway", **self.measured(lambda: self.update(second)))
        self.end()
        try:
            bare.boot()
            result("script", by="script", **self.under_load(lambda: {"seconds": bare.measured_update(second)}))
        finally:
            bare.stop()

    def patch(self):
        """To the same change and back: by new instances, and in place."""
        first = self.begin("patch-1", "forky")
        second = self.builds.good("patch-2", "forky")
        rows = []
        for _ in range(PAIRS):
            rows.append((self.measured(lambda: self.update(second)), self.measured(lambda: self.update(first, verb="patch"))))
        result(
            "patch", pairs=PAIRS, update_seconds=statistics.median(new["seconds"] for new, _ in rows),
            patch_seconds=statistics.median(patched["seconds"] for _, patched in rows),
            ratio=statistics.median(patched["seconds"] / new["seconds"] for new, patched in rows),
            update_failed=sum(new["failed"] for new, _ in rows), **summed([patched for _, patched in rows]))
        self.end()

    def bad(self):
        good = self.begin("bad-1", "forky")
        for kind in (*BAD, LATE):
            release = self.builds.bad(kind, "forky")
            meanwhile = ["Successful"] if kind == LATE else []
            row = self.measured(lambda: self.update(release, expected="Failed", meanwhile=meanwhile))
            result("bad", kind=kind, is_back=self.detail()["release"] == good.id, **row)
        self.end()


def noticed(found, begun):
    """What clients noticed of a change that began at `begun`."""
    watches, lists, since = found["watches"], found["lists"], found["latency"]["since"]
    return {
        "failed": found["failed"], "total": found["total"], "reasons": found["reasons"],
        "failures": [dict(failure, at=round(failure["at"] - begun, 3)) for failure in found["failures"]],
        "requests": since["count"], "longest": since["longest"], "p99": since["p99"], "p99_before": found["latency"]["before"]["p99"],
        "acknowledged": found["acknowledged"], "lost": len(found["lost"]), "backwards": len(found["backwards"]),
        "events": watches["events"], "missed": len(watches["missed"]), "disordered": len(watches["disordered"]),
        "watches_opened": watches["opened"], "watches_cut": watches["cut"], "relists": watches["relists"],
        "lists_whole": lists["whole"], "lists_broken": len(lists["broken"]),
    }


SUMMED = ("failed", "total", "acknowledged", "lost", "backwards", "events", "missed", "disordered", "watches_cut", "relists", "lists_broken")


def summed(rows):
    """Several runs as one: sums, the worst latencies, and all reasons."""
    reasons = {}
    for row in rows:
        for reason, count in row["reasons"].items():
            reasons[reason] = reasons.get(reason, 0) + count
    return {**{name: sum(row[name] for row in rows) for name in SUMMED}, "longest": max(row["longest"] for row in rows),
            "p99": max(row["p99"] for row in rows), "reasons": reasons}


def chosen(only):
    return [part for part in PARTS if only is None or part in only]


def measure(artifacts, only=None, secrets=100_000, kubernetes=None):
    """artifacts: CACHE/releases/artifacts; only: names of PARTS; secrets: how many of them the part `secrets` makes; kubernetes: a
    directory with another Kubernetes, named by its version."""
    parts, directory = chosen(only), pathlib.Path("/var/tmp/slipway-bench-updates")
    if not parts:
        return
    shutil.rmtree(directory / "releases", ignore_errors=True)
    directory.mkdir(exist_ok=True)
    builds = Builds(directory, pathlib.Path(artifacts).parent.parent)
    if kubernetes:
        builds.kubernetes = pathlib.Path(kubernetes).resolve()
    region = Region(
        directory / "region",
        ("--port", "7491", "--store-port", "2491", "--address-pool", "100.74.0.0/20", "--releases-dir", builds.releases))
    # A region has at least one release.
    builds.good("first", "bookworm")
    try:
        with region:
            bench = Bench(region, builds)
            for part in parts:
                print(f"part {part}")
                if part == "secrets":
                    builds.good("secrets", "forky")
                    encrypted.measure(region, secrets, builds.version)
                else:
                    getattr(bench, part)()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
