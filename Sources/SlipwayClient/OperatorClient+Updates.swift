extension OperatorClient {
    /// Newest first.
    public func updates(of cluster: String) async throws -> [UpdateDetail] {
        let list: UpdateList = try await call("GET", "/clusters/\(Self.encoded(cluster))/updates")
        return list.updates
    }

    public func update(_ id: String, of cluster: String) async throws -> UpdateDetail {
        try await call("GET", "/clusters/\(Self.encoded(cluster))/updates/\(Self.encoded(id))")
    }

    /// Asks for it; the cluster's watch says how far it is.
    public func beginUpdate(of cluster: String, _ request: UpdateRequest) async throws -> UpdateDetail {
        try await call("POST", "/clusters/\(Self.encoded(cluster))/updates", request)
    }

    /// Asks that certificates, authorities and keys are renewed, or that a rotation that stands is completed.
    public func rotate(_ cluster: String, _ request: RotationRequest) async throws -> UpdateDetail {
        try await call("POST", "/clusters/\(Self.encoded(cluster))/rotation", request)
    }

    /// Asks that it goes back.
    /// - Parameter id: nil: the one that is under way.
    public func cancelUpdate(_ id: String?, of cluster: String) async throws -> UpdateDetail {
        try await call("DELETE", "/clusters/\(Self.encoded(cluster))/updates\(id.map { "/\(Self.encoded($0))" } ?? "")")
    }
}
