import Testing

/// Regions with real processes, one after the other: each takes all of a small machine.
@Suite(.serialized) enum WholeRegion {}
