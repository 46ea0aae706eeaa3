import Foundation

/// Columns of text, each as wide as its widest cell.
struct TextTable {
    var header: [String]
    var rows: [[String]]

    var text: String {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return all.map { row in
            // The last column needs no padding.
            row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell.padding(toLength: max(widths[column], cell.count), withPad: " ", startingAt: 0)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

enum Durations {
    /// `0.4 s`, `12.3 s`, `3 min 5 s`, `2 h 4 min`, `3 d 2 h`.
    static func text(_ seconds: Double) -> String {
        let whole = Int(max(0, seconds))
        switch seconds {
        case ..<60: return String(format: "%.1f s", max(0, seconds))
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86_400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        default: return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
        }
    }
}
