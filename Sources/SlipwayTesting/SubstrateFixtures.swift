/// Values that only need to be well formed.
public enum SubstrateFixtures {
    /// A CA certificate whose key nobody has.
    public static let certificateAuthority = """
        -----BEGIN CERTIFICATE-----
        MIIBkjCCATmgAwIBAgIUFmGZc3YKFT6NRqw16S3UcKcaBBwwCgYIKoZIzj0EAwIw
        HjEcMBoGA1UEAwwTc2xpcHdheS1jb25mb3JtYW5jZTAgFw0yNjExMjMyMTU1NTVa
        GA8yMTI2MTAzMDIxNTU1NVowHjEcMBoGA1UEAwwTc2xpcHdheS1jb25mb3JtYW5j
        ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOiUcpcJtBgjZpHiT2g0Ydy2KL1z
        6jZt9aF4VxPl2RuEATx7C48i0SDb/If8VbxNR/S5EMTdaGWR1fTcGEXxLd+jUzBR
        MB0GA1UdDgQWBBQxF1+UkWlDOzfxE+q7BTWe3CMkRTAfBgNVHSMEGDAWgBQxF1+U
        kWlDOzfxE+q7BTWe3CMkRTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cA
        MEQCIGhbEd3mn+PcOTi5dyLQs+H2T0L/8epjnyVuK87zEDTpAiBaNQxm5HDZIgWm
        arS9ulfE638RDme6v44Fd0LNd1/FDA==
        -----END CERTIFICATE-----
        """ + "\n"
}
