"""Zones fail under load: how long clients notice, with Slipway's reaction and without, in pairs. Writes docs/reliability.md."""
import datetime
import os
import pathlib
import random
import signal
import time

import reliability
from load import Load
from region import ROOT, Region, poll, result, run

CLUSTER = "zones"
CLIENTS = 8  # writers, and as many readers
HOLD = {"auto": 25, "off": 45}  # seconds that a fault stands


class Bench:
    def __init__(self, region):
        self.region, self.policy = region, "auto"
        region.create(CLUSTER)
        region.wait_active(CLUSTER)
        self.kubeconfig = region.kubeconfig(CLUSTER)
        self.slipway, self.json = region.slipway, region.json

    def load(self):
        return Load(self.kubeconfig, CLIENTS, CLIENTS)

    def instances(self):
        return self.json("cluster", "describe", CLUSTER)["instances"]

    def zone(self, name):
        return next(zone for zone in self.json("zone", "list")["zones"] if zone["name"] == name)

    def settle(self, policy):
        """No fault, every zone healthy and in service, every instance ready: where each run begins."""
        self.policy = policy
        self.slipway("fault", "clear")
        for zone in self.json("zone", "list")["zones"]:
            if zone["serviceState"] == "evacuated":
                self.slipway("zone", "restore", zone["name"], "--force", check=False)
        self.slipway("zone", "policy", policy)

        def is_well():
            detail = self.json("cluster", "describe", CLUSTER)
            zones = self.json("zone", "list")["zones"]
            ready = [i for i in detail["instances"] if i["state"] == "ready"]
            whole = any(c["kind"] == "Degraded" and c["status"] == "False" for c in detail["conditions"])
            return whole and len(ready) == len(detail["instances"]) >= 6 and all(z["serviceState"] == "inService" for z in zones)

        poll(is_well, 240, "the cluster is whole again", every=1)
        time.sleep(5)

    def victim(self, leads):
        """A zone with an API server, whose etcd member leads, or does not. A leader that sits in a zone without an API server is sent
        out of it first: that zone is evacuated and restored."""
        for _ in range(3):
            seen = self.instances()
            serving = {i["zone"] for i in seen if i["role"] == "apiServer"}
            leader = next((i["zone"] for i in seen if i["role"] == "etcd" and i["isLeader"]), None)
            fitting = sorted(z for z in serving if (z == leader) == leads)
            if fitting:
                return fitting[0], leader
            self.slipway("zone", "evacuate", leader)
            self.slipway("zone", "restore", leader)
            self.settle(self.policy)
        raise SystemExit("etcd's leader cannot be brought into a zone with an API server")

    # MARK: The runs

    def fault(self, kind, policy, leads=False):
        self.settle(policy)
        zone, leader = self.victim(leads)
        load = self.load()
        time.sleep(4)
        begun = time.time()
        self.slipway("fault", "inject", "--zone", zone, "--kind", kind)
        injected = time.time()
        time.sleep(HOLD[policy] + (15 if kind.startswith("loss") else 0))
        seen = self.zone(zone)
        found = load.stop()
        row = measured(found, begun)
        row["detected"] = seconds_after(begun, seen.get("healthSince")) if seen["health"] == "impaired" else None
        if seen["serviceState"] == "evacuated":
            row["detected"] = seconds_after(begun, seen["since"])
        result("zones", fault=kind, reaction=policy, zone=zone, leads=zone == leader, injecting=injected - begun, **row)

    def evacuation(self):
        self.settle("auto")
        zone, leader = self.victim(True)
        load = self.load()
        time.sleep(4)
        begun = time.time()
        self.slipway("zone", "evacuate", zone)
        out = time.time() - begun
        time.sleep(8)
        self.slipway("zone", "restore", zone)
        back = time.time() - begun - out - 8
        time.sleep(5)
        result("zones", fault="evacuation by hand, and back", reaction="asked", zone=zone, leads=zone == leader, evacuating=out,
               restoring=back, detected=None, **measured(load.stop(), begun))

    def three_killed(self):
        """Every process of the three etcd instances, supervision included."""
        self.settle("auto")
        marker = f"{self.region.directory}/clusters/{CLUSTER}/instances/etcd-"
        spaces = set()
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                if marker in words and "/bin/etcd" in words.split("\0")[0]:
                    spaces.add(run("ip", "netns", "identify", entry.name).strip())
        if len(spaces) != 3:
            raise SystemExit(f"three etcd instances were expected, and not {sorted(spaces)}")
        load = self.load()
        time.sleep(4)
        victims = [int(pid) for space in spaces for pid in run("ip", "netns", "pids", space).split()]
        begun = time.time()
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(30)
        result("zones", fault="three etcd instances killed at once", reaction="auto", zone="all", leads=True, detected=None,
               **measured(load.stop(), begun))

    def mixed(self, minutes, seed, every=120):
        """A fault every two minutes, of a kind and in a zone drawn from the seed; each stands for 30 s."""
        self.settle("auto")
        self.slipway("zone", "policy", "auto", "--restore-after", "15")
        draw, load, begun, faults = random.Random(seed), self.load(), time.time(), []
        zones = sorted(z["name"] for z in self.json("zone", "list")["zones"])
        while len(faults) * every < minutes * 60:
            time.sleep(max(0, begun + len(faults) * every + 20 - time.time()))
            kind, zone = draw.choice(["power", "blackhole", "freeze", "loss=30%"]), draw.choice(zones)
            faults.append({"kind": kind, "zone": zone, "at": time.time() - begun})
            self.slipway("fault", "inject", "--zone", zone, "--kind", kind)
            time.sleep(30)
            self.slipway("fault", "clear")
        time.sleep(max(0, begun + minutes * 60 - time.time()))
        seconds = time.time() - begun
        found = load.stop()
        bad = {second for start, end, _ in found["troubles"] for second in range(int(start), int(end) + 1)}
        for fault in faults:
            window = [t for t in found["troubles"] if begun + fault["at"] - 1 <= t[0] < begun + fault["at"] + every - 20]
            fault["troubled"] = max((t[1] for t in window), default=0) - begun - fault["at"] if window else 0
            fault["failed"] = sum("slow" not in t[2] for t in window)
        result("mixed", seed=seed, minutes=seconds / 60, faults=faults, availability=1 - found["failed"] / found["total"],
               quiet_seconds=1 - len(bad) / seconds, **measured(found, begun))


def measured(found, begun):
    """What clients noticed since `begun`."""
    troubles = [t for t in found["troubles"] if t[1] >= begun]
    return {
        "trouble_seconds": max((t[1] for t in troubles), default=begun) - begun,
        "longest": max((t[1] - t[0] for t in troubles), default=0) if troubles else found["longest"],
        "failed": sum(not t[2].endswith("slow") for t in troubles), "slow": sum(t[1] - t[0] > 1 for t in troubles),
        "total": found["total"], "reasons": found["reasons"], "lost": len(found["lost"]), "backwards": len(found["backwards"]),
        "acknowledged": found["acknowledged"],
    }


def seconds_after(begun, text):
    """The service's dates are ISO 8601."""
    if text is None:
        return None
    return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp() - begun


ROWS = [("power", False), ("blackhole", False), ("blackhole", True), ("freeze", False), ("loss=30%", False)]


def measure(long=False, minutes=None, seed=1, only=None):
    """Everything of the table; `only` limits it to kinds, `evacuation`, `killed`, `mixed`."""
    with Region(directory="/var/tmp/slipway-bench-zones", options=("--port", "7493", "--store-port", "2493", "--address-pool", "100.73.0.0/20")) as region:
        bench = Bench(region)
        for kind, leads in ROWS:
            if only is None or kind in only:
                for policy in ("auto", "off"):
                    bench.fault(kind, policy, leads)
        if only is None or "evacuation" in only:
            bench.evacuation()
        if only is None or "killed" in only:
            bench.three_killed()
        if only is None or "mixed" in only:
            bench.mixed(minutes or (30 if long else 6), seed)
        bench.settle("auto")


def write(rows, machine):
    (ROOT / "docs" / "reliability.md").write_text(reliability.page(rows, machine, datetime.date.today()))
    print("written: docs/reliability.md")
