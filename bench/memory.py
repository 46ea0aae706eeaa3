"""Slipway's own memory with 0, 1 and 5 real clusters."""
import pathlib

from region import Region, result


def server_processes(region):
    """Processes of the service itself: those of `slipway server` under this data directory."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if command and command[0].endswith(b"slipway") and b"authenticator" not in command and str(region.directory).encode() in b" ".join(command):
            found.append(process)
    return found


def proportional_memory(process):
    """MiB, shared pages divided among those who share them."""
    for line in (process / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


def measure(region, count):
    result("memory", clusters=count, mebibytes=sum(proportional_memory(p) for p in server_processes(region)))


if __name__ == "__main__":
    with Region() as region:
        names = [f"memory-{index}" for index in range(5)]
        measure(region, 0)
        region.create(names[0])
        region.wait_active(names[0])
        measure(region, 1)
        for name in names[1:]:
            region.create(name)
        for name in names[1:]:
            region.wait_active(name, 600)
        measure(region, 5)
