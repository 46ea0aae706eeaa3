import FleetModel
import Substrate

extension LocalSubstrate {
    public func ensureVolume(_ spec: VolumeSpec) async throws {
        try await throwing("make the volume \(spec.id)") {
            try HostNames.check(name: spec.id.name)
            try await Blocking.run { [names] in
                let path = names.volume(spec.id)
                if FileTree.exists(path) {
                    guard let record = Self.usable(path) else {
                        throw SubstrateError(.failed, "The volume \(spec.id) at \(path) is damaged; nothing was changed.")
                    }
                    guard record.zone == spec.zone else {
                        throw SubstrateError(.conflict, "The volume \(spec.id) is in zone \(record.zone) and cannot move to \(spec.zone).")
                    }
                    return
                }
                let unfinished = "\(names.volumes(spec.id.cluster))/.new-\(spec.id.name)"
                try FileTree.remove(unfinished)
                try FileTree.makeDirectory("\(unfinished)/data")
                try FileTree.replace("\(unfinished)/volume.json", try Record.text(VolumeRecord(zone: spec.zone)), durably: true)
                try FileTree.move(unfinished, to: path)
                FileTree.synchronize(directory: names.volumes(spec.id.cluster))
            }
        }
    }

    public func removeVolume(_ id: VolumeID) async throws {
        try await throwing("remove the volume \(id)") {
            try HostNames.check(name: id.name)
            try await Blocking.run { [names] in
                for name in FileTree.names(in: names.instances(id.cluster)) where !name.hasPrefix(".") {
                    let unit = names.unit(InstanceID(cluster: id.cluster, name: name))
                    if Record.read(InstanceRecord.self, unit.record)?.volume == id {
                        throw SubstrateError(.conflict, "The volume \(id) is held by the instance \(name); remove that first.")
                    }
                }
                let discarded = "\(names.volumes(id.cluster))/.old-\(id.name)"
                try FileTree.remove(discarded)
                if FileTree.exists(names.volume(id)) { try FileTree.move(names.volume(id), to: discarded) }
                try FileTree.remove(discarded)
                try FileTree.remove("\(names.volumes(id.cluster))/.new-\(id.name)")
            }
            await prune(id.cluster)
        }
    }

    func observeVolumes(_ cluster: ClusterName) -> [VolumeObservation] {
        var found: [String: VolumeObservation] = [:]
        for entry in FileTree.names(in: names.volumes(cluster)) {
            let isPart = entry.hasPrefix(".new-") || entry.hasPrefix(".old-")
            let name = isPart ? String(entry.dropFirst(5)) : entry
            // A part says nothing while the cluster lives: it is made again, or goes with the cluster.
            if isPart, found[name] != nil || FileTree.exists(names.networkRecord(cluster)) { continue }
            let record = isPart ? nil : Self.usable("\(names.volumes(cluster))/\(entry)")
            let id = VolumeID(cluster: cluster, name: name)
            found[name] = VolumeObservation(id: id, zone: record?.zone, isUsable: record != nil)
        }
        return found.values.sorted { $0.id < $1.id }
    }

    /// The volume's record, when it and the data can be read.
    static func usable(_ path: String) -> VolumeRecord? {
        guard FileTree.isDirectory("\(path)/data") else { return nil }
        return Record.read(VolumeRecord.self, "\(path)/volume.json")
    }
}
