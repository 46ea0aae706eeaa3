import SlipwayTesting
import Testing

@Suite(.serialized) struct LocalConformanceTests {
    @Test(arguments: SubstrateConformance.allCases)
    func conforms(_ conformance: SubstrateConformance) async throws {
        try await LocalRegion.with { region in try await conformance.check(region.surroundings) }
    }
}
