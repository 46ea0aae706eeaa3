import ClusterService
import Hummingbird

extension EKSAPI {
    private struct TagRequest: Decodable { var tags: [String: String]? }

    func tagResource(_ call: EKSCall) async throws -> Response {
        let request = try call.decoded(TagRequest.self)
        try await clusters.tag(call.label(0), with: request.tags ?? [:], as: call.caller)
        return try JSONAnswers.json(EmptyAnswer())
    }

    func untagResource(_ call: EKSCall) async throws -> Response {
        try await clusters.untag(call.label(0), keys: call.query.all("tagKeys"), as: call.caller)
        return try JSONAnswers.json(EmptyAnswer())
    }

    func listTagsForResource(_ call: EKSCall) async throws -> Response {
        try JSONAnswers.json(TagsAnswer(tags: await clusters.tags(of: call.label(0), as: call.caller)))
    }
}
