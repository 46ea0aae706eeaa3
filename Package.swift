// swift-tools-version: 6.2
import PackageDescription

// Dependencies point down only: see docs/architecture.md. `make lint` checks it (scripts/check-imports).

let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "_CryptoExtras", package: "swift-crypto")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let ordered = Target.Dependency.product(name: "OrderedCollections", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let grpcCore = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")
let grpcTransport = Target.Dependency.product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")
let grpcProtobuf = Target.Dependency.product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let swiftProtobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")

let package = Package(
    name: "slipway",
    products: [
        .executable(name: "slipway", targets: ["slipway"])
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", exact: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", exact: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", exact: "2.4.1"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        .executableTarget(name: "slipway", dependencies: ["SlipwayCommands"]),
        // Commands of the `slipway` program, one file a verb.
        .target(
            name: "SlipwayCommands",
            dependencies: [
                "SlipwayServer", "SlipwayClient", "Authenticator", "KMSPlugin", "Releases", "Simulation", "LocalSubstrate",
                "SimulatedSubstrate",
                "Substrate", "FleetModel", "FleetStore", "Identity", "PKI", "Observability", "Timing",
                argumentParser, logging, asyncHTTPClient, yams, serviceLifecycle, unixSignals, metrics, nioCore,
            ]),
        // Composition root of a region.
        .target(
            name: "SlipwayServer",
            dependencies: [
                "EKSAPI", "OperatorAPI", "ClusterService", "Fleet", "Backups", "LocalSubstrate", "SimulatedSubstrate", "Simulation",
                "EtcdStore",
                "EtcdClient",
                "Releases",
                "Identity", "KeyRing", "PKI",
                "Kubernetes", "FleetStore", "FleetModel", "Substrate", "Observability", "Timing", "SlipwayClient", "SignatureV4",
                hummingbird, serviceLifecycle, unixSignals, logging, yams, metrics, asyncHTTPClient, subprocess, systemPackage, nioCore,
                nioPosix, nioHTTP1,
                httpTypes, crypto,
            ]),
        .target(
            name: "EKSAPI",
            dependencies: [
                "ClusterService", "Identity", "FleetStore", "SignatureV4", "FleetModel", "Timing", "Observability", hummingbird, httpTypes,
                logging, nioCore,
            ]),
        // Creates, describes and deletes clusters in the store, for both APIs.
        .target(
            name: "ClusterService",
            dependencies: ["Planning", "Identity", "FleetStore", "FleetModel", "Substrate", "Timing", crypto, logging]),
        .target(
            name: "OperatorAPI",
            dependencies: [
                "ClusterService", "Identity", "FleetStore", "FleetModel", "Substrate", "SlipwayClient", "PKI", "Kubernetes", "Timing",
                "Observability", "SignatureV4", hummingbird, httpTypes, logging, nioCore, serviceLifecycle,
            ]),
        .target(
            name: "SlipwayClient", dependencies: ["FleetModel", "SignatureV4", "Timing", asyncHTTPClient, nioCore, nioHTTP1]),
        // Who may do what: principals, roles, audit.
        .target(
            name: "Identity",
            dependencies: ["FleetStore", "SignatureV4", "FleetModel", "Timing", crypto, logging]),
        // The token webhook that runs beside each API server.
        .target(
            name: "Authenticator",
            dependencies: ["SignatureV4", "FleetModel", hummingbird, hummingbirdTLS, logging, nioCore, nioSSL, serviceLifecycle]),
        .target(name: "SignatureV4", dependencies: [crypto]),
        // Encrypts and decrypts for the API server that it runs beside.
        .target(
            name: "KMSPlugin",
            dependencies: [
                "KMSAPI", "FleetModel", grpcCore, grpcTransport, grpcProtobuf, swiftProtobuf, nioCore, nioPosix, crypto, logging,
                serviceLifecycle,
            ]),
        // The region's own keys, behind the protocol that an external key service can implement.
        .target(name: "KeyRing", dependencies: ["FleetStore", "FleetModel", "PKI", "Timing", crypto]),
        // Controllers: observe, plan, execute, write status.
        .target(
            name: "Fleet",
            dependencies: [
                "Backups", "Controller", "Planning", "Substrate", "FleetStore", "FleetModel", "PKI", "Kubernetes", "Identity", "Timing",
                "EtcdClient", "Observability", "SignatureV4", asyncHTTPClient, logging, metrics, nioCore, nioPosix, nioHTTP1, nioSSL,
                serviceLifecycle,
                crypto,
            ]),
        // Sealed snapshots of etcd, where they are kept, and how they are checked and restored.
        .target(
            name: "Backups",
            dependencies: [
                "EtcdClient", "PKI", "SignatureV4", "FleetModel", "Timing", asyncHTTPClient, nioCore, nioHTTP1, crypto, subprocess,
                systemPackage, logging,
            ]),
        .target(
            name: "Controller",
            dependencies: ["FleetStore", "Timing", logging, metrics, heap, serviceLifecycle]),
        // The heart: pure. No NIO, no logging, no I/O.
        .target(name: "Planning", dependencies: ["Substrate", "FleetModel"]),
        .target(name: "Kubernetes", dependencies: ["FleetModel", "PKI", "Substrate", yams]),
        .target(name: "PKI", dependencies: ["FleetModel", x509, asn1, crypto, cryptoExtras]),
        .target(
            name: "Releases",
            dependencies: ["FleetModel", "Timing", asyncHTTPClient, crypto, subprocess, systemPackage, yams, nioCore, nioHTTP1]),
        .target(
            name: "LocalSubstrate",
            dependencies: ["Substrate", "FleetModel", "Releases", "Timing", subprocess, systemPackage, logging, nioCore, nioPosix]),
        .target(name: "SimulatedSubstrate", dependencies: ["Substrate", "FleetModel", "Timing"]),
        // Whole regions on a virtual clock, from a seed.
        .target(
            name: "Simulation",
            dependencies: [
                "Fleet", "ClusterService", "Identity", "Controller", "Planning", "SimulatedSubstrate", "Substrate", "FleetStore",
                "FleetModel", "Timing", logging, deque,
            ]),
        .target(name: "Substrate", dependencies: ["FleetModel"]),
        .target(
            name: "EtcdStore", dependencies: ["EtcdClient", "FleetStore", "Timing", logging, serviceLifecycle]),
        .target(
            name: "EtcdClient",
            dependencies: [
                grpcCore, grpcTransport, grpcProtobuf, swiftProtobuf, serviceLifecycle, nioCore, nioPosix, "EtcdAPI",
            ]),
        // Generated from Protos by `make generate`; committed.
        .target(name: "EtcdAPI", dependencies: [grpcCore, grpcProtobuf, swiftProtobuf], exclude: ["PROTOS.sha256"]),
        .target(name: "KMSAPI", dependencies: [grpcCore, grpcProtobuf, swiftProtobuf], exclude: ["PROTOS.sha256"]),
        .target(name: "FleetStore", dependencies: ["FleetModel", "Timing"]),
        .target(name: "Observability", dependencies: ["Timing", metrics, logging]),
        .target(name: "Timing", dependencies: [heap]),
        .target(name: "FleetModel"),
        // Conformance suites and fixtures that only tests need.
        .target(
            name: "SlipwayTesting",
            dependencies: [
                "FleetStore", "EtcdStore", "EtcdClient", "Substrate", "LocalSubstrate", "SimulatedSubstrate", "Timing", "FleetModel",
                subprocess, systemPackage,
            ]),

        .testTarget(name: "FleetModelTests", dependencies: ["FleetModel", "Timing"]),
        .testTarget(name: "PlanningTests", dependencies: ["Planning", "Substrate", "FleetModel"]),
        .testTarget(
            name: "ControllerTests",
            dependencies: [
                "Controller", "Fleet", "FleetModel", "FleetStore", "PKI", "Planning", "Simulation", "SimulatedSubstrate", "Substrate",
                "Timing", "SlipwayClient", "SlipwayTesting", logging, nioSSL, nioCore, nioPosix, asyncHTTPClient,
            ]),
        .testTarget(
            name: "StoreTests",
            dependencies: [
                "Simulation", "Fleet", "Planning", "Controller", "EtcdStore", "EtcdClient", "FleetStore", "FleetModel", "Timing",
                "SlipwayTesting", logging, asyncHTTPClient,
            ]),
        .testTarget(
            name: "BackupsTests",
            dependencies: [
                "Backups", "EtcdClient", "PKI", "SignatureV4", "FleetModel", "Timing", "SlipwayTesting", asyncHTTPClient, nioCore, nioHTTP1,
                crypto,
                subprocess,
                systemPackage,
            ]),
        .testTarget(name: "PKITests", dependencies: ["PKI", "FleetModel", x509, asn1]),
        .testTarget(name: "KubernetesTests", dependencies: ["Kubernetes", "PKI", "Substrate", "FleetModel", yams], exclude: ["Golden"]),
        .testTarget(
            name: "ReleasesTests",
            dependencies: [
                "Releases", "FleetModel", "Timing", hummingbird, httpTypes, nioCore, logging, serviceLifecycle, crypto, subprocess,
            ]),
        .testTarget(name: "SignatureV4Tests", dependencies: ["SignatureV4"]),
        .testTarget(
            name: "APITests",
            dependencies: [
                "EKSAPI", "OperatorAPI", "Authenticator", "ClusterService", "Identity", "SignatureV4", "FleetStore", "FleetModel",
                "Timing", "Substrate", "SimulatedSubstrate", "SlipwayServer", "SlipwayClient", "Observability", "PKI", "KeyRing",
                "SlipwayTesting",
                hummingbird,
                hummingbirdTesting,
                httpTypes,
                logging, metrics, nioCore, subprocess, yams,
            ]),
        .testTarget(
            name: "AuthenticatorTests",
            dependencies: ["Authenticator", "FleetModel", "SignatureV4", hummingbird, hummingbirdTesting, logging, nioCore]),
        .testTarget(
            name: "EncryptionTests",
            dependencies: [
                "KMSPlugin", "KMSAPI", "KeyRing", "Fleet", "Controller", "Planning", "Kubernetes", "FleetStore", "FleetModel", "PKI",
                "Timing", grpcCore,
                grpcTransport, grpcProtobuf, swiftProtobuf, logging, crypto, serviceLifecycle,
            ]),
        .testTarget(
            name: "SubstrateTests",
            dependencies: [
                "LocalSubstrate", "SimulatedSubstrate", "SlipwayTesting", "Substrate", "FleetModel", "Timing", crypto, subprocess,
                systemPackage,
            ]),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "Simulation", "Fleet", "Planning", "SimulatedSubstrate", "SlipwayTesting", "Substrate", "FleetModel", "Timing",
            ]),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "slipway", "SlipwayClient", "LocalSubstrate", "SimulatedSubstrate", "PKI", "FleetModel", asyncHTTPClient, nioCore, nioHTTP1,
                nioSSL, subprocess, systemPackage, hummingbird, hummingbirdTLS, httpTypes, logging, serviceLifecycle, crypto, cryptoExtras,
            ]),
    ]
)

// Simulated by the thousand in `make test`, so they are optimised in debug builds too.
let optimised: Set = ["FleetModel", "FleetStore", "Substrate", "Planning", "Timing", "Controller", "SimulatedSubstrate", "Simulation"]

for target in package.targets {
    var settings = target.swiftSettings ?? []
    settings.append(.enableUpcomingFeature("ExistentialAny"))
    settings.append(.enableUpcomingFeature("MemberImportVisibility"))
    if !["EtcdAPI", "KMSAPI"].contains(target.name) { settings.append(.treatAllWarnings(as: .error)) }
    if optimised.contains(target.name) { settings.append(.unsafeFlags(["-O"], .when(configuration: .debug))) }
    target.swiftSettings = settings
}
