#!/usr/bin/env python3
"""Numbered writes: says whether a cluster kept every write that it acknowledged, and how long it gave trouble.

Each writer puts 1, 2, 3… into a ConfigMap of its own through the cluster's endpoint and notes what was acknowledged. Readers
check that no value goes backwards. Watchers follow all of these ConfigMaps and check that the event of each acknowledged write
arrives, in order. With --listed, a long list is read meanwhile, page by page. In the end every acknowledged write must be there.
Runs for --seconds, or until SIGTERM; SIGUSR1 marks the moment from which on latencies are told apart; prints one JSON object.
Only Python's own library is used.

As Go's net/http, and with it every Kubernetes client, does: a kept connection that the other end has closed is not used any more, and a
GET that meets one which is being closed is sent once more over a new one; both together count as one request with the time of both. A
write is never sent twice.
"""
import argparse
import json
import signal
import sys
import threading
import time

from endpoint import FAILURES, Client, Endpoint, status_message
from tally import Tally, Timing
from watching import LongList, Watcher

PATH = "/api/v1/namespaces/default/configmaps"
LABEL = "numbered"


class Run:
    def __init__(self, endpoint, prefix, writers, readers, watchers=0, listed=0):
        self.endpoint, self.prefix = endpoint, prefix
        self.lock, self.stop, self.tally = threading.Lock(), threading.Event(), Tally()
        self.backwards = []
        self.tried, self.floor = [0] * writers, [0] * writers
        # All numbers, not only the last: of each there must have been an event.
        self.acknowledged = [[] for _ in range(writers)]
        self.threads = [threading.Thread(target=self.write, args=(k,)) for k in range(writers)]
        self.threads += [threading.Thread(target=self.read, args=(k % writers,)) for k in range(readers)]
        names = [f"{prefix}-{k}" for k in range(writers)]
        self.watchers = [Watcher(endpoint, self.tally, PATH, f"{LABEL}={prefix}", names) for _ in range(watchers)]
        self.list = LongList(endpoint, self.tally, PATH, f"{LABEL}={prefix}-listed", self.stop, listed) if listed else None

    def path(self, k=None):
        return PATH + ("" if k is None else f"/{self.prefix}-{k}")

    def prepare(self, patience):
        """Makes the ConfigMaps. A request may fail here as any other may: an API server that has just lost an etcd member learns so from
        the first request over the old connection. One whose answer was lost may have been carried out."""
        client, end = Client(self.endpoint), time.monotonic() + patience
        for k in range(len(self.tried)):
            name = f"{self.prefix}-{k}"
            made(client, name, json.dumps({"metadata": {"name": name, "labels": {LABEL: self.prefix}}, "data": {"n": "0"}}), end)
        for body in self.list.bodies() if self.list else ():
            made(client, json.loads(body)["metadata"]["name"], body, end)
        client.close()

    def begin(self, patience):
        for watcher in self.watchers:
            watcher.start()
        # Whoever watches from the start sees the first write, too.
        for watcher in self.watchers:
            if not watcher.is_listed.wait(patience):
                sys.exit(f"the ConfigMaps could not be listed: {self.tally.reasons}")
        for thread in self.threads + ([self.list] if self.list else []):
            thread.start()

    def request(self, client, method, k, body=None):
        """One request, counted. The number that the answer has, or None when there is no good one."""
        reason, message, number = None, None, None
        with Timing() as timing:
            try:
                status, content = client.send(method, self.path(k), body)
                if status == 200:
                    number = int(json.loads(content)["data"]["n"])
                else:
                    reason, message = f"HTTP {status}", status_message(content)
            except (*FAILURES, ValueError) as error:
                reason = type(error).__name__
        self.tally.count(method, timing.wall, timing.took, reason, message)
        if reason:
            # A client that is refused at once must not spin.
            self.stop.wait(0.05)
        return number

    def write(self, k):
        client = Client(self.endpoint)
        while not self.stop.is_set():
            self.tried[k] += 1
            mine = self.tried[k]
            if self.request(client, "PATCH", k, json.dumps({"data": {"n": str(mine)}})) is not None:
                with self.lock:
                    self.acknowledged[k].append(mine)
                    self.floor[k] = max(self.floor[k], mine)
        client.close()

    def read(self, k):
        client = Client(self.endpoint)
        while not self.stop.is_set():
            with self.lock:
                floor = self.floor[k]
            number = self.request(client, "GET", k)
            if number is None:
                continue
            with self.lock:
                if number < floor:
                    self.backwards.append({"key": k, "seen": floor, "then": number, "at": time.time()})
                self.floor[k] = max(self.floor[k], number)
        client.close()

    def end(self):
        self.stop.set()
        for thread in self.threads + ([self.list] if self.list else []):
            thread.join()

    def verify(self, patience):
        """Acknowledged writes that are not there; the cluster may still be coming back."""
        client, lost, end = Client(self.endpoint), [], time.monotonic() + patience
        for k, numbers in enumerate(self.acknowledged):
            wanted = numbers[-1] if numbers else 0
            while True:
                try:
                    status, content = client.send("GET", self.path(k))
                    if status == 200:
                        number = int(json.loads(content)["data"]["n"])
                        if not wanted <= number <= self.tried[k]:
                            lost.append({"key": k, "acknowledged": wanted, "found": number})
                        break
                except FAILURES:
                    status = "no answer"
                if time.monotonic() > end:
                    lost.append({"key": k, "acknowledged": wanted, "found": None, "status": status})
                    break
                time.sleep(0.2)
        return lost

    def watched(self, patience):
        """What the watchers have to say, when the last events have come, or will not come any more."""
        acknowledged = {f"{self.prefix}-{k}": numbers for k, numbers in enumerate(self.acknowledged)}
        end = time.monotonic() + patience
        while time.monotonic() < end and not all(watcher.has_all(acknowledged) for watcher in self.watchers):
            time.sleep(0.1)
        cuts = {}
        for watcher in self.watchers:
            for name, count in watcher.cuts.items():
                cuts[name] = cuts.get(name, 0) + count
        return {
            "watchers": len(self.watchers), "opened": sum(w.opened for w in self.watchers), "cut": sum(w.cut for w in self.watchers),
            "cuts": cuts, "relists": sum(max(0, w.lists - 1) for w in self.watchers), "events": sum(w.events for w in self.watchers),
            "missed": [gap for w in self.watchers for gap in w.missed(acknowledged)],
            "disordered": [gap for w in self.watchers for gap in w.disordered()],
        }

    def report(self, lost, watched):
        lists = {"pages": self.list.pages, "whole": self.list.whole, "broken": self.list.broken} if self.list else None
        return {
            **self.tally.report(), "acknowledged": sum(numbers[-1] for numbers in self.acknowledged if numbers), "lost": lost,
            "backwards": self.backwards, "watches": watched, "lists": lists,
        }


def made(client, name, body, end):
    """Makes a ConfigMap anew; ends the program when that does not work until `end`."""
    is_away, answer = False, None
    while True:
        try:
            is_away = is_away or client.send("DELETE", f"{PATH}/{name}")[0] in (200, 404)
            if is_away:
                answer = client.send("POST", PATH, body)
                if answer[0] in (201, 409):
                    return
        except FAILURES as error:
            answer = type(error).__name__, error
        if time.monotonic() > end:
            sys.exit(f"the ConfigMap {name} could not be made: {answer}")
        time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--watchers", type=int, default=0)
    parser.add_argument("--listed", type=int, default=0, help="objects of a list that is read page by page meanwhile")
    parser.add_argument("--seconds", type=float, default=0, help="0: until SIGTERM")
    parser.add_argument("--timeout", type=float, default=15, help="of one request, in seconds")
    parser.add_argument("--patience", type=float, default=120, help="seconds that the cluster has to come back for the last check")
    parser.add_argument("--prefix", default="numbered")
    options = parser.parse_args()
    if options.writers < 1 or min(options.readers, options.watchers, options.listed) < 0:
        sys.exit("at least one writer is needed.")
    run = Run(
        Endpoint(options.kubeconfig, options.timeout), options.prefix, options.writers, options.readers, options.watchers, options.listed)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: run.stop.set())
    signal.signal(signal.SIGUSR1, lambda *_: run.tally.mark())
    run.prepare(options.patience)
    run.begin(options.patience)
    # Whoever started it knows by this line that the load is on.
    print("numbered writes begin", file=sys.stderr, flush=True)
    run.stop.wait(options.seconds or None)
    run.end()
    lost = run.verify(options.patience)
    watched = run.watched(options.patience)
    report = run.report(lost, watched)
    print(json.dumps(report), flush=True)
    is_broken = lost or run.backwards or watched["missed"] or watched["disordered"] or (report["lists"] or {}).get("broken")
    sys.exit(1 if is_broken else 0)


if __name__ == "__main__":
    main()
