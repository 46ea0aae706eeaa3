import FleetStore
import Foundation
import SignatureV4
import Synchronization

/// A principal and one of its credentials, ready to check a signature with.
public struct KnownCredential: Sendable {
    public var principal: Principal
    public var credential: Credential

    public init(principal: Principal, credential: Credential) {
        self.principal = principal
        self.credential = credential
    }
}

/// What the store says of principals and keys, secrets opened. Believed only while the watch that feeds it runs.
final class CredentialCache: Sendable {
    private struct State {
        var isFresh = false
        var principals: [String: Principal] = [:]
        var keys: [String: (key: AccessKey, credential: Credential)] = [:]
    }

    private let state = Mutex(State())

    enum Answer {
        case known(KnownCredential)
        /// Not here: it may be newer than the cache.
        case absent
        case stale
    }

    func find(_ accessKeyID: String) -> Answer {
        state.withLock { state in
            guard state.isFresh else { return .stale }
            guard let key = state.keys[accessKeyID], let principal = state.principals[key.key.principal],
                principal.userID == key.key.userID
            else { return .absent }
            return .known(KnownCredential(principal: principal, credential: key.credential))
        }
    }

    func reset(principals: [Principal], keys: [(key: AccessKey, credential: Credential)]) {
        state.withLock { state in
            state.principals = Dictionary(principals.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
            state.keys = Dictionary(keys.map { ($0.credential.accessKeyID, $0) }, uniquingKeysWith: { $1 })
            state.isFresh = true
        }
    }

    func put(_ principal: Principal) { state.withLock { $0.principals[principal.name] = principal } }
    func put(_ credential: Credential, of key: AccessKey) {
        state.withLock { $0.keys[key.id] = (key, credential) }
    }
    func remove(principal name: String) { _ = state.withLock { $0.principals.removeValue(forKey: name) } }
    func remove(key id: String) { _ = state.withLock { $0.keys.removeValue(forKey: id) } }
    func distrust() { state.withLock { $0.isFresh = false } }
}
