# Shared by the scripts of this folder; sourced, never run.
# shellcheck shell=bash

CACHE=${SLIPWAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/slipway}
SECONDS=0

# say TEXT: one progress line with the seconds since the script began.
say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

# fail TEXT: one error line, then the end.
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# need COMMAND...: fails when one of them is not installed.
need() {
    local command missing=()
    for command in "$@"; do command -v "$command" >/dev/null || missing+=("$command"); done
    [[ ${#missing[@]} -eq 0 ]] || fail "not installed: ${missing[*]}; run scripts/setup as root."
}

# debian_sources TYPE SUITE [FOLDER]: prints the machine's own Debian sources (deb822 form) with their type and suite replaced.
# A source counts as Debian's when it serves the component main of this machine's release and is either signed by the
# Debian archive keyring or ends in /debian, so that other vendors' sources never take part. FOLDER is apt's, /etc/apt.
debian_sources() {
    local type=$1 suite=$2 folder=${3:-/etc/apt} own
    own=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    [[ -n $own ]] || fail "this machine's Debian release is unknown (no VERSION_CODENAME in /etc/os-release)."
    {
        local file
        for file in "$folder"/sources.list.d/*.sources; do
            # A comment line inside a stanza is no part of it; a file may lack its last line's end.
            [[ -f $file ]] && sed '/^#/d' "$file" && printf '\n\n'
        done
        # One-line entries, rewritten as stanzas: deb [option=value ...] URI SUITE COMPONENT...
        for file in "$folder/sources.list" "$folder"/sources.list.d/*.list; do
            [[ -f $file ]] && awk '
                $1 == "deb" {
                    options = ""
                    if (match($0, /\[[^]]*\]/)) {
                        options = substr($0, RSTART + 1, RLENGTH - 2)
                        $0 = substr($0, 1, RSTART - 1) " " substr($0, RSTART + RLENGTH)
                    }
                    printf "Types: deb\nURIs: %s\nSuites: %s\nComponents:", $2, $3
                    for (i = 4; i <= NF && $i !~ /^#/; i++) printf " %s", $i
                    print ""
                    n = split(options, parts, /[ \t]+/)
                    for (i = 1; i <= n; i++) if (sub(/^signed-by=/, "", parts[i])) print "Signed-By: " parts[i]
                    print ""
                }' "$file"
        done
        true
    } | awk -v type="$type" -v suite="$suite" -v own="$own" '
        BEGIN { RS = ""; FS = "\n" }
        function value(name,    i, rest) {
            for (i = 1; i <= NF; i++) if (tolower(substr($i, 1, length(name) + 1)) == tolower(name ":")) {
                rest = substr($i, length(name) + 2)
                gsub(/^[ \t]+|[ \t]+$/, "", rest)
                return rest
            }
            return ""
        }
        (" " value("Types") " ") ~ / deb / && (" " value("Suites") " ") ~ (" " own " ") \
            && (" " value("Components") " ") ~ / main / && tolower(value("Enabled")) != "no" \
            && (value("Signed-By") ~ /debian-archive/ || value("URIs") ~ /\/debian\/?$/) {
            for (i = 1; i <= NF; i++) {
                if (tolower($i) ~ /^types:/) print "Types: " type
                else if (tolower($i) ~ /^suites:/) print "Suites: " suite
                else if (tolower($i) ~ /^components:/) print "Components: main"
                else print $i
            }
            print ""
        }'
}

# private_apt DIRECTORY TYPE SUITE: prepares DIRECTORY so that `apt_options` makes apt use only Debian's SUITE, with lists of
# its own; the machine's apt configuration (proxies, for example) still counts, and its lists stay as they are.
private_apt() {
    local directory=$1 type=$2 suite=$3
    mkdir -p "$directory/lists/partial" "$directory/cache/archives/partial" "$directory/parts"
    debian_sources "$type" "$suite" >"$directory/parts/slipway.sources"
    [[ -s $directory/parts/slipway.sources ]] \
        || fail "apt on this machine has no Debian source of its own release; add one to /etc/apt/sources.list.d."
    apt_options=(
        -q
        -o "Dir::Etc::sourcelist=/dev/null"
        -o "Dir::Etc::sourceparts=$directory/parts"
        -o "Dir::State::lists=$directory/lists"
        -o "Dir::Cache=$directory/cache"
        -o "Dir::Cache::pkgcache="
        -o "Dir::Cache::srcpkgcache="
        -o "APT::Get::List-Cleanup=false"
        -o "Acquire::Languages=none"
        -o "Acquire::Retries=3"
        -o "APT::Sandbox::User=root"
    )
}
