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
import updates
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
    parser.add_argument("--secrets", type=int, default=100_000, help="of `updates`: how many are made with encryption, and without")
    parser.add_argument(
        "--kubernetes", metavar="DIRECTORY",
        help="of `updates`: programs of another Kubernetes than that of scripts/artifacts; the directory's name is the version")
    parser.add_argument(
        "--only", action="append",
        help=f"of `updates`: {', '.join(updates.PARTS)}; of `zones`: a kind of fault, evacuation, killed or mixed, without a page")
    options = parser.parse_args(arguments)
    parts = options.parts or ["create", "together", "memory", "fleet", "api", "zones", "updates"]
    kept = Tee()
    with contextlib.redirect_stdout(kept):
        if "create" in parts or "together" in parts:
            with Region() as region:
                alone = create.pairs(region, artifacts, 5)
                if "together" in parts:
                    names = create.together(region, 5, alone)
                    memory.measure(region, 5)
                    for name in names:
                        region.delete(name)
        if "memory" in parts:
            with Region() as region:
                memory.measure(region, 0)
                region.create("memory-1")
                region.wait_active("memory-1")
                memory.measure(region, 1)
        if "fleet" in parts:
            fleet()
        if "api" in parts:
            with Region() as region:
                api.compare(region)
        if "zones" in parts:
            zones.measure(options.long, options.minutes, options.seed, options.only)
        if "updates" in parts:
            updates.measure(artifacts, options.only, options.secrets, options.kubernetes)
    rows = [json.loads(line[len("RESULT "):]) for line in kept.getvalue().splitlines() if line.startswith("RESULT ")]
    machine = f"{os.cpu_count()} cores, {platform.platform()}"
    if "zones" in parts and not options.only:
        zones.write([row for row in rows if row["name"] in ("zones", "mixed")], machine)
    if sections := report.sections(rows):
        page = ROOT / "docs" / "performance.md"
        page.write_text(report.page(page.read_text(), sections, machine, datetime.date.today()))
        print(f"written: docs/performance.md: {', '.join(sections)}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
