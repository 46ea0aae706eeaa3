"""Runs the benchmarks and writes docs/performance.md and docs/reliability.md."""
import argparse
import contextlib
import datetime
import io
import json
import os
import platform
import subprocess
import sys

import api
import create
import memory
import report
import zones
from region import ROOT, SLIPWAY, Region, result


class Tee(io.StringIO):
    """Shows what it keeps."""

    def write(self, text):
        sys.__stdout__.write(text)
        sys.__stdout__.flush()
        return super().write(text)


def fleet():
    """Simulated fleets, in the program itself: a pass over clusters with nothing to do, and memory."""
    for clusters in (1000, 10000):
        done = subprocess.run(
            [str(SLIPWAY), "simulate", "fleet", "--clusters", str(clusters), "--output", "json"], capture_output=True, text=True, check=True
        )
        row = json.loads(done.stdout)
        result("fleet", clusters=clusters, mebibytes=row["mebibytes"], pass_seconds=row["passSeconds"])


def main(artifacts, arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--long", action="store_true", help="the mixed run of `zones` takes 30 minutes")
    parser.add_argument("--minutes", type=float, help="of the mixed run of `zones` (default: 6)")
    parser.add_argument("--seed", type=int, default=1, help="of the mixed run of `zones`")
    parser.add_argument("--only", action="append", help="of `zones`: a kind of fault, evacuation, killed or mixed; writes no page")
    options = parser.parse_args(arguments)
    parts = options.parts
    chosen = parts or ["create", "together", "memory", "fleet", "api", "zones"]
    kept = Tee()
    with contextlib.redirect_stdout(kept):
        if "create" in chosen or "together" in chosen:
            with Region() as region:
                alone = create.pairs(region, artifacts, 5)
                if "together" in chosen:
                    names = create.together(region, 5, alone)
                    memory.measure(region, 5)
                    for name in names:
                        region.delete(name)
        if "memory" in chosen:
            with Region() as region:
                memory.measure(region, 0)
                region.create("memory-1")
                region.wait_active("memory-1")
                memory.measure(region, 1)
        if "fleet" in chosen:
            fleet()
        if "api" in chosen:
            with Region() as region:
                api.compare(region)
        if "zones" in chosen:
            zones.measure(options.long, options.minutes, options.seed, options.only)
    rows = [json.loads(line[len("RESULT "):]) for line in kept.getvalue().splitlines() if line.startswith("RESULT ")]
    machine = f"{os.cpu_count()} cores, {platform.platform()}"
    if "zones" in chosen and not options.only:
        zones.write([row for row in rows if row["name"] in ("zones", "mixed")], machine)
    if not parts:
        (ROOT / "docs" / "performance.md").write_text(report.page(rows, machine, datetime.date.today()))
        print("written: docs/performance.md")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
