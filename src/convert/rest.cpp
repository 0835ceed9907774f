// What no converter has taken: directives that have no equal, each with the reason, and those that nobody knows.
#include "convert/draft.hpp"

namespace mi::convert {

namespace {

struct Reason {
    Table table;
    Weight weight;
    std::string_view keys; // with blanks around each
    std::string_view why;
};

constexpr Reason reasons[] = {
    // [Unit]
    {Table::top, Weight::note,
     " SourcePath Names IgnoreOnIsolate CollectMode SurviveFinalKillSignal DebugInvocation "
     "IgnoreOnSnapshot OnSuccessJobMode OnFailureJobMode OnFailureIsolate ",
     "it concerns systemd's own workings"},
    {Table::top, Weight::note, " StopWhenUnneeded ",
     "what was only pulled in is stopped when nothing needs it any more"},
    {Table::top, Weight::lost, " RefuseManualStart RefuseManualStop ", "root may start and stop every unit"},
    {Table::top, Weight::lost, " AllowIsolate ", "only a target can be isolated"},
    {Table::top, Weight::lost, " JobTimeoutSec JobRunningTimeoutSec JobTimeoutAction JobTimeoutRebootArgument ",
     "a unit may wait for others as long as it takes"},
    {Table::top, Weight::lost, " PropagatesReloadTo ReloadPropagatedFrom PropagateReloadTo PropagateReloadFrom ",
     "a reload concerns one unit"},
    {Table::top, Weight::lost, " PropagatesStopTo StopPropagatedFrom ", "only `requires` passes on a stop"},
    {Table::top, Weight::lost, " JoinsNamespaceOf ", "no two services share a namespace"},
    {Table::top, Weight::lost, " RebootArgument FailureActionExitStatus SuccessActionExitStatus ",
     "`exit-action` takes nothing along"},
    // [Service]
    {Table::service, Weight::lost, " RootDirectoryStartOnly ", "all commands of a service have the same root"},
    {Table::service, Weight::lost, " NonBlocking ", "sockets are passed on as they were made: blocking"},
    {Table::service, Weight::lost, " FileDescriptorStoreMax FileDescriptorStorePreserve ",
     "the store of descriptors has a limit of its own"},
    {Table::service, Weight::lost, " USBFunctionDescriptors USBFunctionStrings ", "there are no USB gadgets"},
    {Table::service, Weight::lost, " OOMPolicy ",
     "when the kernel has killed a process for its memory, `restart` decides about the service"},
    {Table::service, Weight::lost, " OpenFile ", "no file is opened for a service"},
    {Table::service, Weight::lost, " ExitType ", "a service has ended when its main process has"},
    {Table::service, Weight::lost, " RuntimeRandomizedExtraSec RefreshOnReload ",
     "it belongs to something that has no equal"},
    {Table::service, Weight::note, " SysVStartPriority FsckPassNo ", "it has no effect"},
    // what a service is kept away from
    {Table::process, Weight::lost,
     " RestrictAddressFamilies RestrictFileSystems RestrictNamespaces RestrictRealtime RestrictSUIDSGID "
     "LockPersonality "
     "MemoryDenyWriteExecute SystemCallLog SecureBits RemoveIPC PrivateUsers PrivateIPC PrivatePIDs PrivateBPF "
     "UserNamespacePath "
     "ProtectHostname ProtectProc ProcSubset IPCNamespacePath NetworkNamespacePath KeyringMode NoExecPaths ExecPaths "
     "SELinuxContext AppArmorProfile SmackProcessLabel MemoryKSM MemoryTHP ",
     "there is no key for this kind of confinement"},
    {Table::process, Weight::lost,
     " BindPaths BindReadOnlyPaths TemporaryFileSystem MountImages ExtensionImages ExtensionDirectories MountFlags "
     "MountAPIVFS "
     "RootImage RootImageOptions RootImagePolicy MountImagePolicy ExtensionImagePolicy RootHash RootHashSignature "
     "RootVerity "
     "RootEphemeral BindLogSockets ",
     "nothing is mounted for a service but what the other keys need"},
    {Table::process, Weight::lost,
     " LoadCredential LoadCredentialEncrypted SetCredential SetCredentialEncrypted ImportCredential ",
     "there are no credentials: read the secret from a file that only its user can read"},
    {Table::process, Weight::lost, " CacheDirectory CacheDirectoryMode ",
     "no directory is made below /var/cache: make it once, or in a oneshot that this unit requires"},
    {Table::process, Weight::lost, " ConfigurationDirectory ConfigurationDirectoryMode ",
     "no directory is made below /etc: make it once"},
    {Table::process, Weight::lost, " TimeoutCleanSec ", "no directory is cleaned"},
    {Table::process, Weight::lost, " IgnoreSIGPIPE ", "every signal is at its default"},
    {Table::process, Weight::lost, " Personality CoredumpFilter TimerSlackNSec NUMAPolicy NUMAMask CoredumpReceive ",
     "there is no such key"},
    {Table::process, Weight::lost, " PAMName UtmpIdentifier UtmpMode SetLoginEnvironment ",
     "no session is opened for a service"},
    {Table::process, Weight::lost, " LogLevelMax LogExtraFields LogNamespace LogFilterPatterns SyslogLevel ",
     "what a service writes is logged as it is"},
    // resource control
    {Table::cgroup, Weight::lost,
     " MemoryMin MemoryLow StartupMemoryMax StartupMemoryHigh StartupMemoryLow StartupMemorySwapMax MemoryZSwapMax "
     "MemoryZSwapWriteback StartupMemoryZSwapMax DefaultMemoryMin DefaultMemoryLow DefaultStartupMemoryLow "
     "StartupCPUWeight StartupCPUShares StartupIOWeight StartupBlockIOWeight IODeviceWeight IOReadBandwidthMax "
     "IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax IODeviceLatencyTargetSec BlockIODeviceWeight "
     "BlockIOReadBandwidth "
     "BlockIOWriteBandwidth AllowedCPUs StartupAllowedCPUs AllowedMemoryNodes StartupAllowedMemoryNodes "
     "MemoryPressureWatch MemoryPressureThresholdSec ManagedOOMSwap ManagedOOMMemoryPressure "
     "ManagedOOMMemoryPressureLimit "
     "ManagedOOMMemoryPressureDurationSec ManagedOOMPreference DelegateSubgroup DisableControllers ",
     "there is no such limit"},
    {Table::cgroup, Weight::lost,
     " IPAccounting IPAddressAllow IPAddressDeny IPIngressFilterPath IPEgressFilterPath SocketBindAllow SocketBindDeny "
     "RestrictNetworkInterfaces BPFProgram NFTSet ",
     "what a service may reach is for the firewall to say"},
    {Table::cgroup, Weight::lost, " DevicePolicy DeviceAllow ", "`private-devices` is what there is for devices"},
    // [Socket]
    {Table::listen, Weight::lost, " ListenNetlink ListenSpecial ListenMessageQueue ListenUSBFunction ",
     "a socket is a stream, datagrams, packets or a named pipe"},
    {Table::listen, Weight::lost,
     " KeepAlive KeepAliveTimeSec KeepAliveIntervalSec KeepAliveProbes NoDelay Priority DeferAcceptSec ReceiveBuffer "
     "SendBuffer "
     "IPTOS IPTTL Mark SmackLabel SmackLabelIPIn SmackLabelIPOut SELinuxContextFromNet PipeSize "
     "MessageQueueMaxMessages "
     "MessageQueueMessageSize FreeBind Transparent Broadcast PassCredentials PassPIDFD PassSecurity PassPacketInfo "
     "TCPCongestion Timestamping BindToDevice SocketProtocol Writable AcceptFileDescriptors PassFileDescriptorsToExec ",
     "the socket is left as the kernel makes it"},
    {Table::listen, Weight::lost, " Symlinks ", "no link is made to a socket"},
    {Table::listen, Weight::lost, " MaxConnectionsPerSource ", "`max-connections` counts all of them"},
    {Table::listen, Weight::lost,
     " TriggerLimitIntervalSec TriggerLimitBurst PollLimitIntervalSec PollLimitBurst FlushPending DeferTrigger "
     "DeferTriggerMaxSec ",
     "`restart-limit` bounds how often a service that fails is started"},
    {Table::listen, Weight::lost, " ExecStartPre ExecStartPost ExecStopPre ExecStopPost TimeoutSec ",
     "nothing runs for a socket but its service"},
    // [Timer], [Path]
    {Table::timer, Weight::lost, " OnClockChange OnTimezoneChange ", "a timer knows times alone"},
    {Table::timer, Weight::lost, " WakeSystem ", "the machine is not woken up"},
    {Table::timer, Weight::lost, " FixedRandomDelay RandomizedOffsetSec DeferReactivation ",
     "`jitter` is thrown anew each time"},
    {Table::service, Weight::lost,
     " PathExists PathExistsGlob PathChanged PathModified DirectoryNotEmpty MakeDirectory DirectoryMode ",
     "there are no units that watch paths"},
};

Table table_of(const Part& part, const Assignment& of) {
    if (of.section == "Unit")
        return of.key.starts_with("Condition") || of.key.starts_with("Assert") ? Table::condition : Table::top;
    if (of.section == "Install")
        return Table::top;
    return part.kind == Part::Kind::socket  ? Table::listen
           : part.kind == Part::Kind::timer ? Table::timer
                                            : Table::service;
}

// Whether a row's directives can stand where `of` stands.
bool belongs(const Reason& reason, const Part& part, const Assignment& of) {
    if (reason.table == Table::top || of.section == "Unit" || of.section == "Install")
        return reason.table == Table::top && of.section == "Unit";
    if (reason.table == Table::listen || part.kind == Part::Kind::socket)
        return part.kind == Part::Kind::socket && reason.table == Table::listen;
    if (reason.table == Table::timer)
        return part.kind == Part::Kind::timer;
    return true;
}

void report(Draft& draft, const Part& part, const Assignment& of) {
    const std::string word = " " + of.key + " ";
    if (of.value.empty())
        return; // the default
    if (of.section == "Unit" && (of.key.starts_with("Condition") || of.key.starts_with("Assert")))
        return draft.say(of, Table::condition, Weight::lost, "there is no condition of that kind");
    for (const Reason& reason : reasons)
        if (belongs(reason, part, of) && reason.keys.find(word) != reason.keys.npos) {
            const bool stays = reason.keys.starts_with(" IgnoreSIGPIPE") && (of.value == "no" || of.value == "false");
            return draft.say(of, reason.table, stays ? Weight::note : reason.weight, reason.why);
        }
    if (part.kind == Part::Kind::socket && of.section == "Socket")
        return draft.say(of, Table::listen, Weight::lost, "nothing runs for a socket but its service");
    draft.say(of, table_of(part, of), Weight::lost, "this directive is not known in [" + of.section + "]");
}

} // namespace

void report_rest(Draft& draft) {
    for (const Part& part : draft.parts) {
        for (const Assignment& each : part.text.assignments)
            if (!each.used)
                report(draft, part, each);
        for (const BadLine& bad : part.text.bad)
            draft.say(bad.file, bad.line, Weight::lost,
                      std::string(bad.why) + (bad.text.empty() ? "" : ": " + bad.text.substr(0, 100)));
    }
}

} // namespace mi::convert
