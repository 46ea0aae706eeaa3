"""docs/performance.md from the results of one run."""


def page(rows, machine, date):
    def of(name):
        return [row for row in rows if row["name"] == name]

    lines = [
        "# Performance",
        "",
        f"Written by `make bench` on {date}, on {machine}. Machines are shared and noisy: figures are ratios within this run.",
        "",
        "## Creating a cluster",
        "",
        "From the request to the first `ok` of `/readyz` through the endpoint, against a bare script that boots the same programs",
        "with the same flags and certificates made beforehand (3 etcd, 2 API servers, 2 controller managers, 2 schedulers in",
        "namespaces; until the first API server is ready). Pairs in turn, medians.",
        "",
        "| | slipway | bare script | ratio (median of pairs) | asked |",
        "|---|---|---|---|---|",
    ]
    for row in of("create"):
        lines.append(
            f"| {row['pairs']} pairs | {row['slipway_seconds']:.2f} s | {row['bare_seconds']:.2f} s | **{row['ratio']:.2f}** | at most 1.25 |"
        )
        lines.append(f"| until ACTIVE (its controllers lead) / both API servers | {row['active_seconds']:.2f} s | {row['bare_both_seconds']:.2f} s | | |")
    for row in of("together"):
        lines += [
            "",
            f"{row['clusters']} clusters created at once: all ACTIVE after {row['seconds']:.1f} s, {row['seconds_per_cluster']:.2f} s a cluster;"
            f" one alone took {row['alone_seconds']:.2f} s: ratio **{row['ratio']:.2f}** (asked: at most 1).",
        ]
        if row["ratio"] > 1:
            lines.append("One creation alone already keeps both cores busy, and the clusters that run already take their share of them.")
    lines += ["", "## Slipway's own memory", "", "| clusters | MiB | pass with nothing to do |", "|---|---|---|"]
    for row in of("memory"):
        lines.append(f"| {row['clusters']} real | {row['mebibytes']:.0f} | |")
    for row in of("fleet"):
        lines.append(f"| {row['clusters']} simulated | {row['mebibytes']:.0f} | {row['pass_seconds']:.2f} s |")
    lines += [
        "",
        "Simulated: the whole process, with the simulated substrate's and the store's own data; the pass runs the real controllers.",
        "",
        "## API",
        "",
        "Requests per second over 16 connections, the same signed request and client (wrk), against moto's server. Slipway verifies",
        "each signature and writes an audit record; moto does neither.",
        "",
        "| operation | slipway | moto | ratio |",
        "|---|---|---|---|",
    ]
    for row in of("api"):
        lines.append(f"| {row['operation']} | {row['slipway_per_second']:.0f}/s | {row['moto_per_second']:.0f}/s | **{row['ratio']:.1f}** |")
    return "\n".join(lines) + "\n"
