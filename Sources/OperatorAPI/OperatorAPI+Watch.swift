import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import SlipwayClient
import Timing

extension OperatorAPI {
    /// A line without news is sent after this time: whoever reads knows that the service lives, and we that he does.
    private static let signOfLife = Duration.seconds(5)

    /// One line of JSON for each state of the cluster, until it is gone or the service stops.
    func watch(_ cluster: Cluster) -> Response {
        let key = StoreKeys.cluster(cluster.name, in: cluster.cell)
        let body = ResponseBody { writer in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (signals, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
                // The first state at once.
                continuation.yield()
                group.addTask {
                    await cancelWhenGracefulShutdown {
                        await follow(key) { continuation.yield() }
                    }
                    continuation.finish()
                }
                group.addTask {
                    while (try? await time.sleep(for: Self.signOfLife)) != nil { continuation.yield() }
                }
                defer { group.cancelAll() }
                var last: Int64?
                for await _ in signals {
                    guard let now = try await store.get(Cluster.self, key), now.value.metadata.uid == cluster.metadata.uid else {
                        try await writer.write(try Self.line(ClusterWatchLine(cluster: nil, isGone: true)))
                        break
                    }
                    let isNews = now.modRevision != last
                    last = now.modRevision
                    let detail = isNews ? ClusterDetail(now.value, arn: region.clusterARN(now.value.name.rawValue)) : nil
                    try await writer.write(try Self.line(ClusterWatchLine(cluster: detail)))
                }
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/x-ndjson"], body: body)
    }

    /// Until cancelled. A watch that fails is begun anew, and counts as a change.
    private func follow(_ key: StoreKey, changed: @Sendable () -> Void) async {
        while !Task.isCancelled {
            do {
                let revision = try await store.list(prefix: key).revision
                changed()
                for try await event in store.watch(prefix: key, from: revision + 1) {
                    switch event {
                    case .put(let value) where value.key == key: changed()
                    case .delete(key, _): changed()
                    case .put, .delete, .compacted: break
                    }
                }
            } catch {
                logger.debug("watching \(key) failed", metadata: ["error": "\(error)"])
            }
            if (try? await time.sleep(for: .milliseconds(500))) == nil { return }
        }
    }

    private static func line(_ line: ClusterWatchLine) throws -> ByteBuffer {
        ByteBuffer(bytes: try MessageCoding.encoder().encode(line) + [UInt8(ascii: "\n")])
    }
}
