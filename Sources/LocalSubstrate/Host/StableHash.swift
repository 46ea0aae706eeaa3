/// A hash that is the same in every process and on every machine (FNV-1a, 64 bits), for short names of host objects.
struct StableHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    init(_ text: String) {
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        // FNV's high bits mix poorly for short texts.
        value ^= value >> 32
        value = value &* 0x9e37_79b9_7f4a_7c15
        value ^= value >> 29
    }

    /// - Parameter digits: 1 to 16.
    func hex(_ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String((String(repeating: "0", count: 16 - text.count) + text).prefix(digits))
    }
}
