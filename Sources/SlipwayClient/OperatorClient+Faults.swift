extension OperatorClient {
    /// Breaks something until it is cleared.
    public func injectFault(_ request: FaultRequest) async throws -> FaultDetail { try await call("POST", "/faults", request) }

    /// The faults that stand, oldest first.
    public func faults() async throws -> [FaultDetail] {
        let list: FaultList = try await call("GET", "/faults")
        return list.faults
    }

    /// Undoes one fault, or all with nil. Returns when what was broken is whole again, as far as the substrate is concerned.
    /// - Returns: the faults that stood.
    public func clearFaults(_ id: String? = nil) async throws -> [FaultDetail] {
        let list: FaultList = try await call("DELETE", id.map { "/faults/\(Self.encoded($0))" } ?? "/faults")
        return list.faults
    }
}
