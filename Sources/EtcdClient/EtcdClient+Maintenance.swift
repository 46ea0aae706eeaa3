import EtcdAPI
import GRPCCore
import SwiftProtobuf

/// The state of the member that answered.
public struct EtcdStatus: Hashable, Sendable {
    public var member: UInt64
    /// Such as `3.5.16`.
    public var version: String
    public var revision: Int64
    /// The leader's id, or nil without one.
    public var leader: UInt64?
    public var raftTerm: UInt64
    public var raftIndex: UInt64
    public var raftAppliedIndex: UInt64
    /// Of the database file, in bytes.
    public var size: Int64
    /// Of what is used in it, in bytes.
    public var sizeInUse: Int64
    public var isLearner: Bool
    public var errors: [String]
}

public struct EtcdAlarm: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case noSpace, corrupt, other(Int)

        var message: Etcdserverpb_AlarmType {
            switch self {
            case .noSpace: .nospace
            case .corrupt: .corrupt
            case .other(let value): Etcdserverpb_AlarmType(rawValue: value) ?? .none
            }
        }
    }
    public var member: UInt64
    public var kind: Kind
}

/// The hash of the keys and values up to a revision: equal on all members that are not corrupt.
public struct EtcdHash: Hashable, Sendable {
    public var hash: UInt32
    /// Hashes compare only when this is equal too.
    public var compactRevision: Int64
}

/// `status`, `defragment`, `hash` and `snapshot` are about one member: use a client that has only its endpoint.
extension EtcdClient {
    public func status() async throws(EtcdError) -> EtcdStatus {
        let response = try await call("status") { try await maintenance.status(.init(), options: $0) }
        return EtcdStatus(
            member: response.header.memberID, version: response.version, revision: response.header.revision,
            leader: response.leader == 0 ? nil : response.leader, raftTerm: response.raftTerm, raftIndex: response.raftIndex,
            raftAppliedIndex: response.raftAppliedIndex, size: response.dbSize, sizeInUse: response.dbSizeInUse,
            isLearner: response.isLearner, errors: response.errors)
    }

    public func alarms() async throws(EtcdError) -> [EtcdAlarm] {
        let response = try await call("alarms") { try await maintenance.alarm(.with { $0.action = .get }, options: $0) }
        return response.alarms.map { alarm in
            let kind: EtcdAlarm.Kind
            switch alarm.alarm {
            case .nospace: kind = .noSpace
            case .corrupt: kind = .corrupt
            default: kind = .other(alarm.alarm.rawValue)
            }
            return EtcdAlarm(member: alarm.memberID, kind: kind)
        }
    }

    /// Ends the alarm `NOSPACE` of all members, after room was made.
    public func disarmNoSpace() async throws(EtcdError) { try await disarm(.noSpace) }

    /// Ends the alarms of one kind that any member raised, also one that is no member any more.
    public func disarm(_ kind: EtcdAlarm.Kind) async throws(EtcdError) {
        for alarm in try await alarms() where alarm.kind == kind {
            let request = Etcdserverpb_AlarmRequest.with {
                $0.action = .deactivate
                $0.memberID = alarm.member
                $0.alarm = kind.message
            }
            _ = try await call("disarm") { try await maintenance.alarm(request, options: $0) }
        }
    }

    /// Gives unused room back to the disk. The member answers nothing else meanwhile.
    public func defragment(timeout: Duration = .seconds(60)) async throws(EtcdError) {
        _ = try await call("defragmentation", timeout: timeout) { try await maintenance.defragment(.init(), options: $0) }
    }

    /// - Parameter revision: 0 for the newest.
    public func hash(upTo revision: Int64 = 0) async throws(EtcdError) -> EtcdHash {
        let request = Etcdserverpb_HashKVRequest.with { $0.revision = revision }
        let response = try await call("hash") { try await maintenance.hashKV(request, options: $0) }
        return EtcdHash(hash: response.hash, compactRevision: response.compactRevision)
    }

    /// - Parameter member: a voter. The request must reach the present leader.
    public func moveLeader(to member: UInt64) async throws(EtcdError) {
        let request = Etcdserverpb_MoveLeaderRequest.with { $0.targetID = member }
        _ = try await call("leader move") { try await maintenance.moveLeader(request, options: $0) }
    }

    /// A copy of the member's database, in pieces as they come; etcd ends it with a SHA-256 of what came before.
    public func snapshot(
        timeout: Duration = .seconds(600), receive: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws(EtcdError) {
        try await call("snapshot", timeout: timeout) { options in
            try await maintenance.snapshot(.init(), options: options) { response in
                for try await message in response.messages { try await receive([UInt8](message.blob)) }
            }
        }
    }
}
