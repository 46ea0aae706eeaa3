import ArgumentParser

/// `slipway backup …`
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Back up clusters' etcd, check backups, and restore them.",
        discussion: """
            Backups are taken by schedule (`slipway backup policy`) and on demand, encrypted with the region's secret key file: keep a
            copy of that file elsewhere, without it no backup opens.
            """,
        subcommands: [
            BackupCreate.self, BackupListing.self, BackupDescribe.self, BackupVerify.self, BackupRestore.self, BackupDelete.self,
            BackupPolicyCommand.self,
        ])
}
