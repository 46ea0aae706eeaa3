import Substrate

/// Gives a running HAProxy other authorities to verify backends with, without ending anybody's session.
///
/// HAProxy (2.6 and later) takes a new file over its socket, but servers without a certificate of their own go on with the one that they
/// were made with. So slots that no backend has are made anew: backends that come from now on are verified with the new authorities.
/// Those that are there are verified as before until they go; then their slots' turn comes.
struct BalancerTrust {
    /// As it is to be.
    let configuration: HAProxyConfiguration
    let socket: HAProxySocket

    /// May be repeated. Nothing is said when nothing has changed.
    /// - Parameters:
    ///   - record: what is wanted; its stale slots become those that are left.
    ///   - old: what HAProxy was told before.
    /// - Throws: `SubstrateError` (`failed`, `unavailable`).
    func apply(to record: inout BalancerRecord, replacing old: BalancerRecord) throws {
        let isNew = record.certificateAuthority != old.certificateAuthority
        if isNew { try load(record.certificateAuthority) }
        var stale = record.staleSlots ?? []
        for slot in old.slots.indices where old.slots[slot] == nil && (isNew || stale.contains(slot)) {
            if try remake(slot) { stale.remove(slot) } else { stale.insert(slot) }
        }
        record.staleSlots = stale.isEmpty ? nil : stale
    }

    private func load(_ authorities: String) throws {
        let path = configuration.spokenAuthorities
        // An empty line ends what is handed over.
        let text = authorities.split(separator: "\n").joined(separator: "\n")
        try expect("transaction", of: "set ssl ca-file", try socket.say(["set ssl ca-file \(path) <<\n\(text)\n"]))
        try expect("Success", of: "commit ssl ca-file", try socket.say(["commit ssl ca-file \(path)"]))
    }

    /// - Returns: false while the slot's last backend still has connections.
    private func remake(_ slot: Int) throws -> Bool {
        let (remove, add) = configuration.remaking(slot: slot)
        let removed = try socket.say([remove])
        // One that was interrupted here has removed it already.
        guard removed.contains("deleted") || removed.contains("No such server") else { return false }
        try expect("registered", of: add, try socket.say([add]))
        return true
    }

    private func expect(_ word: String, of command: String, _ answer: String) throws {
        guard answer.contains(word) else {
            throw SubstrateError(.failed, "HAProxy did not do '\(command)': \(answer.prefix(200))")
        }
    }
}
