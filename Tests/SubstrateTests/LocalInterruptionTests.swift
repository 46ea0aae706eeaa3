import FleetModel
import Foundation
import LocalSubstrate
import SlipwayTesting
import Substrate
import Testing
import Timing

@Suite(.serialized) struct LocalInterruptionTests {
    /// However far it came: what is there is found, can be completed, and can be removed.
    @Test(arguments: [0, 1, 3, 6, 9, 12, 16, 20, 25, 30, 40, 60, 100])
    func cancelledCreateIsCompletedOrRemoved(milliseconds: Int) async throws {
        for completes in [false, true] {
            try await LocalRegion.with(names: ["first"]) { region in
                let spec = region.sleeping("api-1")
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try? await region.make(spec)
                        try? await region.substrate.ensureLoadBalancer(region.balancer())
                    }
                    group.addTask { try? await TimeSource.system.sleep(for: .milliseconds(milliseconds)) }
                    await group.next()
                    group.cancelAll()
                }
                guard completes else { return }
                try await region.make(spec)
                try await region.substrate.ensureLoadBalancer(region.balancer())
                _ = try await region.process(of: spec.id)
                #expect(try await region.substrate.observe(spec.id.cluster).loadBalancer?.state == .running)
            }
        }
    }

    /// What starts an instance is nobody's child, and may come late: when its instance has been stopped, or started by another.
    @Test func lateLauncherEnds() async throws {
        try await LocalRegion.with(names: ["first"]) { region in
            let spec = region.sleeping("api-1")
            try await region.make(spec)
            let process = try await region.process(of: spec.id)
            let directory = region.directory + "/data/clusters/first/instances/api-1"
            let mark = try String(contentsOfFile: directory + "/state/launch", encoding: .utf8)
            let groups = try await shell("ls -d /sys/fs/cgroup/*/\(region.prefix)/first/api-1").output.split(separator: "\n")
                .joined(separator: " ")
            #expect(!groups.isEmpty)
            for word in ["", "another"] {
                let late = try await shell("SLIPWAY_LAUNCH=\(word) timeout 10 \(directory)/launch \(groups); echo $?")
                #expect(late.output == "111")
            }
            #expect(try await region.process(of: spec.id) == process)
            try await region.substrate.stopEverything()
            for word in ["", mark] {
                let late = try await shell("SLIPWAY_LAUNCH=\(word) timeout 10 \(directory)/launch \(groups); echo $?")
                #expect(late.output == "111")
            }
            #expect(try await region.observe(spec.id)?.state == .stopped)
        }
    }

    /// A standby that was begun, or was taking over, when the service ended: it goes on from there, and nothing of the programs of before
    /// is left at work.
    @Test(arguments: [1, 5, 10, 20, 40, 80, 160, 320])
    func cancelledHandoverIsCompleted(milliseconds: Int) async throws {
        try await LocalRegion.with(names: ["first"]) { region in
            let program = region.directory + "/programs/other"
            var content = try Data(contentsOf: URL(filePath: "/usr/bin/sleep"))
            content.append(contentsOf: Data("other".utf8))
            try content.write(to: URL(filePath: program))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
            let other = try region.artifacts.add(program, name: "other")
            var spec = region.sleeping("api-1")
            spec.components[0].listening = ComponentSpec.Listening(addressFlag: "--bind-address", port: 6443)
            spec.components.append(ComponentSpec(kind: .scheduler, artifact: region.sleeper, arguments: ["100000"]))
            try await region.make(spec)
            var next = spec
            next.release = ReleaseID(rawValue: "2")
            for index in next.components.indices { next.components[index].artifact = other }
            let wanted = next
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await handOver(wanted, region) }
                group.addTask { try? await TimeSource.system.sleep(for: .milliseconds(milliseconds)) }
                await group.next()
                group.cancelAll()
            }
            try await handOver(wanted, region)
            let seen = try #require(try await region.observe(spec.id))
            #expect(seen.release == wanted.release && seen.standby == nil && !seen.isHandingOver)
            _ = try await region.eventually("both run as they should") {
                let parts = try await region.observe(spec.id)?.components ?? []
                let programs = parts.compactMap(\.processID).map {
                    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/exe")
                }
                return parts.count == 2 && programs.count == 2 && programs.allSatisfy { $0 == program } && parts.allSatisfy { $0.ends == 0 }
                    ? true : nil
            }
        }
    }

    private func handOver(_ spec: InstanceSpec, _ region: LocalRegion) async throws {
        let isThere = try await region.observe(spec.id)?.release == spec.release
        if !isThere {
            try await region.substrate.ensureStandby(spec)
            _ = try await region.eventually("the standby runs") {
                try await region.observe(spec.id)?.standby?.component.isUp == true ? true : nil
            }
            try await region.substrate.promoteStandby(spec)
        }
        _ = try await region.substrate.exchangeControllers(of: spec.id)
        try await region.substrate.finishHandover(of: spec.id)
    }

    @Test func tracesWithoutDirectoryAreFoundAndRemoved() async throws {
        try await LocalRegion.with(names: ["first"]) { region in
            let spec = region.sleeping("api-1")
            try await region.make(spec)
            let directory = region.directory + "/data/clusters/first"
            // Its logger may write meanwhile.
            _ = try await region.eventually("it is gone") {
                try? FileManager.default.removeItem(atPath: directory)
                return FileManager.default.fileExists(atPath: directory) ? nil : true
            }
            #expect(try await region.substrate.clusters() == [spec.id.cluster])
            let seen = try await region.substrate.observe(spec.id.cluster)
            #expect(seen.instances.map(\.id) == [spec.id])
            #expect(seen.instances.first?.state == .incomplete)
            let found = await HostCheck(configuration: region.substrate.configuration).leftovers(knownClusters: [])
            #expect(found.count == 1)
            try await region.substrate.removeInstance(spec.id)
            try await region.substrate.removeNetwork(of: spec.id.cluster)
            #expect(try await region.substrate.clusters().isEmpty)
        }
    }

    @Test func damagedVolumeIsUnusable() async throws {
        try await LocalRegion.with(names: ["first"]) { region in
            let spec = VolumeSpec(id: VolumeID(cluster: region.names[0], name: "etcd-0"), zone: ZoneName(rawValue: "a"))
            try await region.substrate.ensureVolume(spec)
            try FileManager.default.removeItem(atPath: region.directory + "/data/clusters/first/volumes/etcd-0/data")
            #expect(try await region.substrate.observe(spec.id.cluster).volumes.map(\.isUsable) == [false])
            let error = await #expect(throws: SubstrateError.self) { try await region.substrate.ensureVolume(spec) }
            #expect(error?.message.contains("damaged") == true)
        }
    }

    @Test func fullDiskIsSaidAndLeavesNothing() async throws {
        try await LocalRegion.with(names: ["first"]) { region in
            let data = region.directory + "/data"
            let fill = "mount -t tmpfs -o size=512k,mode=700 tmpfs \(data) && dd if=/dev/zero of=\(data)/fill bs=1k count=400 2>/dev/null"
            #expect(try await shell(fill).isSuccess)
            var spec = region.sleeping("api-1")
            spec.files = [InstanceFile(path: "big", content: String(repeating: "x", count: 200_000))]
            let error = await #expect(throws: SubstrateError.self) { try await region.make(spec) }
            #expect(error?.code == .noSpace)
            #expect(error?.message.contains(data) == true, "\(error as Any)")
            #expect(try await region.observe(spec.id) == nil)
            try await shell("rm \(data)/fill")
            try await region.make(spec)
            _ = try await region.process(of: spec.id)
            try await region.substrate.removeEverything()
            #expect(try await shell("ls -A \(data)").output == "")
            #expect(try await shell("umount \(data) || umount -l \(data)").isSuccess)
        }
    }
}
