import FleetModel

/// The zone that is not well, for which changes of API servers in other zones wait: what is taken away now may be needed in a
/// moment, and what fails now may be the zone's doing. What goes back does not wait, nor does what was never in service.
struct HeldZone {
    let zone: ZoneName

    init?(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) {
        guard intent.isEstablished, intent.update?.reversal == nil,
            let zone = observation.impairedZones.filter({ intent.spec.zones.contains($0) }).min()
        else { return nil }
        self.zone = zone
    }
}
