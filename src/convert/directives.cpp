#include "convert/directives.hpp"

#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

using enum Form;
using enum Table;

constexpr Row unit_rows[] = {
    {"StartLimitIntervalSec StartLimitInterval StartLimitBurst StartLimitAction FailureAction SuccessAction", step,
     service},
    {"SurviveFinalKillSignal", step, service},
    {"RequiresMountsFor WantsMountsFor DefaultDependencies", step, top},
    {"Description", text, top, "description"},
    {"Documentation", words, top, "documentation"},
    {"Requires RequiresOverridable BindsTo BindTo", unit_names, top, "requires"},
    {"Requisite", unit_names, top, "requires", "`requires` starts the unit, where this only looks whether it runs"},
    {"Wants", unit_names, top, "wants"},
    {"Upholds", unit_names, top, "wants", "`wants` starts the unit, but does not start it again later"},
    {"After", unit_names, top, "after"},
    {"Before", unit_names, top, "before"},
    {"Conflicts", unit_names, top, "conflicts"},
    {"PartOf", unit_names, top, "part-of"},
    {"ReloadPropagatedFrom PropagateReloadFrom", unit_names, top, "reload-with"},
    {"OnFailure", unit_names, top, "on-failure"},
    {"OnSuccess", unit_names, top, "on-success"},
    {"SourcePath Names IgnoreOnIsolate CollectMode DebugInvocation IgnoreOnSnapshot "
     "OnSuccessJobMode OnFailureJobMode OnFailureIsolate",
     not_needed, top, "", "it concerns systemd's own workings"},
    {"StopWhenUnneeded", not_needed, top, "", "what was only pulled in is stopped when nothing needs it any more"},
    {"RefuseManualStart", flag, top, "refuse-manual-start"},
    {"RefuseManualStop", flag, top, "refuse-manual-stop"},
    {"AllowIsolate", no_equal, top, "", "only a target can be isolated"},
    {"JobTimeoutSec JobRunningTimeoutSec JobTimeoutAction JobTimeoutRebootArgument", no_equal, top, "",
     "a unit may wait for others as long as it takes"},
    {"PropagatesReloadTo PropagateReloadTo", no_equal, top, "", "the other unit says `reload-with`"},
    {"PropagatesStopTo StopPropagatedFrom", no_equal, top, "",
     "only `requires` and `part-of` of the other unit pass on a stop"},
    {"JoinsNamespaceOf", no_equal, top, "", "no two services share a namespace"},
    {"RebootArgument FailureActionExitStatus SuccessActionExitStatus", no_equal, top, "",
     "`exit-action` takes nothing along"},
    {"ConditionVirtualization AssertVirtualization", condition_container, condition, "container"},
    {"ConditionFirstBoot AssertFirstBoot", condition_flag, condition, "first-boot"},
    {"ConditionACPower AssertACPower", condition_flag, condition, "ac-power"},
    {"ConditionPathExists AssertPathExists", condition_path, condition, "path-exists"},
    {"ConditionPathExistsGlob AssertPathExistsGlob", condition_pattern, condition, "path-exists"},
    {"ConditionPathIsDirectory AssertPathIsDirectory", condition_directory, condition, "path-exists"},
    {"ConditionPathIsSymbolicLink AssertPathIsSymbolicLink", condition_path, condition, "path-exists",
     "that it is a link is not looked at"},
    {"ConditionPathIsMountPoint AssertPathIsMountPoint", condition_path, condition, "path-exists",
     "that something is mounted there is not looked at"},
    {"ConditionPathIsReadWrite AssertPathIsReadWrite", condition_path, condition, "path-exists",
     "that it can be written is not looked at"},
    {"ConditionDirectoryNotEmpty AssertDirectoryNotEmpty", condition_path, condition, "directory-not-empty"},
    {"ConditionFileNotEmpty AssertFileNotEmpty", condition_path, condition, "path-exists",
     "that it is not empty is not looked at"},
    {"ConditionFileIsExecutable AssertFileIsExecutable", condition_path, condition, "path-exists",
     "that it can be executed is not looked at"},
    {"ConditionKernelCommandLine AssertKernelCommandLine", condition_word, condition, "kernel-command-line"},
    {"ConditionCapability AssertCapability", condition_capability, condition, "capability"},
};

constexpr Row install_rows[] = {
    {"Alias", step, target},
    {"RequiredBy WantedBy UpheldBy Also DefaultInstance", step, top},
};

constexpr Row service_rows[] = {
    {"LogRateLimitBurst LogRateLimitIntervalSec", step, log},
    {"PIDFile User Group DynamicUser Environment LoadCredential WorkingDirectory CPUSchedulingPolicy "
     "CPUSchedulingPriority "
     "IOSchedulingClass IOSchedulingPriority StandardInput StandardOutput StandardError TTYPath SyslogLevelPrefix "
     "CapabilityBoundingSet AmbientCapabilities ProtectSystem RuntimeDirectory RuntimeDirectoryMode StateDirectory "
     "StateDirectoryMode LogsDirectory LogsDirectoryMode ReadWritePaths ReadWriteDirectories ReadOnlyPaths "
     "ReadOnlyDirectories ProtectKernelTunables ProtectControlGroups InaccessiblePaths InaccessibleDirectories "
     "ProtectHome ProtectKernelModules ProtectKernelLogs ProtectClock SystemCallFilter SystemCallErrorNumber "
     "RestrictAddressFamilies RestrictNamespaces "
     "SystemCallArchitectures IgnoreSIGPIPE ExecSearchPath RuntimeDirectoryPreserve CacheDirectory CacheDirectoryMode "
     "ConfigurationDirectory ConfigurationDirectoryMode ProtectProc ProcSubset BindPaths BindReadOnlyPaths MountAPIVFS "
     "DevicePolicy DeviceAllow",
     step, process},
    {"Type BusName RemainAfterExit NotifyAccess Restart RestartSec RestartMaxDelaySec RestartSteps "
     "StartLimitIntervalSec StartLimitInterval StartLimitBurst StartLimitAction RestartPreventExitStatus "
     "RestartForceExitStatus SuccessExitStatus FailureAction TimeoutStartSec TimeoutSec TimeoutStopSec KillMode "
     "SendSIGKILL WatchdogSec ExecStart ExecStartPre ExecCondition ExecStartPost ExecReload ReloadSignal ExecStop "
     "ExecStopPost PermissionsStartOnly OOMPolicy",
     step, service},
    {"GuessMainPID", not_needed, service, "", "the oldest process of a service that forks stands for it"},
    {"TimeoutAbortSec", comes_near, service, "", "`stop-timeout` bounds that as well"},
    {"TimeoutStartFailureMode TimeoutStopFailureMode", no_equal, service, "",
     "past a timeout comes the stop signal, and then SIGKILL", "terminate"},
    {"RuntimeMaxSec", no_equal, service, "", "a service may run for ever; `timeout` of coreutils bounds a command",
     "infinity"},
    {"KillSignal", signal, service, "stop-signal", "", "SIGTERM"},
    {"RestartKillSignal", no_equal, service, "", "a restart stops it like any stop", "SIGTERM"},
    {"FinalKillSignal", no_equal, service, "", "what does not obey gets SIGKILL", "SIGKILL"},
    {"SendSIGHUP", no_equal, service, "", "`stop-signal` is one signal", "no"},
    {"WatchdogSignal", no_equal, service, "", "a watchdog that was missed sends SIGABRT", "SIGABRT"},
    {"RootDirectoryStartOnly", no_equal, service, "", "all commands of a service have the same root"},
    {"NonBlocking", flag, service, "non-blocking"},
    {"FileDescriptorStoreMax FileDescriptorStorePreserve", no_equal, service, "",
     "the store of descriptors has a limit of its own"},
    {"USBFunctionDescriptors USBFunctionStrings", no_equal, service, "", "there are no USB gadgets"},
    {"OpenFile", no_equal, service, "", "no file is opened for a service"},
    {"ExitType", no_equal, service, "", "a service has ended when its main process has", "main"},
    {"RuntimeRandomizedExtraSec RefreshOnReload", no_equal, service, "", "it belongs to something that has no equal"},
    {"SysVStartPriority FsckPassNo", not_needed, service, "", "it has no effect"},
    {"SupplementaryGroups", accounts, process, "supplementary-groups"},
    {"EnvironmentFile", environment_files, process, "environment-files"},
    {"PassEnvironment", variables, process, "pass-environment"},
    {"UnsetEnvironment", variables, process, "unset-environment"},
    {"RootDirectory", path, process, "root-directory", "", "/"},
    {"UMask", mode, process, "umask", "", "", 0, 0777},
    {"Nice", integer, process, "nice", "", "", -20, 19},
    {"OOMScoreAdjust", integer, process, "oom-score-adjust", "", "", -1000, 1000},
    {"CPUAffinity", processors, process, "cpu-affinity"},
    {"CPUSchedulingResetOnFork", no_equal, process, "", "children inherit the policy", "no"},
    {"LimitAS", limit_in_bytes, process, "limits.as"},
    {"LimitCORE", limit_in_bytes, process, "limits.core"},
    {"LimitCPU", limit_in_seconds, process, "limits.cpu"},
    {"LimitDATA", limit_in_bytes, process, "limits.data"},
    {"LimitFSIZE", limit_in_bytes, process, "limits.fsize"},
    {"LimitLOCKS", limit, process, "limits.locks"},
    {"LimitMEMLOCK", limit_in_bytes, process, "limits.memlock"},
    {"LimitMSGQUEUE", limit_in_bytes, process, "limits.msgqueue"},
    {"LimitNICE", limit_of_nice, process, "limits.nice"},
    {"LimitNOFILE", limit, process, "limits.nofile"},
    {"LimitNPROC", limit, process, "limits.nproc"},
    {"LimitRSS", limit_in_bytes, process, "limits.rss"},
    {"LimitRTPRIO", limit, process, "limits.rtprio"},
    {"LimitRTTIME", limit_in_microseconds, process, "limits.rttime"},
    {"LimitSIGPENDING", limit, process, "limits.sigpending"},
    {"LimitSTACK", limit_in_bytes, process, "limits.stack"},
    {"StandardInputText StandardInputData", no_equal, process, "",
     "the standard input is null, tty, socket or file:PATH"},
    {"TTYReset TTYVHangup TTYVTDisallocate", not_needed, process, "",
     "a terminal that a service takes is always reset"},
    {"TTYColumns TTYRows", no_equal, process, "", "the size of a terminal is left as it is"},
    {"SyslogIdentifier SyslogFacility", not_needed, process, "", "every unit has a log of its own"},
    {"LogLevelMax LogExtraFields LogNamespace LogFilterPatterns SyslogLevel", no_equal, process, "",
     "what a service writes is logged as it is"},
    {"Personality CoredumpFilter TimerSlackNSec NUMAPolicy NUMAMask CoredumpReceive", no_equal, process, "",
     "there is no such key"},
    {"PAMName UtmpIdentifier UtmpMode SetLoginEnvironment", no_equal, process, "",
     "no session is opened for a service"},
    {"LoadCredentialEncrypted SetCredential SetCredentialEncrypted ImportCredential", no_equal, process, "",
     "`credentials` are files that are read as they are: write the secret to one that only root can read"},
    {"NoNewPrivileges", flag, process, "no-new-privileges"},
    {"PrivateTmp", flag_or_disconnected, process, "private-tmp"},
    {"PrivateDevices", flag_or_disconnected, process, "private-devices"},
    {"PrivateNetwork", flag_or_disconnected, process, "private-network"},
    {"PrivateMounts", flag, process, "private-mounts"},
    {"TimeoutCleanSec", no_equal, process, "", "no directory is cleaned"},
    {"RestrictRealtime", flag, process, "restrict-realtime"},
    {"RestrictSUIDSGID", flag, process, "restrict-suid-sgid"},
    {"LockPersonality", flag, process, "lock-personality"},
    {"MemoryDenyWriteExecute", flag, process, "memory-deny-write-execute"},
    {"ProtectHostname", flag, process, "protect-hostname"},
    {"RestrictFileSystems SystemCallLog SecureBits RemoveIPC PrivateUsers PrivateIPC "
     "PrivatePIDs PrivateBPF UserNamespacePath IPCNamespacePath "
     "NetworkNamespacePath KeyringMode NoExecPaths ExecPaths SELinuxContext AppArmorProfile SmackProcessLabel "
     "MemoryKSM MemoryTHP",
     no_equal, process, "", "there is no key for this kind of confinement"},
    {"TemporaryFileSystem MountImages ExtensionImages ExtensionDirectories MountFlags "
     "RootImage RootImageOptions RootImagePolicy MountImagePolicy ExtensionImagePolicy RootHash "
     "RootHashSignature RootVerity RootEphemeral BindLogSockets",
     no_equal, process, "", "nothing is mounted for a service but what the other keys need"},
    {"MemoryMax MemoryLimit", bytes, cgroup, "memory-max"},
    {"MemoryHigh", bytes, cgroup, "memory-high"},
    {"MemorySwapMax", bytes, cgroup, "memory-swap-max"},
    {"TasksMax", bytes, cgroup, "pids-max"},
    {"CPUQuota", percent, cgroup, "cpu-max"},
    {"CPUQuotaPeriodSec", no_equal, cgroup, "", "the period of `cpu-max` is the kernel's"},
    {"CPUWeight", weight, cgroup, "cpu-weight", "", "", 1, 10000, 100},
    {"CPUShares", weight, cgroup, "cpu-weight", "", "", 2, 262144, 1024},
    {"IOWeight", weight, cgroup, "io-weight", "", "", 1, 10000, 100},
    {"BlockIOWeight", weight, cgroup, "io-weight", "", "", 10, 1000, 500},
    {"Delegate", flag_or_words, cgroup, "delegate", "all controllers are delegated"},
    {"CPUAccounting MemoryAccounting TasksAccounting IOAccounting BlockIOAccounting", not_needed, cgroup, "",
     "what can be counted is counted"},
    {"Slice", no_equal_but_a_value, cgroup, "", "cgroups of services stand side by side", "system.slice"},
    {"MemoryMin MemoryLow StartupMemoryMax StartupMemoryHigh StartupMemoryLow StartupMemorySwapMax MemoryZSwapMax "
     "StartupMemoryZSwapMax DefaultMemoryMin DefaultMemoryLow DefaultStartupMemoryLow "
     "StartupCPUWeight StartupCPUShares StartupIOWeight StartupBlockIOWeight IODeviceWeight IOReadBandwidthMax "
     "IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax IODeviceLatencyTargetSec BlockIODeviceWeight "
     "BlockIOReadBandwidth BlockIOWriteBandwidth AllowedCPUs StartupAllowedCPUs AllowedMemoryNodes "
     "StartupAllowedMemoryNodes MemoryPressureWatch MemoryPressureThresholdSec ManagedOOMSwap "
     "ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit ManagedOOMMemoryPressureDurationSec "
     "ManagedOOMPreference DelegateSubgroup DisableControllers",
     no_equal, cgroup, "", "there is no such limit"},
    {"MemoryZSwapWriteback", no_equal, cgroup, "", "there is no such limit", "yes"},
    {"IPAccounting IPAddressAllow IPAddressDeny IPIngressFilterPath IPEgressFilterPath SocketBindAllow "
     "SocketBindDeny RestrictNetworkInterfaces BPFProgram NFTSet",
     no_equal, cgroup, "", "what a service may reach is for the firewall to say"},
};

constexpr Row socket_rows[] = {
    {"ListenStream ListenDatagram ListenSequentialPacket ListenFIFO BindIPv6Only FileDescriptorName Backlog Accept",
     step, listen},
    {"SocketMode", mode, listen, "mode", "", "", 0, 07777},
    {"SocketUser", account, listen, "user"},
    {"SocketGroup", account, listen, "group"},
    {"ReusePort", flag, listen, "reuse-port"},
    {"MaxConnections", integer, listen, "max-connections", "", "", 1, 65535},
    {"Service", names_partner, listen},
    {"DirectoryMode", no_equal_but_a_value, listen, "", "directories that are missing are made with the mode 0755",
     "0755 755"},
    {"RemoveOnStop", not_needed, listen, "", "the file of a socket goes with the socket"},
    {"ListenNetlink ListenSpecial ListenMessageQueue ListenUSBFunction", no_equal, listen, "",
     "a socket is a stream, datagrams, packets or a named pipe"},
    {"KeepAlive KeepAliveTimeSec KeepAliveIntervalSec KeepAliveProbes NoDelay Priority DeferAcceptSec "
     "ReceiveBuffer SendBuffer IPTOS IPTTL Mark SmackLabel SmackLabelIPIn SmackLabelIPOut SELinuxContextFromNet "
     "PipeSize MessageQueueMaxMessages MessageQueueMessageSize FreeBind Transparent Broadcast PassCredentials "
     "PassPIDFD PassSecurity PassPacketInfo TCPCongestion Timestamping BindToDevice SocketProtocol Writable "
     "PassFileDescriptorsToExec",
     no_equal, listen, "", "the socket is left as the kernel makes it"},
    {"AcceptFileDescriptors", no_equal, listen, "", "the socket is left as the kernel makes it", "yes"},
    {"Symlinks", no_equal, listen, "", "no link is made to a socket"},
    {"MaxConnectionsPerSource", no_equal, listen, "", "`max-connections` counts all of them"},
    {"TriggerLimitIntervalSec TriggerLimitBurst PollLimitIntervalSec PollLimitBurst FlushPending DeferTrigger "
     "DeferTriggerMaxSec",
     no_equal, listen, "", "`restart-limit` bounds how often a service that fails is started"},
};

constexpr Row timer_rows[] = {
    {"OnCalendar Persistent RandomizedDelaySec", step, timer},
    {"OnBootSec OnStartupSec", delay, timer, "after-boot"},
    {"OnActiveSec", delay, timer, "after-boot", "it counts from the boot, and not from when the timer was started"},
    {"OnUnitActiveSec", delay, timer, "every"},
    {"OnUnitInactiveSec", delay, timer, "every", "it counts from the start of the last run, and not from its end"},
    {"Unit", names_partner, timer},
    {"AccuracySec", not_needed, timer, "", "it runs at the time itself"},
    {"RemainAfterElapse", not_needed, timer, "", "a timer stays armed as long as there are times to come"},
    {"OnClockChange OnTimezoneChange", no_equal, timer, "", "a timer knows times alone"},
    {"WakeSystem", no_equal, timer, "", "the machine is not woken up"},
    {"FixedRandomDelay RandomizedOffsetSec DeferReactivation", no_equal, timer, "",
     "`jitter` is thrown anew each time"},
};

constexpr Row path_rows[] = {
    {"Unit", names_partner, service},
    {"PathExists PathExistsGlob PathChanged PathModified DirectoryNotEmpty MakeDirectory DirectoryMode", no_equal,
     service, "", "there are no units that watch paths"},
};

struct Section {
    std::string_view name;
    std::span<const Row> rows;
};
constexpr Section sections[] = {
    {"Unit", unit_rows},     {"Install", install_rows}, {"Service", service_rows},
    {"Socket", socket_rows}, {"Timer", timer_rows},     {"Path", path_rows},
};

} // namespace

std::span<const Row> rows_of(std::string_view section) {
    for (const Section& each : sections)
        if (each.name == section)
            return each.rows;
    return {};
}

const Row* row_of(std::string_view section, std::string_view directive) {
    for (const Row& row : rows_of(section))
        if (is_one_of(directive, row.directives))
            return &row;
    return nullptr;
}

} // namespace mi::convert
