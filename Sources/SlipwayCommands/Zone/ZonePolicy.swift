import ArgumentParser
import FleetModel
import Foundation
import SlipwayClient

struct ZonePolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Show or set what the region does by itself about a zone that fails.",
        discussion: """
            auto:   takes it out of service, and brings it back when it has been healthy for a while
            manual: says so, and leaves it to people; single instances that are dead are fenced all the same
            off:    nothing at all
            """)

    @Argument(help: "auto, manual or off (default: show it).")
    var policy: String?

    @Option(help: "Seconds that a zone must be healthy before auto restores it.")
    var restoreAfter: Double?

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let policy, EvacuationPolicy(rawValue: policy) == nil {
            throw ValidationError("There is no policy '\(policy)'; use auto, manual or off.")
        }
    }

    func run() async throws {
        do {
            let client = try region.client()
            let isChange = policy != nil || restoreAfter != nil
            let now =
                isChange
                ? try await client.setZonePolicy(ZonePolicyRequest(evacuation: policy, restoreAfterSeconds: restoreAfter))
                : try await client.zonePolicy()
            try output.console.result(now, text: Self.text(now))
        } catch { throw CommandError(error) }
    }

    static func text(_ policy: ZonePolicyDetail) -> String {
        switch EvacuationPolicy(rawValue: policy.evacuation) {
        case .auto:
            "Policy: auto (evacuates a zone that fails, and restores it after \(Durations.text(policy.restoreAfterSeconds)) of health)"
        case .manual: "Policy: manual (says when a zone fails; `slipway zone evacuate ZONE` takes it out of service)"
        case .off: "Policy: off (does nothing about zones and instances that fail)"
        case nil: "Policy: \(policy.evacuation)"
        }
    }
}
