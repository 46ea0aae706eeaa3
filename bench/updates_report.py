"""The sections of docs/performance.md on updates and on encrypted secrets. Each takes the rows of a name."""


def verdict(value, limit):
    return "met" if value <= limit else "**missed**"


def seconds(value):
    return f"{value:.2f} s" if value < 100 else f"{value:.0f} s"


def reasons(rows, whose=""):
    """What failed requests were told, most of them first."""
    counts = {}
    for row in rows:
        for reason, count in row["reasons"].items():
            counts[reason] = counts.get(reason, 0) + count
    if not counts:
        return []
    told = "; ".join(f"{count} x `{reason}`" for reason, count in sorted(counts.items(), key=lambda pair: -pair[1])[:6])
    return ["", f"What failed requests{whose} were told: {told}."]


def faultless(row):
    """Nothing that a client could notice is wrong: what is asked of each update."""
    return all(row[name] == 0 for name in ("failed", "lost", "backwards", "missed", "disordered", "lists_broken"))


def kept(row):
    """Lost writes, reads that went backwards, watch events that were missed or came out of order, and broken lists."""
    return f"{row['lost']} / {row['backwards']} / {row['missed']} / {row['disordered']} / {row['lists_broken']}"


KEPT = "lost / backwards / missed / disordered / broken lists"


def latency(row):
    return f"{row['p99'] * 1000:.0f} ms ({row['p99_before'] * 1000:.0f} ms)"


def platform(of):
    lines = [
        "Sixteen clients work through the cluster's endpoint without pause (`bench/numbered.py`): six write numbers, six read them, and",
        "four watch everything that is written, as client-go does. A list of 300 objects is read meanwhile, five objects at a time. Each",
        "acknowledged write must be there in the end, its event must have arrived at each watcher, in order, and each list must be whole",
        "and of one revision. Releases are builds of Kubernetes 1.20.2 with a stamp each. Seconds are counted from the request until the",
        "update has ended and the cluster is `ACTIVE`. A watch that is cut goes on from where it was. p99 in brackets: before the update.",
        "Everything runs on the machine that is measured: clients, control plane and the service.",
        "",
        f"| etcd | seconds | failed of all | longest request | p99 | {KEPT} | events | watches cut | asked: none failed, lost or missed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in of("platform"):
        lines.append(
            f"| {row['before']} to {row['after']} | {seconds(row['seconds'])} | {row['failed']} of {row['total']} |"
            f" {seconds(row['longest'])} | {latency(row)} | {kept(row)} | {row['events']} | {row['watches_cut']} |"
            f" {'met' if faultless(row) else '**missed**'} |")
    return lines + reasons(of("platform"))


def sequential(of):
    lines = []
    for row in of("sequential"):
        lines += [
            f"Medians of {row['pairs']}, under the load of above. *One after the other* is `slipway cluster update --sequential`: etcd's members",
            "are replaced when the last old API server has gone. Either way the update ends when all that is new has been ready for 20 s without",
            "a break; one after the other each of both parts has these 20 s, and at once they are the same.",
            "",
            "| at once | one after the other | ratio (median of pairs) | asked | |",
            "|---|---|---|---|---|",
            f"| {seconds(row['together_seconds'])} | {seconds(row['sequential_seconds'])} |"
            f" **{row['ratio']:.2f}** | at most 0.6 | {verdict(row['ratio'], 0.6)} |",
            "",
            f"Of {row['total']} requests {row['failed']} failed.",
            *reasons([row]),
        ]
    return lines


def script(of):
    lines = [
        "The same change, etcd 3.4.23 to 3.5.16 and another API server build, of the same programs with the same certificates, under the",
        "same load. The script (`bench/rolling.py`) does zone after zone what kubeadm has the kubelet do: SIGTERM, SIGKILL after 30 s,",
        "the new program, the next when it says that it is well. Its API servers are without `--shutdown-delay-duration`, as kubeadm's;",
        "HAProxy in front has the settings of kubeadm's guide and its default intervals of checks.",
        "",
        f"| by | seconds | failed of all | longest request | p99 | {KEPT} | watches cut |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in of("script"):
        lines.append(
            f"| {row['by']} | {seconds(row['seconds'])} | {row['failed']} of {row['total']} | {seconds(row['longest'])} | {latency(row)} |"
            f" {kept(row)} | {row['watches_cut']} |")
    for row in of("script"):
        lines += reasons([row], f" ({row['by']})")
    return lines


def patch(of):
    lines = []
    for row in of("patch"):
        lines += [
            "The same change of the API servers' programs by new instances (`slipway cluster update`) and in place (`slipway cluster patch`),",
            f"under the load of above; medians of {row['pairs']}. New instances are checked for 4 s before they get traffic, and the old ones stay",
            "at hand for 20 s after that. A patch, which is urgent, has ended when what is new has been ready for 4 s.",
            "",
            "| new instances | in place | ratio (median of pairs) | asked | | failed in place | asked | | longest request | watches cut |",
            "|---|---|---|---|---|---|---|---|---|---|",
            f"| {seconds(row['update_seconds'])} | {seconds(row['patch_seconds'])} | **{row['ratio']:.2f}** | at most 0.4 |"
            f" {verdict(row['ratio'], 0.4)} | {row['failed']} of {row['total']} | 0 | {verdict(row['failed'], 0)} |"
            f" {seconds(row['longest'])} | {row['watches_cut']} |",
            *reasons([row]),
        ]
    return lines


def bad(of):
    lines = [
        "Until the update is `Failed` and the cluster, on its old release, is `ACTIVE`; under the load of above.",
        "",
        f"| what is wrong | seconds until reverted | failed of all | longest request | {KEPT} | asked: none failed, lost or missed |",
        "|---|---|---|---|---|---|",
    ]
    for row in of("bad"):
        good = faultless(row) and row["status"] == "Failed" and row["is_back"]
        lines.append(
            f"| {row['kind']} | {seconds(row['seconds'])} | {row['failed']} of {row['total']} | {seconds(row['longest'])} | {kept(row)} |"
            f" {'met' if good else '**missed**'} |")
    return lines + reasons(of("bad"))


def secrets_v1(of):
    return secrets(of("secrets-v1"), "for information", (
        "With v1 each secret has a data key of its own, for which the plugin is asked once; the API server remembers it."))


def secrets_v2(of):
    return secrets(of("secrets-v2"), "at most 1.3", (
        "With v2 data keys are derived from one seed, for which the plugin is asked once. API servers of clusters with a key run with\n"
        "`GOGC=300`, those of others with Go's 100: see encryption.md. With 100 on both sides the ratio was 1.57 (2026-11-25)."))


def ends(ended):
    if not any(ended.values()):
        return ["No API server ended itself in its start."]
    return [
        f"Starts in which the API server ended itself, which are not among these: {ended['plain']} plain, {ended['sealed']} encrypted."]


def secrets(rows, asked, keys):
    lines = []
    for row in rows:
        plain, sealed = row["reads"]["plain"], row["reads"]["sealed"]
        met = f", {verdict(row['ready_ratio'], 1.3)}" if row["interface"] == "v2" else ""
        lines += [
            f"Kubernetes {row['kubernetes']}. {row['count']} secrets in each of two clusters, one with a KMS key from the start, written by 16",
            "clients in turn, a tenth at a time. An API server's process is then killed and starts again,"
            f" {row['starts']} times each, in turn, each time",
            "when the machine is calm: until `/readyz` says ok, and until it answers from its watch cache, that is, has read all secrets."
            " Medians.",
            "",
            "| | plain | encrypted | ratio | asked |",
            "|---|---|---|---|---|",
            f"| secrets written | {row['plain_rate']:.0f}/s | {row['sealed_rate']:.0f}/s | **{row['sealed_rate'] / row['plain_rate']:.2f}** | |",
            f"| start to ready | {seconds(row['plain_ready'])} | {seconds(row['sealed_ready'])} | **{row['ready_ratio']:.2f}** (median of pairs)"
            f" | {asked}{met} |",
            f"| start until the watch cache has all | {seconds(row['plain_cached'])} | {seconds(row['sealed_cached'])} |"
            f" **{row['cached_ratio']:.2f}** (median of pairs) | |",
            f"| all read once more out of etcd, in pages | {seconds(plain['seconds'])} | {seconds(sealed['seconds'])} |"
            f" **{sealed['seconds'] / plain['seconds']:.2f}** | |",
            "",
            keys,
            f"An API server that starts unseals {row['sealed_read']:.0f} times, and {row['sealed_misses']:.0f} times a key was not at hand.",
            f"While all {sealed['found']} are read once more, that is so {sealed['misses']} times.",
            *ends(row["ended"]),
        ]
    return lines
