/// Kubernetes' `TokenReview` (authentication.k8s.io/v1 and v1beta1), as a webhook gets and answers it.
struct TokenReview: Codable, Sendable {
    struct Spec: Codable, Sendable { var token: String? }

    struct Status: Codable, Sendable {
        struct User: Codable, Sendable {
            var username: String
            var uid: String
            var groups: [String]
            var extra: [String: [String]]
        }

        var authenticated: Bool
        var user: User?
        var error: String?
    }

    var apiVersion: String
    var kind: String
    var spec: Spec?
    var status: Status?

    private enum CodingKeys: String, CodingKey { case apiVersion, kind, spec, status }

    /// The API server sends an empty status (`{"user":{}}`), which says nothing and is not read.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        apiVersion = try values.decode(String.self, forKey: .apiVersion)
        kind = try values.decode(String.self, forKey: .kind)
        spec = try values.decodeIfPresent(Spec.self, forKey: .spec)
    }
}
