import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// A download site on a loopback port: files by path, with ranges, as the real ones serve them.
final class MirrorServer: Sendable {
    let base: String
    private let asked: Requests

    private init(port: Int, asked: Requests) {
        self.base = "http://127.0.0.1:\(port)"
        self.asked = asked
    }

    /// `METHOD /path [range]` of each request so far.
    var requests: [String] { asked.all }

    static func serving<Result: Sendable>(
        _ files: [String: Data], _ body: @Sendable (MirrorServer) async throws -> Result
    ) async throws -> Result {
        let asked = Requests()
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let router = Router()
        for method in [HTTPRequest.Method.get, .head] {
            router.on("**", method: method) { request, _ in
                asked.add("\(method) \(request.uri.path) \(request.headers[.range] ?? "")")
                return answer(request, files[request.uri.path])
            }
        }
        var logger = Logger(label: "mirror")
        logger.logLevel = .critical
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in port.yield(channel.localAddress?.port ?? 0) }, logger: logger)
        let group = ServiceGroup(configuration: .init(services: [application], logger: logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let server = MirrorServer(port: await iterator.next() ?? 0, asked: asked)
            do {
                let result = try await body(server)
                await group.triggerGracefulShutdown()
                return result
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
        }
    }

    private static func answer(_ request: Request, _ file: Data?) -> Response {
        guard let file else { return Response(status: .notFound) }
        guard let range = request.headers[.range], range.hasPrefix("bytes="), let start = Int(range.dropFirst(6).dropLast()) else {
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: file)))
        }
        guard start < file.count else { return Response(status: .rangeNotSatisfiable) }
        return Response(status: .partialContent, body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.dropFirst(start))))
    }
}

final class Requests: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
}
