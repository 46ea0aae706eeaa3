"""docs/performance.md: one section a subject, each with the date of its own run. A run rewrites the sections that it has measured whole
and keeps the others."""
import updates_report

HEAD = """# Performance

Written by `make bench`. Machines are shared and noisy: figures are ratios within one run.
"""


def creation(of):
    lines = [
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
    return lines


def memory(of):
    lines = ["| clusters | MiB | pass with nothing to do |", "|---|---|---|"]
    for row in of("memory"):
        lines.append(f"| {row['clusters']} real | {row['mebibytes']:.0f} | |")
    for row in of("fleet"):
        lines.append(f"| {row['clusters']} simulated | {row['mebibytes']:.0f} | {row['pass_seconds']:.2f} s |")
    return lines + [
        "",
        "Simulated: the whole process, with the simulated substrate's and the store's own data; the pass runs the real controllers.",
    ]


def api(of):
    lines = [
        "Requests per second over 16 connections, the same signed request and client (wrk), against moto's server. Slipway verifies",
        "each signature and writes an audit record; moto does neither.",
        "",
        "| operation | slipway | moto | ratio |",
        "|---|---|---|---|",
    ]
    for row in of("api"):
        lines.append(f"| {row['operation']} | {row['slipway_per_second']:.0f}/s | {row['moto_per_second']:.0f}/s | **{row['ratio']:.1f}** |")
    return lines


# In the page's order: what writes a section, and the names of results without any of which it is not whole.
SECTIONS = {
    "Creating a cluster": (creation, {"create", "together"}),
    "Slipway's own memory": (memory, {"memory", "fleet", "together"}),
    "API": (api, {"api"}),
    "Updates: a new platform version": (updates_report.platform, {"platform"}),
    "Updates: at once, or one after the other": (updates_report.sequential, {"sequential"}),
    "Updates: against a rolling restart by a script": (updates_report.script, {"script"}),
    "Updates: in place": (updates_report.patch, {"patch"}),
    "Updates: a release that is no good": (updates_report.bad, {"bad"}),
    "Encrypted secrets: KMS v2": (updates_report.secrets_v2, {"secrets-v2"}),
    "Encrypted secrets: KMS v1": (updates_report.secrets_v1, {"secrets-v1"}),
}


def sections(rows):
    """The sections that were measured whole: their lines by their titles."""
    def of(name):
        return [row for row in rows if row["name"] == name]

    measured = {row["name"] for row in rows}
    return {title: write(of) for title, (write, needed) in SECTIONS.items() if needed <= measured}


def page(old, new, machine, date):
    """The page `old` with the sections `new` in the place of those of the same titles."""
    texts = {}
    for part in ("\n" + old).split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        texts[title] = text.strip("\n")
    for title, lines in new.items():
        texts[title] = "\n".join(["", f"Measured on {date}, on {machine}.", "", *lines]).strip("\n")
    order = [title for title in SECTIONS if title in texts] + [title for title in texts if title not in SECTIONS]
    return HEAD + "".join(f"\n## {title}\n\n{texts[title]}\n" for title in order)
