import Foundation

extension OperatorClient {
    public func zones() async throws -> ZoneList { try await call("GET", "/zones") }

    /// With its clusters' progress.
    public func zone(_ name: String) async throws -> ZoneDetail { try await call("GET", "/zones/\(Self.encoded(name))") }

    /// Asks for it; it is done when the zone says that its clusters are.
    public func evacuateZone(_ name: String, _ request: ZoneRequest = ZoneRequest()) async throws -> ZoneDetail {
        try await call("POST", "/zones/\(Self.encoded(name))/evacuate", request)
    }

    /// Asks for it; it is done when the zone says that its clusters are.
    public func restoreZone(_ name: String, _ request: ZoneRequest = ZoneRequest()) async throws -> ZoneDetail {
        try await call("POST", "/zones/\(Self.encoded(name))/restore", request)
    }

    public func zonePolicy() async throws -> ZonePolicyDetail { try await call("GET", "/zone-policy") }

    public func setZonePolicy(_ request: ZonePolicyRequest) async throws -> ZonePolicyDetail {
        try await call("PUT", "/zone-policy", request)
    }
}
