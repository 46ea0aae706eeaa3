import FleetModel
import Foundation
import Hummingbird
import Identity
import SignatureV4

/// Answers in the form of STS (the `query` protocol: XML).
enum STSAnswers {
    private static let namespace = "https://sts.amazonaws.com/doc/2011-06-15/"

    static func identity(_ principal: Principal, accountID: String, requestID: String) -> Response {
        xml(
            """
            <GetCallerIdentityResponse xmlns="\(namespace)">
              <GetCallerIdentityResult>
                <Arn>\(escaped(principal.arn))</Arn>
                <UserId>\(escaped(principal.userID))</UserId>
                <Account>\(escaped(accountID))</Account>
              </GetCallerIdentityResult>
              <ResponseMetadata>
                <RequestId>\(escaped(requestID))</RequestId>
              </ResponseMetadata>
            </GetCallerIdentityResponse>

            """, status: 200)
    }

    static func error(_ failure: APIFailure, _ cause: any Error, requestID: String) -> Response {
        let code = (cause as? SignatureError)?.xmlCode ?? failure.code
        return xml(
            """
            <ErrorResponse xmlns="\(namespace)">
              <Error>
                <Type>\(failure.status >= 500 ? "Receiver" : "Sender")</Type>
                <Code>\(escaped(code))</Code>
                <Message>\(escaped(failure.message))</Message>
              </Error>
              <RequestId>\(escaped(requestID))</RequestId>
            </ErrorResponse>

            """, status: failure.status)
    }

    private static func xml(_ text: String, status: Int) -> Response {
        JSONAnswers.response(Array(text.utf8), type: "text/xml", status: .init(code: status))
    }

    /// Control characters, which XML cannot carry, become `?`.
    static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "\t", "\n": out.unicodeScalars.append(scalar)
            case _ where scalar.value < 32: out += "?"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}

extension EKSAPI {
    /// Anybody may ask who he is.
    func callerIdentity(_ exchange: Exchange, body: [UInt8]) throws -> Response {
        var pairs = exchange.signable.queryPairs
        if exchange.signable.method == "POST" {
            let form = String(decoding: body, as: UTF8.self).replacing("+", with: " ")
            pairs += SignableRequest(method: "POST", path: "/", query: form, headers: []).queryPairs
        }
        let query = Query(pairs: pairs)
        guard let action = query["Action"], !action.isEmpty else {
            throw APIFailure(400, "MissingAction", "The request must contain the parameter Action.")
        }
        guard action == "GetCallerIdentity" else {
            throw APIFailure(
                400, "InvalidAction",
                "Could not find operation \(action.prefix(80)) for version \(query["Version"]?.prefix(20) ?? "NO_VERSION_SPECIFIED")"
            )
        }
        guard let caller = exchange.caller else { throw SignatureError.missing }
        return STSAnswers.identity(caller, accountID: region.accountID, requestID: exchange.requestID)
    }
}
