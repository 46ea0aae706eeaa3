"""Creation of a cluster, against a bare boot of the same programs with the same flags: pairs, in turn, in one run."""
import pathlib
import statistics
import sys
import time

from bare import BareControlPlane
from region import Region, poll, ready, result


def created(region, name):
    """Seconds from the request to the endpoint's first `ok`, and to ACTIVE."""
    start = time.monotonic()
    region.create(name)
    accepted = time.monotonic()
    endpoint = region.wait_endpoint(name)
    poll(lambda: ready(endpoint), 120, f"{name} ready")
    done = time.monotonic()
    region.wait_active(name)
    return done - start, accepted - start, time.monotonic() - start


def pairs(region, artifacts, count):
    ours, theirs, both, active = [], [], [], []
    for index in range(count):
        name = f"bench-{index}"
        seconds, accepted, whole = created(region, name)
        bare = BareControlPlane(region.directory / "clusters" / name, artifacts)
        region.delete(name)
        try:
            first, last = bare.boot()
        finally:
            bare.stop()
        print(f"pair {index + 1}: slipway {seconds:.2f} s (accepted after {accepted:.2f}, active {whole:.2f}); bare {first:.2f} s (both {last:.2f})")
        ours.append(seconds)
        theirs.append(first)
        both.append(last)
        active.append(whole)
    result(
        "create", pairs=count, slipway_seconds=statistics.median(ours), bare_seconds=statistics.median(theirs),
        bare_both_seconds=statistics.median(both), active_seconds=statistics.median(active),
        ratio=statistics.median(o / b for o, b in zip(ours, theirs)),
    )
    return statistics.median(active)


def together(region, count, alone):
    names = [f"together-{index}" for index in range(count)]
    start = time.monotonic()
    for name in names:
        region.create(name)
    for name in names:
        region.wait_active(name, 600)
    seconds = time.monotonic() - start
    result("together", clusters=count, seconds=seconds, seconds_per_cluster=seconds / count, alone_seconds=alone, ratio=seconds / count / alone)
    return names


if __name__ == "__main__":
    artifacts = pathlib.Path(sys.argv[1])
    with Region() as region:
        alone = pairs(region, artifacts, 5)
        together(region, 5, alone)
