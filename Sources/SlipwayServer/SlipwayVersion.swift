/// The version of this program.
public enum SlipwayVersion {
    public static let current = "0.1.0"
}
