import FleetModel
import Substrate
import Timing

/// The s6 scan directory of a unit: one service a component, each with its logger.
struct ServiceTree {
    /// A program whose content was found good.
    struct Program {
        var path: String
        var sha256: String
        /// Its fingerprint when it was found good: as long as it stays, the first start need not hash the file once more.
        var fingerprint: String?
    }

    struct Service {
        var kind: ComponentKind
        /// Nil when the program is of the host and has no digest to check.
        var artifact: Program?
        /// The program and its arguments. The program's path carries the cluster's name, for an operator with `ps`.
        var command: [String]
        var environment: [String: String]
        /// A directory that gets a copy of what it says.
        var deliveredLog: String?
        /// Of an API server: which of the two that an instance may have.
        var slot = ServerSlot.first

        var part: String { Unit.part(kind, slot) }
    }

    let unit: Unit
    let restartDelay: Duration
    /// The directory of the volume that the components keep their data on.
    var volume: String?

    /// Writes the tree below `directory`; its scripts speak of the unit's final paths.
    func write(_ services: [Service], to directory: String) throws {
        for name in ["scan", "state", "bin", "files"] { try FileTree.makeDirectory("\(directory)/\(name)") }
        for service in services { try write(service, to: directory) }
        try FileTree.write("\(directory)/launch", launch, mode: 0o700)
    }

    /// One service; each of its files comes whole in the place of what was there.
    func write(_ service: Service, to directory: String) throws {
        let path = "\(directory)/scan/\(unit.service(service.part))"
        try FileTree.makeDirectory("\(path)/log")
        if let artifact = service.artifact { try FileTree.link("\(directory)/bin/\(service.part)", to: artifact.path) }
        if let seen = service.artifact?.fingerprint {
            try FileTree.write("\(directory)/state/\(service.part).verified", "\(seen)\n")
        }
        try FileTree.replace("\(path)/run", run(service), mode: 0o700)
        try FileTree.replace("\(path)/finish", finish(service), mode: 0o700)
        try FileTree.replace("\(path)/log/run", log(service), mode: 0o700)
    }

    /// What `write` writes last of a part that is new.
    static func lastFile(of part: String, _ unit: Unit) -> String { "\(unit.scan)/\(unit.service(part))/log/run" }

    private func run(_ service: Service) -> String {
        var text = """
            #!/bin/sh
            # \(service.kind.rawValue) of the cluster \(unit.cluster) on \(unit.name). Written by Slipway.
            exec 2>&1
            umask 077
            cd \(Shell.quote(unit.files)) || exit 100

            """
        if let artifact = service.artifact { text += check(service.part, sha256: artifact.sha256) }
        if let volume { text += require(volume: volume) }
        text += "ulimit -S -n \"$(ulimit -H -n)\" 2>/dev/null\n"
        let path = service.environment["PATH"] == nil ? ["PATH=\(Tools.searchPath.joined(separator: ":"))"] : []
        let environment = service.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let limits = Shell.quote(unit.limits(service.kind))
        text += "if [ -e \(limits) ]; then . \(limits); fi\n"
        text += "exec " + Shell.line(["env", "-i"] + path + environment + service.command) + "\n"
        return text
    }

    /// A program is hashed again only when its inode, size or times have changed since it was found good; one that was
    /// found bad is not hashed again until it changes.
    private func check(_ part: String, sha256: String) -> String {
        let state = "\(unit.state)/\(part)"
        return """
            program=\(Shell.quote("\(unit.directory)/bin/\(part)"))
            state=\(Shell.quote(state))
            seen=$(stat -L -c '%i %s %.9Y %.9Z' "$program") || { echo "slipway: $program is missing"; exit 1; }
            good=; bad=
            [ -e "$state.verified" ] && IFS= read -r good < "$state.verified"
            [ -e "$state.refused" ] && IFS= read -r bad < "$state.refused"
            if [ "$seen" != "$good" ]; then
                [ "$seen" = "$bad" ] && exit 1
                case $(sha256sum < "$program") in
                \(Shell.quote(sha256))*)
                    echo "$seen" > "$state.verified"; rm -f "$state.refused" ;;
                *)
                    echo "$seen" > "$state.refused"
                    echo "slipway: refused to start $program: its SHA-256 is not \(sha256); import the release again"
                    exit 1 ;;
                esac
            fi

            """
    }

    /// A program would make the directories that it misses and begin anew, empty, under the name of one that has voted.
    private func require(volume: String) -> String {
        """
        volume=\(Shell.quote(volume))
        [ -e "$volume/volume.json" ] || { echo "slipway: the volume $volume is gone; nothing is started without it"; exit 1; }

        """
    }

    private func finish(_ service: Service) -> String {
        """
        #!/bin/sh
        [ -e \(Shell.quote("\(unit.state)/stopping")) ] && exit 0
        [ -e \(Shell.quote(unit.leaving(service.part))) ] && exit 0
        [ -e \(Shell.quote("\(unit.state)/\(service.part).refused")) ] || {
            mark=.
            if [ "$1" -gt 255 ]; then
                echo "slipway: \(service.kind.rawValue) was ended by signal $2"
                case "$2" in 2 | 9 | 15) mark=\(Supervisor.killMark) ;; esac
            else
                echo "slipway: \(service.kind.rawValue) ended with status $1"
                # Told to end by somebody, it has ended in order.
                [ "$1" -eq 0 ] && mark=\(Supervisor.killMark)
            fi
            printf "$mark" >> \(Shell.quote(unit.ends(service.part)))
        }
        \(restartDelay > .zero ? "exec sleep \(restartDelay.seconds)" : "exit 0")

        """
    }

    private func log(_ service: Service) -> String {
        // Two loggers cannot write to one directory.
        let directories = ["\(unit.logs)/\(service.part)"] + [service.deliveredLog.map { $0 + service.slot.suffix }].compactMap { $0 }
        return """
            #!/bin/sh
            umask 077
            exec s6-log -b -- n5 s8388608 T \(directories.map(Shell.quote).joined(separator: " "))

            """
    }

    /// TCP's ways in the unit's namespace, by names below `/proc/sys/net/ipv4`. What was lost is sent again in even steps and, where
    /// the kernel has it (Linux 6.15), after a second at the latest, instead of after twice as long each time: in a zone that loses
    /// every third packet a request would stall for many seconds. Sending again goes on for about as long as a minute, then.
    private static let networkSettings = [("tcp_thin_linear_timeouts", 1), ("tcp_rto_max_ms", 1000), ("tcp_retries2", 60)]

    /// In the launcher's environment: the content of `Unit.launchMark` that it is good for.
    static let launchVariable = "SLIPWAY_LAUNCH"

    /// Joins the groups given as arguments, enters the network namespace, takes the unit's name for the machine's, and becomes
    /// the unit's s6-svscan. It is nobody's child, and so goes on when who started it is interrupted: one that is not wanted any more,
    /// which `Processes.stop` says by removing the mark before it looks into the groups, must either be found in them or see that.
    private var launch: String {
        // `tcp_retries2` is for the second's sake, so it stays as it is where that cannot be had.
        let settings = Self.networkSettings.map { "[ -w \($0.0) ] && echo \($0.1) > \($0.0)" }.joined(separator: " && ")
        return """
            #!/bin/sh
            umask 077
            for group in "$@"; do echo $$ > "$group/cgroup.procs" || exit 111; done
            [ -n "$\(Self.launchVariable)" ] && [ "$(cat \(Shell.quote(unit.launchMark)))" = "$\(Self.launchVariable)" ] || exit 111
            unset \(Self.launchVariable)
            exec nsenter --net=\(Shell.quote(unit.namespacePath)) unshare --uts /bin/sh -c '[ -w /proc/sys/kernel/hostname ] && echo "$1" > /proc/sys/kernel/hostname
            cd /proc/sys/net/ipv4 && \(settings)
            cd / && exec s6-svscan -c 64 "$0"' \(Shell.quote(unit.scan)) \(Shell.quote(unit.hostName))

            """
    }
}
