import FleetModel
import Foundation
import Glibc
import LocalSubstrate
import SlipwayTesting
import Substrate
import Testing
import Timing

@Suite(.serialized) struct LocalSupervisionTests {
    /// Process number of the region's only s6-svscan.
    private func supervisor(_ region: LocalRegion) async throws -> Int32 {
        let list = "ps -eo pid,args | grep -F 's6-svscan -c 64 \(region.directory)' | grep -v grep | awk '{print $1}'"
        return try #require(Int32(try await shell(list).output))
    }

    @Test func crashedComponentComesBackWithoutSlipway() async throws {
        try await LocalRegion.with { region in
            let spec = region.sleeping("api-1")
            try await region.make(spec)
            let first = try await region.process(of: spec.id)
            _ = try await region.eventually("its command line names the cluster") {
                let arguments = try String(contentsOfFile: "/proc/\(first)/cmdline", encoding: .utf8)
                return arguments.contains("/clusters/first/instances/api-1/bin/kube-apiserver") ? true : nil
            }
            let began = TimeSource.system.uptime
            kill(first, SIGKILL)
            // Looking restarts nothing: what brings it back is its supervisor.
            _ = try await region.process(of: spec.id, after: first)
            print("a killed component was back after \((TimeSource.system.uptime - began).seconds) s")
            _ = try await region.eventually("the log says why") { region.log(of: spec.id).contains("ended by signal 9") ? true : nil }
            let ended = try await region.observe(spec.id)?.components.first
            #expect(ended?.ends == 1 && ended?.kills == 1)
            let second = try await region.process(of: spec.id, after: first)
            kill(second, SIGSEGV)
            _ = try await region.process(of: spec.id, after: second)
            let again = try await region.observe(spec.id)?.components.first
            #expect(again?.ends == 2 && again?.kills == 1, "that was its own doing")
        }
    }

    @Test func supervisorIsNobodysChildAndHoldsNoFileOfOurs() async throws {
        try await LocalRegion.with { region in
            let spec = region.sleeping("api-1")
            try await region.make(spec)
            let process = try await region.process(of: spec.id)
            let supervisor = try await supervisor(region)
            #expect(try await shell("ps -o ppid= -p \(supervisor)").output != "\(getpid())")
            for number in [supervisor, process] {
                let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(number)/fd").compactMap {
                    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(number)/fd/\($0)")
                }
                let allowed = [region.directory, "/dev/null", "pipe:", "anon_inode:"]
                #expect(files.allSatisfy { file in allowed.contains { file.hasPrefix($0) } }, "\(files)")
            }
            #expect(try await shell("ps -eo args | grep -x 's6-supervise kube-apiserver@first'").isSuccess)
        }
    }

    @Test(arguments: [false, true])
    func lostSupervisionIsSeenAndRestored(componentsDieToo: Bool) async throws {
        try await LocalRegion.with { region in
            let spec = region.sleeping("api-1")
            try await region.make(spec)
            let first = try await region.process(of: spec.id)
            kill(try await supervisor(region), SIGKILL)
            if componentsDieToo { kill(first, SIGKILL) }
            _ = try await region.eventually("it is stopped") { try await region.observe(spec.id)?.state == .stopped ? true : nil }
            try await region.substrate.ensureInstance(spec)
            _ = try await region.process(of: spec.id, after: first)
            #expect(!isRunning(first))
            #expect(try await region.observe(spec.id)?.state == .running)
        }
    }

    /// As after a restart of the host: directories are there, processes and interfaces are not.
    @Test func stoppedInstanceStartsAgain() async throws {
        try await LocalRegion.with { region in
            let spec = region.sleeping("api-1")
            try await region.make(spec)
            let first = try await region.process(of: spec.id)
            try await shell(
                """
                for i in 1 2 3; do kill -9 $(find /sys/fs/cgroup -path '*/\(region.prefix)/*' -name cgroup.procs -exec cat {} +); done 2>/dev/null
                ip netns del \(region.prefix).first.api-1
                for link in /sys/class/net/sw*; do grep -q '^\(region.prefix) ' $link/ifalias && ip link del ${link##*/}; done
                ip route flush root \(region.substrate.configuration.addressPool); nft delete table inet \(region.prefix)
                """)
            _ = try await region.eventually("it is stopped") { try await region.observe(spec.id)?.state == .stopped ? true : nil }
            #expect(try await region.substrate.observe(spec.id.cluster).network?.isComplete == false)
            try await region.substrate.prepare()
            try await region.make(spec)
            _ = try await region.process(of: spec.id, after: first)
            let seen = try await region.substrate.observe(spec.id.cluster)
            #expect(seen.network?.isComplete == true)
            #expect(seen.instances.map(\.state) == [.running])
        }
    }

    @Test func lostInterfaceIsMadeAgainWithoutRestart() async throws {
        try await LocalRegion.with { region in
            let spec = region.sleeping("api-1")
            try await region.make(spec)
            let first = try await region.process(of: spec.id)
            try await shell("ip netns exec \(region.prefix).first.api-1 ip link del eth0")
            #expect(try await region.observe(spec.id)?.state == .incomplete)
            try await region.make(spec)
            #expect(try await region.observe(spec.id)?.state == .running)
            #expect(try await region.process(of: spec.id) == first)
        }
    }

    @Test func changedByteIsRefusedAndSaid() async throws {
        try await LocalRegion.with { region in
            let spec = region.sleeping("api-1")
            try await region.make(spec)
            let first = try await region.process(of: spec.id)
            _ = try await region.eventually("its program has been checked and runs") {
                let arguments = try String(contentsOfFile: "/proc/\(first)/cmdline", encoding: .utf8)
                return arguments.contains("/bin/kube-apiserver") ? true : nil
            }
            let program = region.directory + "/programs/sleeper"
            // Beside and renamed: a running program cannot be written to.
            let change = "cp \(program) \(program).x && printf X | dd of=\(program).x bs=1 seek=5000 conv=notrunc 2>/dev/null"
            #expect(try await shell("\(change) && mv \(program).x \(program)").isSuccess)
            #expect(try await region.observe(spec.id)?.components.first?.isUp == true)
            kill(first, SIGKILL)
            let problem = try await region.eventually("it is refused") { try await region.observe(spec.id)?.components.first?.problem }
            #expect(problem.contains("kube-apiserver"))
            _ = try await region.eventually("the log says so") { region.log(of: spec.id).contains("refused to start") ? true : nil }
            #expect(try await region.observe(spec.id)?.components.first?.isUp == false)
            let error = await #expect(throws: SubstrateError.self) { try await region.substrate.ensureInstance(spec) }
            #expect(error?.code == .invalidArtifact)
            // Once the program is good again, its supervisor starts it.
            #expect(try await shell("cp /usr/bin/sleep \(program).x && mv \(program).x \(program)").isSuccess)
            _ = try await region.process(of: spec.id, after: first)
            #expect(try await region.observe(spec.id)?.components.first?.problem == nil)
        }
    }

    /// What began in place of a lost volume would be empty, and vote under the name of one that has voted.
    @Test func nothingIsStartedWithoutItsVolume() async throws {
        try await LocalRegion.with { region in
            var spec = region.sleeping("api-1")
            let volume = VolumeID(cluster: spec.id.cluster, name: "etcd-a")
            spec.volume = volume
            try await region.substrate.ensureVolume(VolumeSpec(id: volume, zone: spec.zone))
            try await region.make(spec)
            let first = try await region.process(of: spec.id)
            let path = URL(filePath: region.substrate.paths(of: spec.id, volume: volume).volume).deletingLastPathComponent()
            try FileManager.default.removeItem(at: path)
            kill(first, SIGKILL)
            _ = try await region.eventually("the log says why") {
                region.log(of: spec.id).contains("is gone; nothing is started without it") ? true : nil
            }
            #expect(!FileManager.default.fileExists(atPath: path.path))
            #expect(!region.log(of: spec.id).contains("ended with status 0"))
        }
    }

    /// As etcd does over a database that it cannot read: the reason is in the line before the panic.
    @Test func lastWordsHaveTheReason() async throws {
        try await LocalRegion.with { region in
            var spec = region.sleeping("api-1")
            let script = region.directory + "/programs/giver-up"
            let lines = [
                #"{"level":"info","msg":"starting"}"#, #"{"level":"panic","msg":"failed to open database","error":"invalid database"}"#,
                "panic: failed to open database", "goroutine 1 [running]:",
            ]
            let text = "#!/bin/sh\n" + lines.map { "echo '\($0)'\n" }.joined() + "exit 2\n"
            try text.write(toFile: script, atomically: true, encoding: .utf8)
            #expect(try await shell("chmod 755 \(script)").isSuccess)
            spec.components = [
                ComponentSpec(kind: .apiServer, artifact: try region.artifacts.add(script, name: "giver-up"), arguments: [])
            ]
            try await region.make(spec)
            let said = try await region.eventually("it has given up") { try await region.observe(spec.id)?.components.first?.lastWords }
            #expect(
                said.split(separator: "\n").map(String.init).map { line in lines.first { line.hasSuffix($0) } } == [lines[1], lines[2]])
        }
    }

    @Test func longNamesAndStrangeWordsWork() async throws {
        let name = String(repeating: "Az_9-", count: 20)
        try await LocalRegion.with(names: [name]) { region in
            var spec = region.sleeping("api-1")
            let script = region.directory + "/programs/words"
            let text = "#!/bin/sh\nprintf '%s|' \"$A\" \"$@\" > words.new; mv words.new words.txt\nexec sleep 100000\n"
            try text.write(toFile: script, atomically: true, encoding: .utf8)
            #expect(try await shell("chmod 755 \(script)").isSuccess)
            let words = ["it's", "$HOME `id` \"x\"", "", "a\nb", "--flag=ä b"]
            let artifact = try region.artifacts.add(script, name: "words")
            spec.components = [
                ComponentSpec(kind: .apiServer, artifact: artifact, arguments: words, environment: ["A": "x 'y' $z"])
            ]
            try await region.make(spec)
            _ = try await region.process(of: spec.id)
            let path = region.substrate.paths(of: spec.id, volume: nil).directory + "/words.txt"
            let said = try await region.eventually("it says its words") { try? String(contentsOfFile: path, encoding: .utf8) }
            #expect(said == (["x 'y' $z"] + words).map { $0 + "|" }.joined())
            try await region.substrate.ensureLoadBalancer(region.balancer())
            #expect(try await region.substrate.observe(spec.id.cluster).loadBalancer?.state == .running)
        }
    }
}
