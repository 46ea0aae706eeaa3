import Foundation

/// What can be done about a cluster that has lost a majority of its etcd volumes: from what, up to where, and what is gone.
public struct RecoveryProposal: Codable, Hashable, Sendable {
    /// A member whose data is of no use any more.
    public struct Loss: Codable, Hashable, Sendable {
        public var member: String
        /// For people.
        public var reason: String

        public init(member: String, reason: String) {
            self.member = member
            self.reason = reason
        }
    }

    /// Something to begin again from.
    public struct Candidate: Codable, Hashable, Sendable {
        /// `member` or `backup`.
        public var kind: String
        /// The member's name, or the backup's ID.
        public var name: String
        /// Of the newest change in it; nil when it could not be found out.
        public var revision: Int64?
        /// When it was like that, as far as is known.
        public var at: Date?

        public init(kind: String, name: String, revision: Int64?, at: Date?) {
            self.kind = kind
            self.name = name
            self.revision = revision
            self.at = at
        }

        public static let member = "member"
        public static let backup = "backup"
    }

    public var cluster: String
    public var losses: [Loss]
    /// Whichever has the newest revision; nil when there is nothing to do, or nothing to do it with.
    public var source: Candidate?
    /// All that was considered, the newest first.
    public var candidates: [Candidate]
    /// The newest revision that Slipway saw while a majority was well, and when.
    public var lastKnownRevision: Int64?
    public var lastKnownAt: Date?
    /// For people: what is lost, or why nothing is done.
    public var verdict: String

    public init(
        cluster: String, losses: [Loss], source: Candidate?, candidates: [Candidate], lastKnownRevision: Int64?, lastKnownAt: Date?,
        verdict: String
    ) {
        self.cluster = cluster
        self.losses = losses
        self.source = source
        self.candidates = candidates
        self.lastKnownRevision = lastKnownRevision
        self.lastKnownAt = lastKnownAt
        self.verdict = verdict
    }
}
