"""docs/reliability.md from the results of one run."""

# Seconds: until trouble ends, and of the longest request; what the table of the goal asks for.
ASKED = {"power": (2, 2), "blackhole": (3, 2.5), "freeze": (4, 3), "loss=30%": (20, 3)}


def seconds(value):
    return "-" if value is None else f"{value:.2f} s"


def verdict(row):
    """What was asked for, and whether it was met."""
    name = row["fault"]
    if name in ASKED:
        until, longest = ASKED[name]
        asked, met = f"{until} s / {longest} s", row["trouble_seconds"] <= until and row["longest"] <= longest
    elif name.startswith("evacuation"):
        asked, met = "none failed / 1 s", row["failed"] == 0 and row["slow"] == 0
    else:
        asked, met = "10 s / -", row["trouble_seconds"] <= 10
    return asked, "met" if met else "**missed**"


def page(rows, machine, date):
    lines = [
        "# Reliability",
        "",
        f"Written by `make bench` (part `zones`) on {date}, on {machine}.",
        "",
        "Eight writers and eight readers work through the cluster's endpoint without pause (`bench/numbered.py`). A zone that holds an",
        "etcd member and an API server fails by `slipway fault inject`. *Trouble* is a request that took longer than 1 s or failed; its",
        "end is counted from the moment at which the fault was asked for. Each fault is run twice, with the region's reaction",
        "(`slipway zone policy auto`) and without (`off`). Without it the trouble is counted as long as the fault stood, 45 to 60 s.",
        "",
        "| fault | reaction | trouble ends | longest request | failed of all | slow | detected after | asked (trouble / longest) | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    runs = [row for row in rows if row["name"] == "zones"]
    for row in runs:
        name = row["fault"] + ((", etcd's leader in it" if row["leads"] else ", a follower in it") if row["fault"] == "blackhole" else "")
        asked, met = verdict(row) if row["reaction"] != "off" else ("", "")
        lines.append(
            f"| {name} | {row['reaction']} | {seconds(row['trouble_seconds'])} | {seconds(row['longest'])} | {row['failed']} of"
            f" {row['total']} | {row['slow']} | {seconds(row['detected'])} | {asked} | {met} |")
    lost, backwards = sum(row["lost"] for row in rows), sum(row["backwards"] for row in rows)
    acknowledged = sum(row["acknowledged"] for row in rows)
    lines += [
        "",
        f"Of {acknowledged} acknowledged writes of all runs, {lost} were lost afterwards; {backwards} reads went backwards.",
    ]
    for row in runs:
        if "evacuating" in row:
            lines.append(f"The evacuation by hand took {row['evacuating']:.1f} s, bringing the zone back {row['restoring']:.1f} s.")
    for row in (row for row in rows if row["name"] == "mixed"):
        lines += [
            "",
            f"## {row['minutes']:.0f} minutes with a fault every two",
            "",
            f"Drawn from seed {row['seed']}; each stands for 30 s. {row['failed']} of {row['total']} requests failed:"
            f" **{row['availability'] * 100:.3f}%** were answered (asked: 99.95%). In {row['quiet_seconds'] * 100:.2f}% of the seconds no"
            f" request failed or took longer than 1 s. The longest took {row['longest']:.2f} s.",
            "",
            "| after | fault | zone | trouble ends | failed |",
            "|---|---|---|---|---|",
        ]
        for fault in row["faults"]:
            lines.append(
                f"| {fault['at'] / 60:.1f} min | {fault['kind']} | {fault['zone']} | {seconds(fault['troubled'])} | {fault['failed']} |")
    return "\n".join(lines) + "\n"
