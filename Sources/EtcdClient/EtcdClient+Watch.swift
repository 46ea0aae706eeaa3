import EtcdAPI
import Foundation
import GRPCCore
import SwiftProtobuf

/// One change of a watched key.
public enum EtcdChange: Hashable, Sendable {
    case put(EtcdKeyValue)
    case delete(key: [UInt8], revision: Int64)

    init(_ event: Mvccpb_Event) {
        switch event.type {
        case .delete: self = .delete(key: [UInt8](event.kv.key), revision: event.kv.modRevision)
        default: self = .put(EtcdKeyValue(event.kv))
        }
    }
}

/// What a watch tells.
public enum EtcdWatchEvent: Sendable {
    /// The watch stands: nothing from its start revision on is missed.
    case created(revision: Int64)
    /// In order, those of one revision never apart (etcd's guarantee for watches that do not ask for fragments).
    case changes([EtcdChange], revision: Int64)
    /// There was nothing up to this revision.
    case progress(revision: Int64)
    /// What was wanted is compacted away; the oldest revision that can be watched. The watch ends.
    case compacted(revision: Int64)
    /// etcd ended the watch.
    case cancelled(reason: String)
}

extension EtcdClient {
    /// Watches until etcd or `receive` ends it, or the task is cancelled. One connection: it does not resume.
    /// - Parameters:
    ///   - revision: inclusive; 0 from now on.
    ///   - receive: called with each event in order; the next is read when it returns.
    public func watch(
        _ keys: EtcdKeys, from revision: Int64, receive: @escaping @Sendable (EtcdWatchEvent) async throws -> Void
    ) async throws(EtcdError) {
        let request = Etcdserverpb_WatchRequest.with {
            $0.createRequest = .with {
                $0.key = Data(keys.start)
                $0.rangeEnd = Data(keys.end)
                $0.startRevision = revision
                $0.progressNotify = true
            }
        }
        do {
            // A member that has lost its leader ends the watch then, instead of going silent.
            try await watches.watch(metadata: ["hasleader": "true"], options: options(timeout: nil)) { writer in
                try await writer.write(request)
                // The server ends the watch when this side is finished.
                for await _ in AsyncStream<Never>(Never.self, { _ in }) {}
            } onResponse: { response in
                for try await message in response.messages {
                    let (event, isLast) = Self.event(of: message)
                    try await receive(event)
                    if isLast { return }
                }
            }
        } catch {
            throw EtcdError(error, during: "etcd watch")
        }
    }

    private static func event(of message: Etcdserverpb_WatchResponse) -> (EtcdWatchEvent, isLast: Bool) {
        let revision = message.header.revision
        if message.compactRevision > 0 { return (.compacted(revision: message.compactRevision), true) }
        if message.canceled { return (.cancelled(reason: message.cancelReason), true) }
        if message.created { return (.created(revision: revision), false) }
        if message.events.isEmpty { return (.progress(revision: revision), false) }
        return (.changes(message.events.map(EtcdChange.init), revision: revision), false)
    }
}
