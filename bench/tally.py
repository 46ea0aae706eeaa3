"""Counts a load's requests: how many, how many failed and why, and how long they took."""
import array
import threading
import time

SLOW = 1.0
KEPT_FAILURES = 100


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.total = self.failed = self.slow = 0
        self.longest = 0.0
        self.troubles, self.reasons, self.failures = [], {}, []
        # What was counted before the mark is what the load sees of a cluster at rest.
        self.took, self.marked_at = array.array("d"), 0

    def mark(self):
        """From here on it is counted as the time of what is measured. Called by a signal, so that it takes no lock."""
        self.marked_at = len(self.took)

    def count(self, method, wall, took, reason=None, message=None):
        """One request. `reason` is nil when it succeeded, and a word or two else; `message` is what the answer said."""
        with self.lock:
            self.total += 1
            self.longest = max(self.longest, took)
            self.took.append(took)
            if reason:
                self.failed += 1
                said = f"{reason}: {message}" if message else reason
                self.reasons[said] = self.reasons.get(said, 0) + 1
                if len(self.failures) < KEPT_FAILURES:
                    self.failures.append({"at": round(wall, 3), "took": round(took, 3), "method": method, "reason": said})
            if took > SLOW:
                self.slow += 1
            if reason or took > SLOW:
                self.troubles.append([round(wall, 4), round(wall + took, 4), f"{method} {reason or 'slow'}"])

    def report(self):
        window = max(t[1] for t in self.troubles) - min(t[0] for t in self.troubles) if self.troubles else 0.0
        return {
            "total": self.total, "failed": self.failed, "slow": self.slow, "longest": round(self.longest, 4),
            "troubleSeconds": round(window, 4), "troubles": self.troubles, "reasons": self.reasons, "failures": self.failures,
            "latency": {"before": quantiles(self.took[:self.marked_at]), "since": quantiles(self.took[self.marked_at:])},
        }


class Timing:
    """The time of one request: `with Timing() as timing`, then `timing.wall` and `timing.took`."""

    def __enter__(self):
        self.wall, self.begun = time.time(), time.monotonic()
        return self

    def __exit__(self, *_):
        self.took = time.monotonic() - self.begun


def quantiles(values):
    if not values:
        return None
    ordered = sorted(values)

    def at(share):
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 4)

    return {"count": len(ordered), "p50": at(0.5), "p99": at(0.99), "longest": round(ordered[-1], 4)}
