import FleetModel

/// Who is a member of a simulated etcd.
struct SimulatedRoster: Sendable {
    struct Entry: Sendable {
        var name: String
        /// Unknown until an instance of its name was made.
        var address: IPv4Address?
        var isLearner: Bool
        var hasStarted: Bool
    }

    private(set) var entries: [Entry] = []
    /// Who was a member from the beginning; who left comes back by `add` only.
    private var first: Set<String> = []

    var voters: Set<String> { Set(entries.filter { !$0.isLearner }.map(\.name)) }

    func contains(_ name: String) -> Bool { entries.contains { $0.name == name } }

    mutating func begin(_ name: String) {
        guard first.insert(name).inserted else { return }
        entries.append(Entry(name: name, address: nil, isLearner: false, hasStarted: false))
    }

    mutating func started(_ names: [String]) {
        for index in entries.indices where names.contains(entries[index].name) { entries[index].hasStarted = true }
    }

    mutating func place(_ name: String, at address: IPv4Address) {
        for index in entries.indices where entries[index].name == name { entries[index].address = address }
    }

    mutating func remove(_ name: String) -> Bool {
        entries.removeAll { $0.name == name }
        return true
    }

    mutating func add(_ name: String, _ address: IPv4Address) -> Bool {
        // One of the first that was never started is a member all the same.
        if contains(name) {
            place(name, at: address)
        } else {
            entries.append(Entry(name: name, address: address, isLearner: true, hasStarted: false))
        }
        return true
    }

    /// - Returns: false for one that has not started.
    mutating func promote(_ name: String) -> Bool {
        guard let index = entries.firstIndex(where: { $0.name == name && $0.hasStarted }) else { return false }
        entries[index].isLearner = false
        return true
    }
}
