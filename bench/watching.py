"""Clients that stay: watches that miss no event, and a long list in pages."""
import json
import random
import threading
import time
import urllib.parse

from endpoint import FAILURES, Client, status_message
from tally import Timing


def selected(path, label, **query):
    return f"{path}?" + urllib.parse.urlencode({"labelSelector": label, **query})


class Watcher(threading.Thread):
    """Lists once and watches from there on, as client-go's reflector does: a watch that has ended goes on from the last
    resourceVersion that it knows; when that is too old (410), it begins with a new list.

    It keeps the number of each event, per object. What was changed before the first list is no event.
    """

    def __init__(self, endpoint, tally, path, label, objects):
        # It may hang in a read when the load ends.
        super().__init__(daemon=True)
        self.endpoint, self.tally, self.path, self.label = endpoint, tally, path, label
        self.first = dict.fromkeys(objects, 0)
        self.seen = {name: [] for name in objects}
        self.opened = self.events = self.lists = self.cut = 0
        self.cuts = {}
        self.version, self.is_listed = None, threading.Event()

    def run(self):
        while True:
            if self.version is None:
                self.list()
            if self.version is not None:
                self.watch()

    def list(self):
        client = Client(self.endpoint)
        status, content = counted(self.tally, client, "LIST", selected(self.path, self.label))
        client.close()
        if status != 200:
            return
        answer = json.loads(content)
        self.lists += 1
        if self.lists == 1:
            for item in answer["items"]:
                self.first[item["metadata"]["name"]] = int(item["data"]["n"])
        self.version = answer["metadata"]["resourceVersion"]
        self.is_listed.set()

    def watch(self):
        path = selected(
            self.path, self.label, watch="true", resourceVersion=self.version, allowWatchBookmarks="true",
            timeoutSeconds=random.randint(300, 600))
        connection, reason, message, answer = self.endpoint.connect(), None, None, None
        with Timing() as timing:
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                if answer.status != 200:
                    reason, message = f"HTTP {answer.status}", status_message(answer.read())
            except FAILURES as error:
                reason = type(error).__name__
        self.tally.count("WATCH", timing.wall, timing.took, reason, message)
        if reason:
            if reason == "HTTP 410":
                self.version = None
            connection.close()
            return time.sleep(0.05)
        self.opened += 1
        try:
            for line in lines_of(answer):
                self.take(json.loads(line))
                if self.version is None:
                    break
        except (*FAILURES, ValueError) as error:
            reason = type(error).__name__
        connection.close()
        if reason:
            # client-go goes on from where it was, too.
            self.cut += 1
            self.cuts[reason] = self.cuts.get(reason, 0) + 1

    def take(self, event):
        thing = event["object"]
        if event["type"] == "ERROR":
            if thing.get("code") == 410:
                self.version = None
            else:
                self.tally.count("WATCH", time.time(), 0, f"event ERROR {thing.get('code')}", thing.get("message"))
            return
        self.version = thing["metadata"]["resourceVersion"]
        if event["type"] == "MODIFIED":
            self.events += 1
            self.seen[thing["metadata"]["name"]].append(int(thing["data"]["n"]))

    def has_all(self, acknowledged):
        """acknowledged: the numbers per object. Whether the newest event of each is here."""
        return all(not numbers or (self.seen[name] or [self.first[name]])[-1] >= numbers[-1] for name, numbers in acknowledged.items())

    def missed(self, acknowledged):
        """Acknowledged numbers without an event."""
        gone = []
        for name, numbers in acknowledged.items():
            seen = set(self.seen[name])
            gone += [{"object": name, "number": n} for n in numbers if n > self.first[name] and n not in seen]
        return gone

    def disordered(self):
        """Events that came after a later one of the same object, or twice."""
        return [
            {"object": name, "number": after, "after": before}
            for name, numbers in self.seen.items() for before, after in zip(numbers, numbers[1:]) if after <= before
        ]


class LongList(threading.Thread):
    """Reads a list over and over, a small page after the other with a pause between, as somebody does who reads on. Each list has to
    be whole and of one revision."""

    def __init__(self, endpoint, tally, path, label, stop, count, page=5, pause=0.2):
        super().__init__()
        self.endpoint, self.tally, self.path, self.label, self.stopped = endpoint, tally, path, label, stop
        self.names = {f"{label.split('=')[1]}-{index}" for index in range(count)}
        self.page, self.pause = page, pause
        self.pages = self.whole = 0
        self.broken = []

    def bodies(self):
        """What there is to be listed."""
        key, value = self.label.split("=")
        for name in sorted(self.names):
            yield json.dumps({"metadata": {"name": name, "labels": {key: value}}, "data": {"n": "0"}})

    def run(self):
        client = Client(self.endpoint)
        while not self.stopped.is_set():
            self.read(client)
        client.close()

    def read(self, client):
        token, names, versions = "", [], set()
        while not self.stopped.is_set():
            query = {"limit": self.page, **({"continue": token} if token else {})}
            status, content = counted(self.tally, client, "LIST", selected(self.path, self.label, **query))
            if status == 410:
                self.broken.append({"found": len(names), "of": len(self.names), "reason": status_message(content)})
                return
            if status != 200:
                continue
            answer = json.loads(content)
            self.pages += 1
            names += [item["metadata"]["name"] for item in answer["items"]]
            versions.add(answer["metadata"]["resourceVersion"])
            token = answer["metadata"].get("continue", "")
            if not token:
                if sorted(names) == sorted(self.names) and len(versions) == 1:
                    self.whole += 1
                else:
                    self.broken.append({"found": len(names), "of": len(self.names), "different": len(set(names)), "revisions": len(versions)})
                return
            self.stopped.wait(self.pause)


def lines_of(answer):
    """The lines of an answer in chunks, as they come. Raises IncompleteRead when it ends without an end, which `readline` hides."""
    rest = b""
    while part := answer.read1(65536):
        *lines, rest = (rest + part).split(b"\n")
        yield from lines


def counted(tally, client, method, path):
    """The status and content of the answer to a GET, counted; None and None when there is none."""
    reason, message, status, content = None, None, None, None
    with Timing() as timing:
        try:
            status, content = client.send("GET", path)
            if status != 200:
                reason, message = f"HTTP {status}", status_message(content)
        except FAILURES as error:
            reason = type(error).__name__
    tally.count(method, timing.wall, timing.took, reason, message)
    if reason:
        # A client that is refused at once must not spin.
        time.sleep(0.05)
    return status, content
