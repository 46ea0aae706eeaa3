/// The rotation of a cluster's authorities and of its key of service-account tokens: how far it is, and how far it is to go. Part of
/// the cluster's spec, so that whoever leads continues it; once there was one, it stays there for ever and says which generation of
/// credentials the cluster has.
///
/// What it says decides which certificates components get and whom they trust: whoever changes `phase` raises the revisions with it.
public struct RotationIntent: Codable, Hashable, Sendable {
    /// What gets a new generation.
    public enum Part: String, Codable, Hashable, Sendable, CaseIterable {
        /// Of the cluster, of etcd, and of the front proxy.
        case authorities
        /// What signs the tokens of service accounts.
        case serviceAccountKey = "service-account-key"
    }

    /// In the order of `Part.allCases`.
    public var parts: [Part]
    public var phase: RotationPhase
    /// Where it stops: `issued`, and from there, when somebody has asked for it, `settled`.
    public var goal: RotationPhase
    /// The generation of credentials that the cluster has had until now.
    public var present: Int
    /// The one that comes; nil before it was made, and when all is settled.
    public var next: Int?
    /// The update that is to bring it on; nil while none does.
    public var updateID: String?

    public init(parts: [Part], phase: RotationPhase = .requested, goal: RotationPhase = .issued, present: Int, next: Int? = nil) {
        self.parts = Part.allCases.filter(parts.contains)
        self.phase = phase
        self.goal = goal
        self.present = present
        self.next = next
    }

    /// Which generation does what, in this phase.
    public var use: CredentialUse {
        guard let next else { return CredentialUse(issuing: present) }
        return switch phase {
        case .requested, .settled: CredentialUse(issuing: present)
        case .trusted: CredentialUse(issuing: present, outward: present, trusted: [present, next])
        case .issued: CredentialUse(issuing: next, outward: present, trusted: [present, next])
        case .served: CredentialUse(issuing: next, outward: next, trusted: [next, present])
        case .retiring: CredentialUse(issuing: next)
        }
    }

    /// For people: "the authorities and the service-account key".
    public var subject: String {
        let names = parts.map { $0 == .authorities ? "the authorities" : "the service-account key" }
        return names.joined(separator: " and ")
    }
}

/// How far a rotation is. Each phase begins when everything of the one before it runs, so that nobody ever meets what it does not trust.
public enum RotationPhase: String, Codable, Hashable, Sendable, CaseIterable {
    /// Asked for; nothing has changed.
    case requested
    /// Everybody learns to trust the next generation besides the present one, which still issues.
    case trusted
    /// The next generation issues; but what clients verify is still of the present one. Stands until it is to be completed.
    case issued
    /// What clients verify is of the next generation, too. Who has not learned of it is cut off.
    case served
    /// Everybody forgets the generation of before.
    case retiring
    case settled

    /// For people.
    public var summary: String {
        switch self {
        case .requested: "asked for"
        case .trusted: "all components learn to trust what comes"
        case .issued: "certificates and tokens are of the new ones; the old ones are trusted, too, until the rotation is completed"
        case .served: "clients meet the new ones only"
        case .retiring: "all components forget the old ones"
        case .settled: "only the new ones are trusted"
        }
    }
}

/// Which generations of a cluster's credentials do what.
public struct CredentialUse: Codable, Hashable, Sendable {
    /// Issues certificates and signs tokens.
    public var issuing: Int
    /// Issues what those verify who are not part of the control plane: the API servers' certificates towards clients and towards
    /// kubelets.
    public var outward: Int
    /// In this order; the outward one is the first, for clients that read no further.
    public var trusted: [Int]

    public init(issuing: Int, outward: Int, trusted: [Int]) {
        self.issuing = issuing
        self.outward = outward
        self.trusted = trusted
    }

    /// One for everything.
    public init(issuing: Int) { self.init(issuing: issuing, outward: issuing, trusted: [issuing]) }
}

extension ClusterSpec {
    /// The first generation until there was a rotation.
    public var credentialUse: CredentialUse { rotation?.use ?? CredentialUse(issuing: 1) }
}

extension ClusterUpdate {
    /// The `type` of an update that renews certificates or keys. The EKS API's `UpdateType` has no such value.
    public static let rotationType = "CertificateRotation"
}

extension ControlPlaneSpec {
    /// Has everything made anew, with the certificates of now: API servers beside those that serve, etcd's members in place.
    public mutating func renewEverything() { configurationRevision += 1 }
}
