import ArgumentParser

/// `slipway key …`
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "The keys that clusters' secrets are encrypted with.",
        discussion: """
            `slipway key create`, then `aws eks associate-encryption-config --cluster-name NAME --encryption-config \
            '[{"resources":["secrets"],"provider":{"keyArn":"ARN"}}]'`. It cannot be undone.
            """,
        subcommands: [EncryptionKeyCreate.self, EncryptionKeyListing.self, EncryptionKeyRotate.self])
}
