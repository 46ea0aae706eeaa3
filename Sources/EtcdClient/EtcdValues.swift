import EtcdAPI
import Foundation
import SwiftProtobuf

/// A key with its value and the revisions etcd keeps of it.
public struct EtcdKeyValue: Hashable, Sendable {
    public var key: [UInt8]
    public var value: [UInt8]
    public var createRevision: Int64
    public var modRevision: Int64
    /// 0 without a lease.
    public var lease: Int64

    init(_ message: Mvccpb_KeyValue) {
        key = [UInt8](message.key)
        value = [UInt8](message.value)
        createRevision = message.createRevision
        modRevision = message.modRevision
        lease = message.lease
    }
}

/// Which keys a call is about.
public struct EtcdKeys: Hashable, Sendable {
    /// The first.
    public var start: [UInt8]
    /// The first that no longer belongs to it; empty for `start` alone; one zero byte for "to the last key".
    public var end: [UInt8]

    public init(start: [UInt8], end: [UInt8]) {
        self.start = start
        self.end = end
    }

    public static func key(_ key: [UInt8]) -> EtcdKeys { EtcdKeys(start: key, end: []) }

    /// All keys that begin with `prefix`; all keys of etcd when it is empty.
    public static func prefix(_ prefix: [UInt8]) -> EtcdKeys {
        // The next string of the same or smaller length: the last byte that can grow, grown.
        guard let last = prefix.lastIndex(where: { $0 < 0xff }) else {
            return EtcdKeys(start: prefix.isEmpty ? [0] : prefix, end: [0])
        }
        return EtcdKeys(start: prefix, end: prefix[..<last] + [prefix[last] + 1])
    }
}

/// The keys found, in their order, as of one revision.
public struct EtcdRange: Sendable {
    public var values: [EtcdKeyValue]
    public var revision: Int64
    /// There are more than the limit let through.
    public var more: Bool
}

/// A condition of a transaction. A key that does not exist has revisions 0.
public enum EtcdComparison: Hashable, Sendable {
    case createRevision([UInt8], is: Int64)
    case modRevision([UInt8], is: Int64)

    var message: Etcdserverpb_Compare {
        .with {
            $0.result = .equal
            switch self {
            case .createRevision(let key, let revision):
                $0.key = Data(key)
                $0.target = .create
                $0.createRevision = revision
            case .modRevision(let key, let revision):
                $0.key = Data(key)
                $0.target = .mod
                $0.modRevision = revision
            }
        }
    }
}

public enum EtcdOperation: Hashable, Sendable {
    /// - Parameter keysOnly: leave the values out.
    case get(EtcdKeys, keysOnly: Bool = false)
    /// - Parameter lease: 0 for none.
    case put([UInt8], [UInt8], lease: Int64 = 0)
    case delete(EtcdKeys)

    var message: Etcdserverpb_RequestOp {
        .with {
            switch self {
            case .get(let keys, let keysOnly):
                $0.requestRange = keys.range
                $0.requestRange.keysOnly = keysOnly
            case .put(let key, let value, let lease):
                $0.requestPut = .with {
                    $0.key = Data(key)
                    $0.value = Data(value)
                    $0.lease = lease
                }
            case .delete(let keys):
                $0.requestDeleteRange = .with {
                    $0.key = Data(keys.start)
                    $0.rangeEnd = Data(keys.end)
                }
            }
        }
    }
}

extension EtcdKeys {
    var range: Etcdserverpb_RangeRequest {
        .with {
            $0.key = Data(start)
            $0.rangeEnd = Data(end)
        }
    }
}

/// What a transaction did.
public struct EtcdOutcome: Sendable {
    /// All comparisons held.
    public var succeeded: Bool
    /// The store's, after the transaction.
    public var revision: Int64
    /// What each `get` of the branch that was taken found, in order.
    public var ranges: [[EtcdKeyValue]]
}
