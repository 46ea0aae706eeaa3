import FleetModel

/// The flags of one component, in the order in which they were named.
struct FlagList {
    private let component: ComponentKind
    private let capabilities: VersionCapabilities
    private(set) var arguments: [String] = []

    init(_ component: ComponentKind, _ capabilities: VersionCapabilities) {
        self.component = component
        self.capabilities = capabilities
    }

    /// Adds a flag, unless the version does not know it.
    mutating func set(_ flag: String, _ value: some CustomStringConvertible) {
        if capabilities.supports(flag, of: component) { arguments.append("\(flag)=\(value)") }
    }
}
