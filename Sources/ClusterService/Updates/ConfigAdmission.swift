import FleetModel

/// Decides what one `UpdateClusterConfig` makes of a cluster. Pure.
struct ConfigAdmission {
    let admission: ClusterAdmission
    let cluster: Cluster

    private var old: ClusterSettings { cluster.spec.settings }

    /// - Throws: `ClusterServiceError` (`invalidParameter`).
    func draft(_ request: ClusterChange) throws -> UpdateDraft {
        if let other = request.unoffered.first { throw invalid("Changing \(other) is not offered by Slipway (yet).") }
        guard let kind = request.kinds.first else { throw invalid("No changes requested: name one kind of change.") }
        guard request.kinds.count == 1 else {
            throw invalid("Only one type of change is allowed in one request; these are \(request.kinds.joined(separator: ", ")).")
        }
        let draft =
            if let vpc = request.resourcesVpcConfig { try network(vpc) } else if let logging = request.logging {
                try self.logging(logging)
            } else {
                try stored(request)
            }
        guard draft.spec.settings != old else { throw invalid("No changes needed: \(kind) of \(cluster.name) is as requested.") }
        return draft
    }

    /// What nothing that runs depends on.
    private func stored(_ request: ClusterChange) throws -> UpdateDraft {
        var settings = old
        if let wanted = request.deletionProtection {
            settings.deletionProtection = wanted
            return immediate("DeletionProtectionUpdate", ["DeletionProtection": "\(wanted)"], settings)
        }
        if let config = request.zonalShiftConfig {
            guard let wanted = config.enabled else { throw invalid("zonalShiftConfig needs 'enabled': true or false.") }
            settings.zonalShift = wanted
            return immediate("ZonalShiftConfigUpdate", ["ZonalShiftConfig": "{\"enabled\":\(wanted)}"], settings)
        }
        if let policy = request.upgradePolicy {
            guard let wanted = policy.supportType else { throw invalid("upgradePolicy needs 'supportType': STANDARD or EXTENDED.") }
            settings.supportType = try admission.choice(wanted, of: ["STANDARD", "EXTENDED"], "upgradePolicy.supportType", wanted)
            return immediate("UpgradePolicyUpdate", ["UpgradePolicy": "{\"supportType\":\"\(wanted)\"}"], settings)
        }
        if let scaling = request.controlPlaneScalingConfig {
            guard let wanted = scaling.tier else { throw invalid("controlPlaneScalingConfig needs 'tier'.") }
            let tiers = ["standard", "tier-xl", "tier-2xl", "tier-4xl", "tier-8xl"]
            settings.scalingTier = try admission.choice(wanted, of: tiers, "controlPlaneScalingConfig.tier", wanted)
            return immediate(
                "ControlPlaneScalingConfigUpdate", ["PreviousTier": old.scalingTier, "UpdatedTier": wanted], settings)
        }
        return try access(request.accessConfig)
    }

    /// EKS: from `CONFIG_MAP` over `API_AND_CONFIG_MAP` to `API`, and never back.
    private func access(_ config: NewCluster.AccessConfig?) throws -> UpdateDraft {
        guard let wanted = config?.authenticationMode else { throw invalid("accessConfig needs 'authenticationMode'.") }
        let modes = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]
        let mode = try admission.choice(wanted, of: modes, "accessConfig.authenticationMode", wanted)
        let (from, to) = (modes.firstIndex(of: old.authenticationMode) ?? 0, modes.firstIndex(of: mode) ?? 0)
        guard to >= from else { throw invalid("Unsupported authentication mode update from \(old.authenticationMode) to \(mode).") }
        var settings = old
        settings.authenticationMode = mode
        return immediate("AccessConfigUpdate", ["AuthenticationMode": mode], settings)
    }

    private func network(_ vpc: NewCluster.VPCConfig) throws -> UpdateDraft {
        var settings = old
        let changesPlace = vpc.subnetIds != nil || vpc.securityGroupIds != nil
        let changesAccess = vpc.endpointPublicAccess != nil || vpc.endpointPrivateAccess != nil || vpc.publicAccessCidrs != nil
        guard !changesPlace || !changesAccess else {
            throw invalid("Endpoint access and subnets or security groups cannot be changed in one request.")
        }
        guard changesAccess else {
            if let subnets = vpc.subnetIds { settings.subnetIDs = try admission.subnets(subnets) }
            if let groups = vpc.securityGroupIds { settings.securityGroupIDs = try admission.securityGroups(groups) }
            return immediate(
                "VpcConfigUpdate", ["Subnets": Self.list(settings.subnetIDs), "SecurityGroups": Self.list(settings.securityGroupIDs)],
                settings)
        }
        settings.endpointPublicAccess = vpc.endpointPublicAccess ?? settings.endpointPublicAccess
        settings.endpointPrivateAccess = vpc.endpointPrivateAccess ?? settings.endpointPrivateAccess
        guard settings.endpointPublicAccess || settings.endpointPrivateAccess else {
            throw invalid("Private and public endpoint access cannot both be false.")
        }
        // While public access is off they have no effect, and are kept, as in EKS.
        if let blocks = vpc.publicAccessCidrs { settings.publicAccessCIDRs = try admission.publicBlocks(blocks) }
        if settings.endpointPublicAccess, settings.publicAccessCIDRs.isEmpty { settings.publicAccessCIDRs = [EndpointAccess.everybody] }
        var spec = cluster.spec
        spec.settings = settings
        spec.controlPlane.endpointAccess = EndpointAccess(settings)
        return UpdateDraft(
            type: "EndpointAccessUpdate",
            parameters: [
                "EndpointPublicAccess": "\(settings.endpointPublicAccess)", "EndpointPrivateAccess": "\(settings.endpointPrivateAccess)",
                "PublicAccessCidrs": Self.list(settings.publicAccessCIDRs),
            ], spec: spec, isImmediate: spec.controlPlane == cluster.spec.controlPlane)
    }

    /// Types that are not named stay as they are.
    private func logging(_ logging: NewCluster.Logging) throws -> UpdateDraft {
        guard let setups = logging.clusterLogging, !setups.isEmpty else { throw invalid("logging needs 'clusterLogging'.") }
        let wanted = Set(try admission.logTypes(logging))
        let named = Set(setups.flatMap { $0.types ?? [] })
        for setup in setups where setup.enabled != true {
            if let both = setup.types?.first(where: { wanted.contains($0) }) {
                throw invalid("The log type '\(both)' is enabled and disabled in one request.")
            }
        }
        var spec = cluster.spec
        let enabled = Set(old.enabledLogTypes).subtracting(named).union(wanted)
        spec.settings.enabledLogTypes = ClusterAdmission.logTypeNames.filter { enabled.contains($0) }
        // API servers and what runs beside them write the logs.
        spec.controlPlane.apiServerRevision += 1
        let off = ClusterAdmission.logTypeNames.filter { named.contains($0) && !wanted.contains($0) }
        let parts = [(Array(ClusterAdmission.logTypeNames.filter { wanted.contains($0) }), true), (off, false)].filter { !$0.0.isEmpty }
        let text = parts.map { "{\"types\":\(Self.list($0.0)),\"enabled\":\($0.1)}" }.joined(separator: ",")
        return UpdateDraft(
            type: "LoggingUpdate", parameters: ["ClusterLogging": "{\"clusterLogging\":[\(text)]}"], spec: spec, isImmediate: false)
    }

    private func immediate(_ type: String, _ parameters: [String: String], _ settings: ClusterSettings) -> UpdateDraft {
        var spec = cluster.spec
        spec.settings = settings
        return UpdateDraft(type: type, parameters: parameters, spec: spec, isImmediate: true)
    }

    /// As JSON; what is in it was checked and holds nothing to be escaped.
    private static func list(_ items: [String]) -> String { "[\(items.map { "\"\($0)\"" }.joined(separator: ","))]" }

    private func invalid(_ message: String) -> ClusterServiceError {
        ClusterServiceError(.invalidParameter, message, cluster: cluster.name.rawValue)
    }
}
