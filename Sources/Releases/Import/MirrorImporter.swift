import FleetModel

/// Kubernetes from a site laid out like its download site: `BASE/v1.36.2/bin/linux/amd64/NAME` and `NAME.sha256`.
struct KubernetesMirrorImporter: ReleaseImporter {
    var base: String
    var version: KubernetesVersion
    var architecture: String
    var downloads: Downloads

    var summary: String { "\(base) (v\(version))" }

    /// The file whose presence says that the site can be reached and has this version.
    var probe: String { url("kube-apiserver") + ".sha256" }

    private func url(_ name: String) -> String { "\(base)/v\(version)/bin/linux/\(architecture)/\(name)" }

    func files(progress: ProgressLog) async throws -> ImportedFiles {
        guard version.patch != nil else {
            throw ReleaseError(.version, "Kubernetes version '\(version)' must be whole, as in 1.33.4.")
        }
        var files: [ImportedFiles.File] = []
        for name in Programs.kubernetes {
            let url = url(name)
            // The digest alone, or followed by the file's name.
            let text = try await downloads.text(url + ".sha256")
            guard let digest = text.split(whereSeparator: \.isWhitespace).first?.lowercased(), FileDigest.isDigest(digest) else {
                throw ReleaseError(.download, "\(url).sha256 is not a SHA-256 digest: '\(text.prefix(100))'.")
            }
            files.append(ImportedFiles.File(name: name, path: try await downloads.file(url, sha256: digest, progress: progress)))
        }
        return ImportedFiles(version: version.description, files: files, owned: true)
    }
}
