import FleetModel
import Substrate

/// HAProxy's configuration file: says all backends and their admission, so that a restarted HAProxy comes back as it was.
struct HAProxyConfiguration {
    let record: BalancerRecord
    let socket: String
    let certificateAuthorityPath: String
    let lists: AccessLists
    /// Whether the host has HAProxy's own user.
    let hasUser: Bool

    static let backend = "apiservers"
    static func server(_ slot: Int) -> String { "s\(slot + 1)" }
    /// The same backend once more, unchecked: it gets sessions while none of the checked ones is up. Checks that fail everywhere are
    /// etcd's doing (an election), and a request that waits for an answer is better off than one that is refused.
    static func lastResort(_ slot: Int) -> String { "r\(slot + 1)" }

    /// What a backend that may serve answers: `ok`, or a list of checks of which none has failed but those of the KMS plugin. One whose
    /// plugin is down serves everything but secrets that it has not at hand, and when all plugins are down, that is better than nothing.
    static let soundAnswer = #"^(ok|(\[(\+\]|-\]kms-provider)[^[]*)+)$"#

    /// About 34 KiB of memory a connection: 4,000 stay below half of the balancer's 256 MiB.
    static let maximumConnections = 4000

    var text: String {
        """
        global
            log stdout format raw daemon notice
            maxconn \(Self.maximumConnections)
            nbthread 2
            hard-stop-after 5s
            stats socket "\(socket)" mode 600 level admin
        \(hasUser ? "    user haproxy\n    group haproxy\n" : "")
        defaults
            mode tcp
            log global
            option dontlognull
            timeout connect 2s
            timeout check 2s
            timeout queue 5s
            # Watches are silent for long; dead peers are found by keep-alive.
            timeout client 24h
            timeout server 24h
            timeout tunnel 24h
            option clitcpka
            option srvtcpka
            retries 3
            option redispatch 1
            balance leastconn

        frontend endpoint
            bind \(record.address):\(record.port)
        \(accessRules)    default_backend \(Self.backend)

        \(door)
        backend \(Self.backend)
            option allbackups
            option httpchk
            http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host kubernetes
            http-check expect rstring '\(Self.soundAnswer)'
            default-server \(serverOptions(authorities: "\"\(certificateAuthorityPath)\""))
        \(servers)
        """
    }

    /// Of every server: how it is checked, and with what.
    private func serverOptions(authorities: String) -> String {
        "check check-ssl verify required ca-file \(authorities) inter 500ms fastinter 200ms downinter 200ms fall 2 rise 1 on-marked-down shutdown-sessions"
    }

    private var accessRules: String {
        guard record.doorPort != nil else { return "" }
        return """
                # The gateway's address is the host's: it comes from outside, though it is in the network's block.
                acl host src \(record.network.gateway)
                acl allowed src -f "\(lists.publicPath)"
                acl inside src -f "\(lists.privatePath)"
                tcp-request connection reject if host !allowed
                tcp-request connection reject if !allowed !inside

            """
    }

    /// Slipway's own way in, whatever is said of who reaches the endpoint.
    private var door: String {
        guard let port = record.doorPort else { return "" }
        return """
            frontend door
                bind \(record.address):\(port)
                tcp-request connection reject unless { src \(record.network.gateway) }
                default_backend \(Self.backend)

            """
    }

    private var servers: String {
        record.slots.enumerated().map { slot, backend in
            let address = "\(backend?.address.description ?? "0.0.0.0"):\(record.backendPort)"
            let admission =
                switch backend?.admission {
                case .ready: ""
                case .drain: " weight 0"
                case .closed, nil: " disabled"
                }
            return (backend.map { "    # \($0.name)\n" } ?? "") + """
                    server \(Self.server(slot)) \(address)\(admission)
                    server \(Self.lastResort(slot)) \(address) backup no-check\(admission)

                """
        }.joined()
    }

    /// The path of the authorities' file as the socket takes it, which knows no quotes.
    var spokenAuthorities: String { certificateAuthorityPath.replacing(" ", with: "\\ ") }

    /// Makes a slot that no backend has anew. HAProxy gives a server the authorities of its check when the server is made.
    func remaking(slot: Int) -> (remove: String, add: String) {
        let server = "\(Self.backend)/\(Self.server(slot))"
        return (
            "del server \(server)", "add server \(server) 0.0.0.0:\(record.backendPort) \(serverOptions(authorities: spokenAuthorities))"
        )
    }

    /// What to say to a running HAProxy so that it does what `record` says.
    static func commands(_ record: BalancerRecord, replacing old: BalancerRecord) -> [String] {
        var commands: [String] = []
        for (slot, backend) in record.slots.enumerated() {
            let before = old.slots.indices.contains(slot) ? old.slots[slot] : nil
            let checked = "\(Self.backend)/\(Self.server(slot))"
            for server in [checked, "\(Self.backend)/\(Self.lastResort(slot))"] {
                let isNew = before?.address != backend?.address || before?.name != backend?.name
                let closing = ["set server \(server) state maint", "shutdown sessions server \(server)"]
                if isNew, before != nil { commands += closing }
                guard let backend else { continue }
                if isNew { commands.append("set server \(server) addr \(backend.address) port \(record.backendPort)") }
                switch backend.admission {
                // The state `drain` would be forgotten by a restart, which reads the weight from the file: here as there. It is not
                // checked either: an API server that ends says so by /readyz long before it has finished what it has begun, and a
                // failed check would close its sessions.
                case .ready, .drain:
                    let isReady = backend.admission == .ready
                    commands.append("set server \(server) weight \(isReady ? 1 : 0)")
                    if server == checked { commands.append("\(isReady ? "enable" : "disable") health \(server)") }
                    commands.append("set server \(server) state ready")
                case .closed: commands += closing
                }
            }
        }
        return commands
    }
}
