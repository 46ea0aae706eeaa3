import EtcdAPI
import GRPCCore
import SwiftProtobuf

public struct EtcdMember: Hashable, Sendable {
    public var id: UInt64
    /// Empty until the member has started for the first time.
    public var name: String
    public var peerURLs: [String]
    public var clientURLs: [String]
    /// Copies the log and does not vote.
    public var isLearner: Bool

    init(_ message: Etcdserverpb_Member) {
        id = message.id
        name = message.name
        peerURLs = message.peerUrls
        clientURLs = message.clientUrls
        isLearner = message.isLearner
    }
}

extension EtcdClient {
    /// As the quorum knows them; etcd before 3.5 answers from one member's own state.
    public func memberList() async throws(EtcdError) -> [EtcdMember] {
        let request = Etcdserverpb_MemberListRequest.with { $0.linearizable = true }
        return try await call("member list") { try await members.memberList(request, options: $0) }.members.map(EtcdMember.init)
    }

    /// - Throws: `refused` when the cluster would be at risk.
    @discardableResult
    public func addMember(peerURLs: [String], asLearner: Bool) async throws(EtcdError) -> EtcdMember {
        let request = Etcdserverpb_MemberAddRequest.with {
            $0.peerUrls = peerURLs
            $0.isLearner = asLearner
        }
        return EtcdMember(try await call("member add") { try await members.memberAdd(request, options: $0) }.member)
    }

    /// - Throws: `notFound` when there is no such member.
    public func removeMember(_ id: UInt64) async throws(EtcdError) {
        let request = Etcdserverpb_MemberRemoveRequest.with { $0.id = id }
        _ = try await call("member remove") { try await members.memberRemove(request, options: $0) }
    }

    public func updateMember(_ id: UInt64, peerURLs: [String]) async throws(EtcdError) {
        let request = Etcdserverpb_MemberUpdateRequest.with {
            $0.id = id
            $0.peerUrls = peerURLs
        }
        _ = try await call("member update") { try await members.memberUpdate(request, options: $0) }
    }

    /// Makes a learner a voter.
    /// - Throws: `refused` while it has not caught up.
    public func promoteMember(_ id: UInt64) async throws(EtcdError) {
        let request = Etcdserverpb_MemberPromoteRequest.with { $0.id = id }
        _ = try await call("member promote") { try await members.memberPromote(request, options: $0) }
    }
}
