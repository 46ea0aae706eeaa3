/// Names and secrets from the system's cryptographic random numbers.
enum RandomText {
    private static let idAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    private static let secretAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

    /// `AKIA` and 16 more.
    static func accessKeyID() -> String { "AKIA" + text(16, from: idAlphabet) }
    /// `AIDA` and 17 more.
    static func userID() -> String { "AIDA" + text(17, from: idAlphabet) }
    /// 40 characters: 240 bits.
    static func secret() -> String { text(40, from: secretAlphabet) }

    private static func text(_ count: Int, from alphabet: [Character]) -> String {
        var random = SystemRandomNumberGenerator()
        return String((0..<count).compactMap { _ in alphabet.randomElement(using: &random) })
    }
}
