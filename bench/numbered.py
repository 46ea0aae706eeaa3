#!/usr/bin/env python3
"""Numbered writes: says whether a cluster kept every write that it acknowledged, and how long it gave trouble.

Each writer puts 1, 2, 3… into a ConfigMap of its own through the cluster's endpoint and notes what was acknowledged. Readers
check that no value goes backwards. In the end every acknowledged write must be there. Runs for --seconds, or until SIGTERM;
prints one JSON object. Only Python's own library is used.

A request that meets a kept connection which the other end has closed meanwhile is sent once more over a new one, as Go's
net/http and with it every Kubernetes client does; both together count as one request with the time of both.
"""
import argparse
import base64
import http.client
import json
import re
import signal
import ssl
import sys
import tempfile
import threading
import time
import urllib.parse

SLOW = 1.0
CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)


class Endpoint:
    """Where the cluster is and who we are: out of a kubeconfig with embedded certificates."""

    def __init__(self, kubeconfig, timeout):
        text = open(kubeconfig).read()
        url = urllib.parse.urlparse(re.search(r"server:\s*[\"']?(\S+?)[\"']?\s*$", text, re.M).group(1))
        self.host, self.port, self.timeout = url.hostname, url.port or 443, timeout

        def data(name):
            return base64.b64decode(re.search(name + r":\s*[\"']?([A-Za-z0-9+/=]+)", text).group(1))

        self.tls = ssl.create_default_context(cadata=data("certificate-authority-data").decode())
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(data("client-certificate-data") + b"\n" + data("client-key-data"))
            pair.flush()
            self.tls.load_cert_chain(pair.name)

    def connect(self):
        return http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=self.tls)


class Client:
    """One connection, kept as long as it is good."""

    def __init__(self, endpoint):
        self.endpoint, self.connection = endpoint, None

    def send(self, method, path, body=None):
        """The status and body of the answer; raises OSError or HTTPException when there is none."""
        for attempt in (1, 2):
            is_kept = self.connection is not None
            try:
                self.connection = self.connection or self.endpoint.connect()
                headers = {"Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json"}
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                content = answer.read()
                if answer.will_close:
                    self.close()
                return answer.status, content
            except BaseException as error:
                self.close()
                if not (attempt == 1 and is_kept and isinstance(error, CLOSED)):
                    raise

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Run:
    def __init__(self, endpoint, writers, readers, prefix):
        self.endpoint, self.prefix = endpoint, prefix
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.total = self.failed = self.slow = 0
        self.longest = 0.0
        self.troubles, self.backwards, self.reasons = [], [], {}
        self.tried, self.acknowledged, self.floor = [0] * writers, [0] * writers, [0] * writers
        self.threads = [threading.Thread(target=self.write, args=(k,)) for k in range(writers)]
        self.threads += [threading.Thread(target=self.read, args=(k % writers,)) for k in range(readers)]

    def path(self, k=None):
        return "/api/v1/namespaces/default/configmaps" + ("" if k is None else f"/{self.prefix}-{k}")

    def prepare(self, patience):
        """Makes the ConfigMaps. A request may fail here as any other may: an API server that has just lost an etcd member learns so from
        the first request over the old connection. One whose answer was lost may have been carried out."""
        client, end = Client(self.endpoint), time.monotonic() + patience
        for k in range(len(self.tried)):
            body = json.dumps({"metadata": {"name": f"{self.prefix}-{k}"}, "data": {"n": "0"}})
            is_away, answer = False, None
            while True:
                try:
                    is_away = is_away or client.send("DELETE", self.path(k))[0] in (200, 404)
                    if is_away:
                        answer = client.send("POST", self.path(), body)
                        if answer[0] in (201, 409):
                            break
                except (OSError, http.client.HTTPException) as error:
                    answer = type(error).__name__, error
                if time.monotonic() > end:
                    sys.exit(f"the ConfigMap {self.prefix}-{k} could not be made: {answer}")
                time.sleep(0.2)

    def request(self, client, method, k, body=None):
        """One request, counted. The number that the answer has, or None when there is no good one."""
        begun, wall, reason, number = time.monotonic(), time.time(), None, None
        try:
            status, content = client.send(method, self.path(k), body)
            if status == 200:
                number = int(json.loads(content)["data"]["n"])
            else:
                reason = f"HTTP {status}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = type(error).__name__
        took = time.monotonic() - begun
        with self.lock:
            self.total += 1
            self.longest = max(self.longest, took)
            if reason:
                self.failed += 1
                self.reasons[reason] = self.reasons.get(reason, 0) + 1
            if took > SLOW:
                self.slow += 1
            if reason or took > SLOW:
                self.troubles.append([round(wall, 4), round(wall + took, 4), f"{method} {reason or 'slow'}"])
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
                    self.acknowledged[k] = mine
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

    def verify(self, patience):
        """Acknowledged writes that are not there; the cluster may still be coming back."""
        client, lost, end = Client(self.endpoint), [], time.monotonic() + patience
        for k, wanted in enumerate(self.acknowledged):
            while True:
                try:
                    status, content = client.send("GET", self.path(k))
                    if status == 200:
                        number = int(json.loads(content)["data"]["n"])
                        if not wanted <= number <= self.tried[k]:
                            lost.append({"key": k, "acknowledged": wanted, "found": number})
                        break
                except (OSError, http.client.HTTPException):
                    status = "no answer"
                if time.monotonic() > end:
                    lost.append({"key": k, "acknowledged": wanted, "found": None, "status": status})
                    break
                time.sleep(0.2)
        return lost

    def report(self, lost):
        window = max(t[1] for t in self.troubles) - min(t[0] for t in self.troubles) if self.troubles else 0.0
        return {
            "total": self.total, "failed": self.failed, "slow": self.slow, "longest": round(self.longest, 4),
            "troubleSeconds": round(window, 4), "troubles": self.troubles, "reasons": self.reasons,
            "acknowledged": sum(self.acknowledged), "lost": lost, "backwards": self.backwards,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=0, help="0: until SIGTERM")
    parser.add_argument("--timeout", type=float, default=15, help="of one request, in seconds")
    parser.add_argument("--patience", type=float, default=120, help="seconds that the cluster has to come back for the last check")
    parser.add_argument("--prefix", default="numbered")
    options = parser.parse_args()
    if options.writers < 1 or options.readers < 0:
        sys.exit("at least one writer is needed.")
    run = Run(Endpoint(options.kubeconfig, options.timeout), options.writers, options.readers, options.prefix)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: run.stop.set())
    run.prepare(options.patience)
    # Whoever started it knows by this line that the load is on.
    print("numbered writes begin", file=sys.stderr, flush=True)
    for thread in run.threads:
        thread.start()
    run.stop.wait(options.seconds or None)
    run.stop.set()
    for thread in run.threads:
        thread.join()
    lost = run.verify(options.patience)
    print(json.dumps(run.report(lost)), flush=True)
    sys.exit(1 if lost or run.backwards else 0)


if __name__ == "__main__":
    main()
