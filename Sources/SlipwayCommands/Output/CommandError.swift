import SlipwayClient
import SlipwayServer

/// Why a command ends without success; its code is the program's exit code.
struct CommandError: Error, CustomStringConvertible {
    enum Code: Int32 {
        case failed = 1
        case usage = 2
        /// As shells say it of SIGINT.
        case interrupted = 130
    }

    var code: Code
    var message: String
    /// What to do about it.
    var advice: String?

    init(_ code: Code, _ message: String, advice: String? = nil) {
        self.code = code
        self.message = message
        self.advice = advice
    }

    /// What standard error gets.
    var report: String { "error: \(message)\n" + (advice.map { "       \($0)\n" } ?? "") }
    var description: String { message }

    /// Any error, for the person who typed the command.
    init(_ error: any Error) {
        switch error {
        case let error as CommandError: self = error
        case let error as OperatorClientError:
            self.init(error.isRefusal ? .usage : .failed, error.description, advice: error.advice)
        case let error as ServerError:
            self.init(error.code == .configuration ? .usage : .failed, error.description)
        case is CancellationError: self.init(.failed, "Interrupted.")
        default: self.init(.failed, "\(error)")
        }
    }
}
