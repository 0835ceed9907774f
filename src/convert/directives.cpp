#include "convert/directives.hpp"

#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

using enum Form;
using enum Table;

// In the order in which the keys stand in a unit.
constexpr Row all_rows[] = {
    // --- how units hang together ---
    {"Unit", "Description", text, top, "description"},
    {"Unit", "Documentation", words, top, "documentation"},
    {"Unit", "Requires RequiresOverridable BindsTo BindTo", unit_names, top, "requires"},
    {"Unit", "Requisite", unit_names, top, "requires",
     "`requires` starts the unit, where this only looks whether it runs"},
    {"Unit", "Wants", unit_names, top, "wants"},
    {"Unit", "Upholds", unit_names, top, "wants", "`wants` starts the unit, but does not start it again later"},
    {"Unit", "After", unit_names, top, "after"},
    {"Unit", "RequiresMountsFor WantsMountsFor", step, top, "after", "all of them: `mounts`"},
    {"Unit", "DefaultDependencies", step, top, "after", "yes: `basic`"},
    {"Unit", "Before", unit_names, top, "before"},
    {"Unit", "Conflicts", unit_names, top, "conflicts"},
    {"Unit", "OnFailure", unit_names, top, "on-failure"},
    {"Unit", "OnSuccess", unit_names, top, "on-success"},
    {"Unit", "PartOf", step, top, "requires", "lost, unless the unit is required anyway"},
    {"Install", "RequiredBy", step, top, "required-by"},
    {"Install", "WantedBy", step, top, "wanted-by enabled", "without any, `enabled` is false"},
    {"Install", "UpheldBy", step, top, "wanted-by", "the unit is not started again later"},
    {"Install", "Also", step, top, "", "said, unless it is part of the same unit: enable that unit as well"},
    {"Install", "DefaultInstance", step, top, "", "said: an instance is named when it is enabled"},
    {"Install", "Alias", step, target, "aliases", "of targets; a service has one name"},
    {"Unit",
     "SourcePath Names IgnoreOnIsolate CollectMode SurviveFinalKillSignal DebugInvocation IgnoreOnSnapshot "
     "OnSuccessJobMode OnFailureJobMode OnFailureIsolate",
     not_needed, top, "", "it concerns systemd's own workings"},
    {"Unit", "StopWhenUnneeded", not_needed, top, "",
     "what was only pulled in is stopped when nothing needs it any more"},
    {"Unit", "RefuseManualStart RefuseManualStop", no_equal, top, "", "root may start and stop every unit"},
    {"Unit", "AllowIsolate", no_equal, top, "", "only a target can be isolated"},
    {"Unit", "JobTimeoutSec JobRunningTimeoutSec JobTimeoutAction JobTimeoutRebootArgument", no_equal, top, "",
     "a unit may wait for others as long as it takes"},
    {"Unit", "PropagatesReloadTo ReloadPropagatedFrom PropagateReloadTo PropagateReloadFrom", no_equal, top, "",
     "a reload concerns one unit"},
    {"Unit", "PropagatesStopTo StopPropagatedFrom", no_equal, top, "", "only `requires` passes on a stop"},
    {"Unit", "JoinsNamespaceOf", no_equal, top, "", "no two services share a namespace"},
    {"Unit", "RebootArgument FailureActionExitStatus SuccessActionExitStatus", no_equal, top, "",
     "`exit-action` takes nothing along"},

    // --- conditions ---
    {"Unit", "ConditionVirtualization AssertVirtualization", condition_container, condition, "container",
     "a container is told from other machines, and nothing else"},
    {"Unit", "ConditionFirstBoot AssertFirstBoot", condition_flag, condition, "first-boot"},
    {"Unit", "ConditionPathExists AssertPathExists", condition_path, condition, "path-exists path-missing"},
    {"Unit", "ConditionPathExistsGlob AssertPathExistsGlob", condition_pattern, condition, "path-exists path-missing"},
    {"Unit", "ConditionPathIsDirectory AssertPathIsDirectory", condition_directory, condition,
     "path-exists path-missing"},
    {"Unit", "ConditionPathIsSymbolicLink AssertPathIsSymbolicLink", condition_path, condition,
     "path-exists path-missing", "that it is a link is not looked at"},
    {"Unit", "ConditionPathIsMountPoint AssertPathIsMountPoint", condition_path, condition, "path-exists path-missing",
     "that something is mounted there is not looked at"},
    {"Unit", "ConditionPathIsReadWrite AssertPathIsReadWrite", condition_path, condition, "path-exists path-missing",
     "that it can be written is not looked at"},
    {"Unit", "ConditionDirectoryNotEmpty AssertDirectoryNotEmpty", condition_path, condition, "directory-not-empty"},
    {"Unit", "ConditionFileNotEmpty AssertFileNotEmpty", condition_path, condition, "path-exists path-missing",
     "that it is not empty is not looked at"},
    {"Unit", "ConditionFileIsExecutable AssertFileIsExecutable", condition_path, condition, "path-exists path-missing",
     "that it can be executed is not looked at"},
    {"Unit", "ConditionKernelCommandLine AssertKernelCommandLine", condition_word, condition, "kernel-command-line"},
    {"Unit", "ConditionCapability AssertCapability", condition_capability, condition, "capability"},

    // --- when a service is up, when it is started again, how it ends ---
    {"Service", "Type", step, service, "type",
     "dbus: its name on the bus is not waited for; forking without PIDFile=: oneshot"},
    {"Service", "BusName", step, service, "type", "nothing is started by the bus"},
    {"Service", "RemainAfterExit", step, service, "type", "a oneshot stays done"},
    {"Service", "NotifyAccess", step, service, "notify-access"},
    {"Service", "GuessMainPID", not_needed, service, "", "the main process is never guessed"},
    {"Service", "Restart", step, service, "restart", "on-success: always; on-abort and on-watchdog: on-abnormal"},
    {"Service", "RestartSec", step, service, "restart-delay"},
    {"Service", "RestartMaxDelaySec", step, service, "restart-delay-max"},
    {"Service", "RestartSteps", step, service, "restart-delay-max", "the pause grows twice as long each time"},
    {"Unit", "StartLimitIntervalSec StartLimitInterval StartLimitBurst", step, service,
     "restart-delay-max restart-limit"},
    {"Service", "StartLimitIntervalSec StartLimitInterval StartLimitBurst", step, service,
     "restart-delay-max restart-limit"},
    {"Unit", "StartLimitAction", step, service, "restart-limit-action"},
    {"Service", "StartLimitAction", step, service, "restart-limit-action"},
    {"Service", "RestartPreventExitStatus RestartForceExitStatus", step, service, "",
     "lost: `restart` and `success-exit` alone decide about restarts"},
    {"Service", "SuccessExitStatus", step, service, "success-exit"},
    {"Unit", "FailureAction SuccessAction", step, service, "exit-action", "where both say the same"},
    {"Service", "FailureAction", step, service, "exit-action", "where SuccessAction= says the same"},
    {"Service", "TimeoutStartSec TimeoutSec", step, service, "start-timeout"},
    {"Service", "TimeoutStopSec", step, service, "stop-timeout", "its default, 90 s, is written as well"},
    {"Service", "TimeoutAbortSec", comes_near, service, "", "`stop-timeout` bounds that as well"},
    {"Service", "TimeoutStartFailureMode TimeoutStopFailureMode", no_equal, service, "",
     "past a timeout comes the stop signal, and then SIGKILL", "terminate"},
    {"Service", "RuntimeMaxSec", no_equal, service, "",
     "a service may run for ever; `timeout` of coreutils bounds a command", "infinity"},
    {"Service", "KillMode", step, service, "kill-mode", "none: process"},
    {"Service", "KillSignal", signal, service, "stop-signal", "", "SIGTERM"},
    {"Service", "RestartKillSignal", no_equal, service, "", "a restart stops it like any stop", "SIGTERM"},
    {"Service", "FinalKillSignal", no_equal, service, "", "what does not obey gets SIGKILL", "SIGKILL"},
    {"Service", "SendSIGHUP", no_equal, service, "", "`stop-signal` is one signal", "no"},
    {"Service", "SendSIGKILL", step, service, "stop-timeout", "no: a stop waits for ever"},
    {"Service", "WatchdogSec", step, service, "watchdog"},
    {"Service", "WatchdogSignal", no_equal, service, "", "a watchdog that was missed sends SIGABRT", "SIGABRT"},

    // --- commands ---
    {"Service", "ExecStart", step, service, "command", "with variables or a `-` before it, by /bin/sh"},
    {"Service", "ExecStartPre", step, service, "pre-start"},
    {"Service", "ExecCondition", step, service, "pre-start", "where it says no the start has failed"},
    {"Service", "ExecStartPost", step, service, "post-start"},
    {"Service", "ExecReload", step, service, "reload-signal reload-command", "`kill -HUP $MAINPID`: the signal"},
    {"Service", "ReloadSignal", step, service, "reload-signal", "of Type=notify-reload"},
    {"Service", "ExecStop", step, service, "stop-command", "of a oneshot that does not stay done: `post-start`"},
    {"Service", "ExecStopPost", step, service, "post-stop"},
    {"Service", "PermissionsStartOnly", step, service, "", "commands that would run as root are lost"},

    {"Service", "RootDirectoryStartOnly", no_equal, service, "", "all commands of a service have the same root"},
    {"Service", "NonBlocking", no_equal, service, "", "sockets are passed on as they were made: blocking"},
    {"Service", "FileDescriptorStoreMax FileDescriptorStorePreserve", no_equal, service, "",
     "the store of descriptors has a limit of its own"},
    {"Service", "USBFunctionDescriptors USBFunctionStrings", no_equal, service, "", "there are no USB gadgets"},
    {"Service", "OOMPolicy", no_equal, service, "",
     "when the kernel has killed a process for its memory, `restart` decides about the service"},
    {"Service", "OpenFile", no_equal, service, "", "no file is opened for a service"},
    {"Service", "ExitType", no_equal, service, "", "a service has ended when its main process has"},
    {"Service", "RuntimeRandomizedExtraSec RefreshOnReload", no_equal, service, "",
     "it belongs to something that has no equal"},
    {"Service", "SysVStartPriority FsckPassNo", not_needed, service, "", "it has no effect"},

    // --- who a service is, and what it starts with ---
    {"Service", "PIDFile", step, process, "pid-file", "of Type=forking"},
    {"Service", "User", step, process, "user"},
    {"Service", "Group", step, process, "group"},
    {"Service", "DynamicUser", step, process, "user", "the account has to be made once"},
    {"Service", "SupplementaryGroups", accounts, process, "supplementary-groups"},
    {"Service", "Environment", step, process, "environment"},
    {"Service", "EnvironmentFile", environment_files, process, "environment-files"},
    {"Service", "PassEnvironment", variables, process, "pass-environment"},
    {"Service", "UnsetEnvironment", not_needed, process, "",
     "an environment begins with nothing but what the unit and the manager set"},
    {"Service", "WorkingDirectory", step, process, "working-directory", "it has to be there"},
    {"Service", "RootDirectory", path, process, "root-directory", "", "/"},
    {"Service", "UMask", mode, process, "umask", "", "", 0, 0777},
    {"Service", "Nice", integer, process, "nice", "", "", -20, 19},
    {"Service", "OOMScoreAdjust", integer, process, "oom-score-adjust", "", "", -1000, 1000},
    {"Service", "CPUAffinity", processors, process, "cpu-affinity"},
    {"Service", "CPUSchedulingPolicy CPUSchedulingPriority", step, process, "scheduling"},
    {"Service", "CPUSchedulingResetOnFork", no_equal, process, "", "children inherit the policy", "no"},
    {"Service", "IOSchedulingClass IOSchedulingPriority", step, process, "io-priority"},
    {"Service", "LimitAS", limit_in_bytes, process, "limits.as"},
    {"Service", "LimitCORE", limit_in_bytes, process, "limits.core"},
    {"Service", "LimitCPU", limit_in_seconds, process, "limits.cpu"},
    {"Service", "LimitDATA", limit_in_bytes, process, "limits.data"},
    {"Service", "LimitFSIZE", limit_in_bytes, process, "limits.fsize"},
    {"Service", "LimitLOCKS", limit, process, "limits.locks"},
    {"Service", "LimitMEMLOCK", limit_in_bytes, process, "limits.memlock"},
    {"Service", "LimitMSGQUEUE", limit_in_bytes, process, "limits.msgqueue"},
    {"Service", "LimitNICE", limit_of_nice, process, "limits.nice"},
    {"Service", "LimitNOFILE", limit, process, "limits.nofile"},
    {"Service", "LimitNPROC", limit, process, "limits.nproc"},
    {"Service", "LimitRSS", limit_in_bytes, process, "limits.rss"},
    {"Service", "LimitRTPRIO", limit, process, "limits.rtprio"},
    {"Service", "LimitRTTIME", limit_in_microseconds, process, "limits.rttime"},
    {"Service", "LimitSIGPENDING", limit, process, "limits.sigpending"},
    {"Service", "LimitSTACK", limit_in_bytes, process, "limits.stack"},
    {"Service", "StandardInput", step, process, "stdin"},
    {"Service", "StandardInputText StandardInputData", no_equal, process, "",
     "the standard input is null, tty, socket or file:PATH"},
    {"Service", "StandardOutput", step, process, "stdout"},
    {"Service", "StandardError", step, process, "stderr"},
    {"Service", "TTYPath", step, process, "tty", "of StandardInput=tty"},
    {"Service", "TTYReset TTYVHangup TTYVTDisallocate", not_needed, process, "",
     "a terminal that a service takes is always reset"},
    {"Service", "TTYColumns TTYRows", no_equal, process, "", "the size of a terminal is left as it is"},
    {"Service", "SyslogIdentifier SyslogFacility", not_needed, process, "", "every unit has a log of its own"},
    {"Service", "SyslogLevelPrefix", step, process, "", "not needed: <N> prefixes always set the priority"},
    {"Service", "LogRateLimitBurst LogRateLimitIntervalSec", step, log, "rate-limit"},
    {"Service", "LogLevelMax LogExtraFields LogNamespace LogFilterPatterns SyslogLevel", no_equal, process, "",
     "what a service writes is logged as it is"},
    {"Service", "IgnoreSIGPIPE", no_equal_but_a_value, process, "", "every signal is at its default", "no"},
    {"Service", "Personality CoredumpFilter TimerSlackNSec NUMAPolicy NUMAMask CoredumpReceive", no_equal, process, "",
     "there is no such key"},
    {"Service", "PAMName UtmpIdentifier UtmpMode SetLoginEnvironment", no_equal, process, "",
     "no session is opened for a service"},
    {"Service", "LoadCredential LoadCredentialEncrypted SetCredential SetCredentialEncrypted ImportCredential",
     no_equal, process, "", "there are no credentials: read the secret from a file that only its user can read"},

    // --- what a service is kept away from ---
    {"Service", "CapabilityBoundingSet AmbientCapabilities", step, process, "capabilities",
     "root: the bounding set; other users: the ambient one"},
    {"Service", "NoNewPrivileges", flag, process, "no-new-privileges"},
    {"Service", "PrivateTmp", flag_or_disconnected, process, "private-tmp"},
    {"Service", "PrivateDevices", flag_or_disconnected, process, "private-devices"},
    {"Service", "PrivateNetwork", flag_or_disconnected, process, "private-network"},
    {"Service", "PrivateMounts", no_equal, process, "",
     "a service has mounts of its own only where another key makes some", "no"},
    {"Service", "ProtectSystem", step, process, "protect-system"},
    {"Service", "RuntimeDirectory RuntimeDirectoryMode", step, process, "runtime-directory"},
    {"Service", "RuntimeDirectoryPreserve", no_equal_but_a_value, process, "",
     "they are removed when the service has stopped", "no"},
    {"Service", "StateDirectory StateDirectoryMode", step, process, "state-directory"},
    {"Service", "LogsDirectory LogsDirectoryMode", step, process, "logs-directory"},
    {"Service", "CacheDirectory CacheDirectoryMode", no_equal, process, "",
     "no directory is made below /var/cache: make it once, or in a oneshot that this unit requires"},
    {"Service", "ConfigurationDirectory ConfigurationDirectoryMode", no_equal, process, "",
     "no directory is made below /etc: make it once"},
    {"Service", "TimeoutCleanSec", no_equal, process, "", "no directory is cleaned"},
    {"Service", "ReadWritePaths ReadWriteDirectories", step, process, "read-write-paths",
     "where something else makes paths read-only"},
    {"Service", "ReadOnlyPaths ReadOnlyDirectories", step, process, "read-only-paths"},
    {"Service", "ProtectKernelTunables ProtectControlGroups", step, process, "read-only-paths"},
    {"Service", "InaccessiblePaths InaccessibleDirectories", step, process, "inaccessible-paths"},
    {"Service", "ProtectHome", step, process, "read-only-paths inaccessible-paths", "tmpfs: out of sight"},
    {"Service", "ProtectKernelModules ProtectKernelLogs", step, process, "inaccessible-paths",
     "the capability is kept, which `capabilities` can leave out"},
    {"Service", "ProtectClock", step, process, "", "lost where the service has CAP_SYS_TIME, else not needed"},
    {"Service", "SystemCallFilter", step, process, "system-call-filter"},
    {"Service", "SystemCallErrorNumber", step, process, "system-call-error"},
    {"Service", "SystemCallArchitectures", step, process, "", "native: a filter denies the calls of others anyway"},
    {"Service",
     "RestrictAddressFamilies RestrictFileSystems RestrictNamespaces RestrictRealtime RestrictSUIDSGID "
     "LockPersonality MemoryDenyWriteExecute SystemCallLog SecureBits RemoveIPC PrivateUsers PrivateIPC "
     "PrivatePIDs PrivateBPF UserNamespacePath ProtectHostname ProtectProc ProcSubset IPCNamespacePath "
     "NetworkNamespacePath KeyringMode NoExecPaths ExecPaths SELinuxContext AppArmorProfile "
     "SmackProcessLabel MemoryKSM MemoryTHP",
     no_equal, process, "", "there is no key for this kind of confinement"},
    {"Service",
     "BindPaths BindReadOnlyPaths TemporaryFileSystem MountImages ExtensionImages ExtensionDirectories "
     "MountFlags MountAPIVFS RootImage RootImageOptions RootImagePolicy MountImagePolicy "
     "ExtensionImagePolicy RootHash RootHashSignature RootVerity RootEphemeral BindLogSockets",
     no_equal, process, "", "nothing is mounted for a service but what the other keys need"},

    // --- resource control ---
    {"Service", "MemoryMax MemoryLimit", bytes, cgroup, "memory-max"},
    {"Service", "MemoryHigh", bytes, cgroup, "memory-high"},
    {"Service", "MemorySwapMax", bytes, cgroup, "memory-swap-max"},
    {"Service", "TasksMax", bytes, cgroup, "pids-max"},
    {"Service", "CPUQuota", percent, cgroup, "cpu-max"},
    {"Service", "CPUQuotaPeriodSec", no_equal, cgroup, "", "the period of `cpu-max` is the kernel's"},
    {"Service", "CPUWeight", weight, cgroup, "cpu-weight", "", "", 1, 10000, 100},
    {"Service", "CPUShares", weight, cgroup, "cpu-weight", "where CPUWeight= is not set", "", 2, 262144, 1024},
    {"Service", "IOWeight", weight, cgroup, "io-weight", "", "", 1, 10000, 100},
    {"Service", "BlockIOWeight", weight, cgroup, "io-weight", "where IOWeight= is not set", "", 10, 1000, 500},
    {"Service", "Delegate", flag_or_words, cgroup, "delegate", "all controllers are delegated"},
    {"Service", "CPUAccounting MemoryAccounting TasksAccounting IOAccounting BlockIOAccounting", not_needed, cgroup, "",
     "what can be counted is counted"},
    {"Service", "Slice", no_equal_but_a_value, cgroup, "", "cgroups of services stand side by side", "system.slice"},
    {"Service",
     "MemoryMin MemoryLow StartupMemoryMax StartupMemoryHigh StartupMemoryLow StartupMemorySwapMax "
     "MemoryZSwapMax MemoryZSwapWriteback StartupMemoryZSwapMax DefaultMemoryMin DefaultMemoryLow "
     "DefaultStartupMemoryLow StartupCPUWeight StartupCPUShares StartupIOWeight StartupBlockIOWeight "
     "IODeviceWeight IOReadBandwidthMax IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax "
     "IODeviceLatencyTargetSec BlockIODeviceWeight BlockIOReadBandwidth BlockIOWriteBandwidth AllowedCPUs "
     "StartupAllowedCPUs AllowedMemoryNodes StartupAllowedMemoryNodes MemoryPressureWatch "
     "MemoryPressureThresholdSec ManagedOOMSwap ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit "
     "ManagedOOMMemoryPressureDurationSec ManagedOOMPreference DelegateSubgroup DisableControllers",
     no_equal, cgroup, "", "there is no such limit"},
    {"Service",
     "IPAccounting IPAddressAllow IPAddressDeny IPIngressFilterPath IPEgressFilterPath SocketBindAllow "
     "SocketBindDeny RestrictNetworkInterfaces BPFProgram NFTSet",
     no_equal, cgroup, "", "what a service may reach is for the firewall to say"},
    {"Service", "DevicePolicy DeviceAllow", no_equal, cgroup, "", "`private-devices` is what there is for devices"},

    // --- sockets ---
    {"Socket", "ListenStream", step, listen, "stream", "a port alone: `*:PORT`"},
    {"Socket", "ListenDatagram", step, listen, "datagram", "a port alone: `*:PORT`"},
    {"Socket", "ListenSequentialPacket", step, listen, "sequential-packet"},
    {"Socket", "ListenFIFO", step, listen, "fifo"},
    {"Socket", "BindIPv6Only", step, listen, "stream datagram", "ipv6-only: a port alone is `[::]:PORT`"},
    {"Socket", "FileDescriptorName", step, listen, "name"},
    {"Socket", "SocketMode", mode, listen, "mode", "", "", 0, 07777},
    {"Socket", "SocketUser", account, listen, "user"},
    {"Socket", "SocketGroup", account, listen, "group"},
    {"Socket", "Backlog", step, listen, "backlog"},
    {"Socket", "ReusePort", flag, listen, "reuse-port"},
    {"Socket", "Accept", step, listen, "accept"},
    {"Socket", "MaxConnections", integer, listen, "max-connections", "", "", 1, 65535},
    {"Socket", "Service", names_partner, listen, "", "the service that this is part of"},
    {"Socket", "DirectoryMode", no_equal_but_a_value, listen, "",
     "directories that are missing are made with the mode 0755", "0755 755"},
    {"Socket", "RemoveOnStop", not_needed, listen, "", "the file of a socket goes with the socket"},
    {"Socket", "ListenNetlink ListenSpecial ListenMessageQueue ListenUSBFunction", no_equal, listen, "",
     "a socket is a stream, datagrams, packets or a named pipe"},
    {"Socket",
     "KeepAlive KeepAliveTimeSec KeepAliveIntervalSec KeepAliveProbes NoDelay Priority DeferAcceptSec "
     "ReceiveBuffer SendBuffer IPTOS IPTTL Mark SmackLabel SmackLabelIPIn SmackLabelIPOut "
     "SELinuxContextFromNet PipeSize MessageQueueMaxMessages MessageQueueMessageSize FreeBind Transparent "
     "Broadcast PassCredentials PassPIDFD PassSecurity PassPacketInfo TCPCongestion Timestamping "
     "BindToDevice SocketProtocol Writable AcceptFileDescriptors PassFileDescriptorsToExec",
     no_equal, listen, "", "the socket is left as the kernel makes it"},
    {"Socket", "Symlinks", no_equal, listen, "", "no link is made to a socket"},
    {"Socket", "MaxConnectionsPerSource", no_equal, listen, "", "`max-connections` counts all of them"},
    {"Socket",
     "TriggerLimitIntervalSec TriggerLimitBurst PollLimitIntervalSec PollLimitBurst FlushPending DeferTrigger "
     "DeferTriggerMaxSec",
     no_equal, listen, "", "`restart-limit` bounds how often a service that fails is started"},

    // --- timers and paths ---
    {"Timer", "OnBootSec OnStartupSec", delay, timer, "after-boot"},
    {"Timer", "OnActiveSec", delay, timer, "after-boot",
     "it counts from the boot, and not from when the timer was started"},
    {"Timer", "OnUnitActiveSec", delay, timer, "every"},
    {"Timer", "OnUnitInactiveSec", delay, timer, "every",
     "it counts from the start of the last run, and not from its end"},
    {"Timer", "OnCalendar", step, timer, "calendar"},
    {"Timer", "Persistent", step, timer, "persistent"},
    {"Timer", "RandomizedDelaySec", step, timer, "jitter"},
    {"Timer", "Unit", names_partner, timer, "", "the service that this is part of"},
    {"Timer", "AccuracySec", not_needed, timer, "", "it runs at the time itself"},
    {"Timer", "RemainAfterElapse", not_needed, timer, "", "a timer stays armed as long as there are times to come"},
    {"Timer", "OnClockChange OnTimezoneChange", no_equal, timer, "", "a timer knows times alone"},
    {"Timer", "WakeSystem", no_equal, timer, "", "the machine is not woken up"},
    {"Timer", "FixedRandomDelay RandomizedOffsetSec DeferReactivation", no_equal, timer, "",
     "`jitter` is thrown anew each time"},
    {"Path", "Unit", names_partner, service, "", "the service that this is part of"},
    {"Path", "PathExists PathExistsGlob PathChanged PathModified DirectoryNotEmpty MakeDirectory DirectoryMode",
     no_equal, service, "", "there are no units that watch paths"},
};

} // namespace

std::span<const Row> rows() { return all_rows; }

const Row* row_of(std::string_view section, std::string_view directive) {
    const Row* row = std::ranges::find_if(
        all_rows, [&](const Row& each) { return each.section == section && is_one_of(directive, each.directives); });
    return row == std::end(all_rows) ? nullptr : row;
}

std::size_t rank_of(Table table, std::string_view key) {
    std::size_t rank = 1; // a key that comes from no directive stands first
    for (const Row& row : all_rows)
        if (row.table == table)
            for (std::string_view each : blank_separated(row.keys)) {
                if (key == each || (key.starts_with(each) && key[each.size()] == '.'))
                    return rank;
                ++rank;
            }
    return 0;
}

} // namespace mi::convert
