// Every directive of systemd that there is a word for: the line it becomes, or the remark that tells why it becomes none.
#include "convert/directives.hpp"
#include "convert/scene.hpp"
#include "convert/values.hpp"

#include <set>
#include <sstream>

using namespace mi::convert;

namespace {

struct Case {
    const char* directive; // "Key=Value"
    const char*
        becomes; // a line of TOML, or note, near, lost (and a remark of that weight); empty: what is the default
};

// Of [Service].
constexpr Case service_rows[] = {
    {"Type=exec", ""},
    {"Type=notify", "type = \"notify\""},
    {"Type=notify-reload", "type = \"notify\""},
    {"Type=oneshot", "type = \"oneshot\""},
    {"Type=idle", "note"},
    {"Type=dbus", "near"},
    {"Type=fancy", "lost"},
    {"BusName=org.example.Web", "near"},
    {"Type=forking\nPIDFile=/run/web.pid", "pid-file = \"/run/web.pid\""},
    {"Type=forking\nPIDFile=web.pid", "pid-file = \"/run/web.pid\""},
    {"Type=forking", "type = \"forking\""},
    {"PIDFile=/run/web.pid", "note"},
    {"GuessMainPID=no", "note"},
    {"Type=notify\nNotifyAccess=all", "notify-access = \"all\""},
    {"Type=notify\nNotifyAccess=main", ""},
    {"Type=notify\nNotifyAccess=exec", "notify-access = \"exec\""},
    {"NotifyAccess=main", "near"},
    {"Type=notify-reload\nReloadSignal=SIGUSR1", "reload-signal = \"SIGUSR1\""},
    {"ReloadSignal=SIGUSR1", "lost"},
    {"Restart=no", "restart = \"no\""},
    {"Restart=always", "restart = \"always\""},
    {"Restart=on-failure", "restart = \"on-failure\""},
    {"Restart=on-abnormal", "restart = \"on-abnormal\""},
    {"Restart=on-abort", "near"},
    {"Restart=on-watchdog", "near"},
    {"Restart=on-success", "near"},
    {"Restart=perhaps", "lost"},
    {"Type=oneshot\nRestart=always", "near"},
    {"Restart=always\nRestartSec=500ms", "restart-delay = \"500ms\""},
    {"Restart=always\nRestartSec=5", "restart-limit = 0"}, // five starts in ten seconds cannot be
    {"Restart=always\nRestartSec=1min 30s", "restart-delay = \"1min30s\""},
    {"RestartSec=5", "note"},
    {"Restart=always\nStartLimitInterval=60\nStartLimitBurst=3", "restart-limit = 2"},
    {"Restart=always\nStartLimitInterval=60\nStartLimitBurst=3", "restart-delay-max = \"20s\""},
    {"Restart=always\nStartLimitBurst=0", "restart-limit = 0"},
    {"Restart=always\nStartLimitAction=reboot", "restart-limit-action = \"reboot\""},
    {"Restart=always\nStartLimitAction=poweroff-force", "near"},
    {"Restart=always\nRestartSteps=5\nRestartMaxDelaySec=1min", "restart-delay-max = \"1min\""},
    {"Restart=always\nRestartPreventExitStatus=2 SIGKILL CONFIG", "restart-prevent-exit = [2, \"SIGKILL\", 78]"},
    {"RestartForceExitStatus=2", "restart-force-exit = [2]"},
    {"RestartForceExitStatus=FANTASY", "lost"},
    {"Type=oneshot\nRestartForceExitStatus=2", "note"},
    {"RestartPreventExitStatus=2", "note"},
    {"SuccessExitStatus=3 TEMPFAIL SIGUSR1",
     "success-exit = [0, 3, 75, \"SIGUSR1\", \"SIGHUP\", \"SIGINT\", \"SIGTERM\", \"SIGPIPE\"]"},
    {"SuccessExitStatus=FANTASY", "lost"},
    {"TimeoutStartSec=infinity", "start-timeout = \"0\""},
    {"TimeoutStartSec=20", "start-timeout = \"20s\""},
    {"TimeoutStopSec=2min", "stop-timeout = \"2min\""},
    {"TimeoutSec=5", "start-timeout = \"5s\""},
    {"TimeoutSec=never", "lost"},
    {"TimeoutAbortSec=5", "near"},
    {"TimeoutStartFailureMode=abort", "lost"},
    {"TimeoutStopFailureMode=terminate", ""},
    {"RuntimeMaxSec=1h", "lost"},
    {"RuntimeMaxSec=infinity", ""},
    {"WatchdogSec=30", "watchdog = \"30s\""},
    {"Type=oneshot\nWatchdogSec=30", "lost"},
    {"WatchdogSignal=SIGTERM", "lost"},
    {"KillMode=control-group", ""},
    {"KillMode=mixed", "kill-mode = \"mixed\""},
    {"KillMode=process", "kill-mode = \"process\""},
    {"KillMode=none", "near"},
    {"KillSignal=SIGINT", "stop-signal = \"SIGINT\""},
    {"KillSignal=37", "stop-signal = \"SIGRTMIN+3\""},
    {"KillSignal=SIGWHAT", "lost"},
    {"RestartKillSignal=SIGINT", "lost"},
    {"FinalKillSignal=SIGQUIT", "lost"},
    {"SendSIGHUP=yes", "lost"},
    {"SendSIGHUP=no", ""},
    {"SendSIGKILL=no", "near"},
    {"SendSIGKILL=yes", ""},
    {"RemainAfterExit=yes", "near"},
    {"Type=oneshot\nRemainAfterExit=yes", "type = \"oneshot\""},
    {"Type=forking\nRemainAfterExit=yes", "type = \"oneshot\""},
    {"FailureAction=reboot", "lost"},
    {"ExecReload=/bin/kill -HUP $MAINPID", "reload-signal = \"SIGHUP\""},
    {"ExecReload=/bin/kill -s USR2 ${MAINPID}", "reload-signal = \"SIGUSR2\""},
    {"ExecReload=/usr/bin/webctl reload", "reload-command = [\"/usr/bin/webctl\", \"reload\"]"},
    {"ExecReload=/usr/bin/webctl check\nExecReload=/bin/kill -HUP $MAINPID",
     "reload-command = [\"/bin/sh\", \"-fc\", \"/usr/bin/webctl check && exec /bin/kill -HUP $MAINPID\"]"},
    {"Type=oneshot\nExecReload=/usr/bin/webctl reload", "reload-command = [\"/usr/bin/webctl\", \"reload\"]"},
    {"Type=oneshot\nExecReload=/bin/kill -HUP $MAINPID", "lost"},
    {"ExecStartPre=/bin/a b", "pre-start = [[\"/bin/a\", \"b\"]]"},
    {"ExecStartPre=-/bin/a b", "pre-start = [[\"/bin/sh\", \"-c\", \"/bin/a b || :\"]]"},
    {"ExecStartPre=+/bin/a", "pre-start = [[\"/bin/a\"]]"}, // nothing is taken from it
    {"User=web\nExecStartPre=+/bin/a", "pre-start = [[\"+/bin/a\"]]"},
    {"User=web\nExecStartPre=!/bin/a", "pre-start = [[\"+/bin/a\"]]"},
    {"User=web\nProtectSystem=full\nExecStartPre=!/bin/a", "lost"}, // root, and confined
    {"User=web\nPermissionsStartOnly=yes\nExecStartPre=/bin/a", "pre-start = [[\"+/bin/a\"]]"},
    {"ExecStartPost=/bin/a", "post-start = [[\"/bin/a\"]]"},
    {"ExecStop=/bin/a", "stop-command = [[\"/bin/a\"]]"},
    {"ExecStop=-/bin/a", "stop-command = [[\"/bin/a\"]]"},
    {"ExecStop=/bin/kill -QUIT $MAINPID", "stop-command = [[\"/bin/sh\", \"-fc\", \"exec /bin/kill -QUIT $MAINPID\"]]"},
    {"Type=oneshot\nExecStop=/bin/a", "near"},
    {"ExecStopPost=/bin/a", "post-stop = [[\"/bin/a\"]]"},
    {"ExecStopPost=/bin/a $EXIT_CODE", "near"},
    {"ExecCondition=/bin/a", "near"},
    {"RootDirectoryStartOnly=yes", "lost"},
    {"NonBlocking=yes", "non-blocking = true"},
    {"FileDescriptorStoreMax=5", "lost"},
    {"OOMPolicy=stop", "near"},
    {"OOMPolicy=continue", "note"},
    {"OOMPolicy=continue\nMemoryMax=1G", "lost"},
    {"OOMPolicy=kill", "lost"},
    {"OOMPolicy=kill\nMemoryMax=1G", "memory-max = 1073741824"},
    {"ExitType=cgroup", "lost"},
    {"SysVStartPriority=3", "note"},
    {"Nonsense=1", "lost"},

    {"User=www-data", "user = \"www-data\""},
    {"User=two words", "lost"},
    {"Group=www-data", "group = \"www-data\""},
    {"SupplementaryGroups=tty audio", "supplementary-groups = [\"tty\", \"audio\"]"},
    {"DynamicUser=yes", "dynamic-user = true"},
    {"DynamicUser=yes\nUser=other", "user = \"other\""},
    {"Environment=A=1 \"B=two words\" 'C=%%'", "environment = { A = \"1\", B = \"two words\", C = \"%\" }"},
    {"Environment=A=1\nEnvironment=\nEnvironment=B=2", "environment = { B = \"2\" }"},
    {"Environment=1A=1", "lost"},
    {"EnvironmentFile=-/etc/default/web", "environment-files = [\"-/etc/default/web\"]"},
    {"EnvironmentFile=/etc/web.d/*.conf", "lost"},
    {"PassEnvironment=A B", "pass-environment = [\"A\", \"B\"]"},
    {"UnsetEnvironment=A", "unset-environment = [\"A\"]"},
    {"Environment=A=1\nUnsetEnvironment=A=1", "lost"},
    {"EnvironmentFile=/etc/default/web", "environment-syntax = \"systemd\""},
    {"ExecSearchPath=/opt/bin:/usr/bin\nExecSearchPath=/bin", "environment = { PATH = \"/opt/bin:/usr/bin:/bin\" }"},
    {"Environment=PATH=/bin\nExecSearchPath=/opt/bin", "near"},
    {"ExecSearchPath=bin", "lost"},
    {"WorkingDirectory=/srv", "working-directory = \"/srv\""},
    {"WorkingDirectory=-/srv", "near"},
    {"WorkingDirectory=~", "working-directory = \"~\""},
    {"RootDirectory=/srv/root", "root-directory = \"/srv/root\""},
    {"UMask=0077", "umask = \"0077\""},
    {"UMask=9", "lost"},
    {"Nice=-5", "nice = -5"},
    {"Nice=50", "lost"},
    {"OOMScoreAdjust=-900", "oom-score-adjust = -900"},
    {"LimitNOFILE=65536\nLimitCORE=infinity", "limits = { core = \"unlimited\", nofile = 65536 }"},
    {"LimitNOFILE=1024:infinity\nLimitMEMLOCK=64M", "limits = { memlock = 67108864, nofile = [1024, \"unlimited\"] }"},
    {"LimitCPU=1min\nLimitNICE=+5\nLimitRTTIME=1s", "limits = { cpu = 60, nice = 15, rttime = 1000000 }"},
    {"LimitAS=1G\nLimitDATA=1\nLimitFSIZE=1\nLimitLOCKS=1\nLimitMSGQUEUE=1\nLimitNPROC=1\nLimitRSS=1\nLimitRTPRIO=1\n"
     "LimitSIGPENDING=1\nLimitSTACK=8M",
     "limits = { as = 1073741824, data = 1, fsize = 1, locks = 1, msgqueue = 1, nproc = 1, rss = 1, rtprio = 1, "
     "sigpending = 1, stack = 8388608 }"},
    {"LimitNOFILE=many", "lost"},
    {"CPUAffinity=0-3 5,7", "cpu-affinity = [\"0-3\", 5, 7]"},
    {"CPUAffinity=numa", "lost"},
    {"CPUSchedulingPolicy=rr\nCPUSchedulingPriority=10", "scheduling = \"rr:10\""},
    {"CPUSchedulingPolicy=batch", "scheduling = \"batch\""},
    {"CPUSchedulingPriority=10", "note"},
    {"CPUSchedulingResetOnFork=yes", "lost"},
    {"IOSchedulingClass=idle", "io-priority = \"idle\""},
    {"IOSchedulingClass=2\nIOSchedulingPriority=7", "io-priority = \"best-effort:7\""},
    {"IOSchedulingClass=realtime", "io-priority = \"realtime:4\""},
    {"StandardInput=null", ""},
    {"StandardInput=tty\nTTYPath=/dev/tty9", "tty = \"/dev/tty9\""},
    {"StandardInput=tty\nTTYPath=/dev/tty9", "stdout = \"inherit\""},
    {"StandardInput=file:/etc/motd", "stdin = \"file:/etc/motd\""},
    {"StandardInput=socket", "lost"},
    {"StandardInputText=hello", "lost"},
    {"StandardOutput=null", "stdout = \"null\""},
    {"StandardOutput=null", "stderr = \"null\""}, // which inherits it
    {"StandardOutput=journal\nStandardError=journal", ""},
    {"StandardOutput=inherit", "stdout = \"null\""},
    {"StandardOutput=journal+console", "near"},
    {"StandardOutput=tty", "stdout = \"console\""},
    {"StandardOutput=append:/var/log/web", "stdout = \"file:/var/log/web\""},
    {"StandardOutput=truncate:/var/log/web", "near"},
    {"StandardError=null", "stderr = \"null\""},
    {"StandardOutput=fd:x", "lost"},
    {"TTYReset=yes", "note"},
    {"TTYVHangup=yes", "note"},
    {"SyslogIdentifier=web", "note"},
    {"SyslogLevel=debug", "lost"},
    {"LogRateLimitIntervalSec=30\nLogRateLimitBurst=3000", "rate-limit = \"3000/30s\""},
    {"LogRateLimitIntervalSec=0", "rate-limit = 0"},
    {"LogLevelMax=info", "lost"},
    {"IgnoreSIGPIPE=yes", "ignore-sigpipe = true"}, // that is the default
    {"IgnoreSIGPIPE=maybe", "lost"},
    {"PAMName=login", "lost"},
    {"UtmpIdentifier=x", "lost"},
    {"LoadCredential=db.key:/etc/secret", "credentials = { \"db.key\" = \"/etc/secret\" }"},
    {"LoadCredential=a", "credentials = { \"a\" = \"a\" }"},
    {"LoadCredential=a", "near"},
    {"LoadCredential=a/b:/c", "lost"},
    {"LoadCredentialEncrypted=a:/b", "lost"},
    {"SetCredential=a:b", "lost"},
    {"ImportCredential=a*", "lost"},

    {"NoNewPrivileges=yes", "no-new-privileges = true"},
    {"NoNewPrivileges=no", ""},
    {"NoNewPrivileges=maybe", "lost"},
    {"PrivateTmp=yes", "private-tmp = true"},
    {"PrivateDevices=true", "private-devices = true"},
    {"PrivateNetwork=on", "private-network = true"},
    {"PrivateMounts=yes", "private-mounts = true"},
    {"MountAPIVFS=yes", "note"},
    {"RootDirectory=/srv\nMountAPIVFS=yes", "lost"},
    {"ProtectProc=invisible", "protect-proc = \"invisible\""},
    {"ProtectProc=fantasy", "lost"},
    {"ProcSubset=pid", "proc-subset = \"pid\""},
    {"DevicePolicy=closed", "private-devices = true"},
    {"DevicePolicy=closed", "near"},
    {"PrivateDevices=yes\nDevicePolicy=closed", "note"},
    {"DeviceAllow=/dev/net/tun rw", "bind-paths = [\"-/dev/net/tun\"]"},
    {"DevicePolicy=closed\nDeviceAllow=char-rtc rw", "lost"},
    {"PrivateUsers=yes", "lost"},
    {"ProtectSystem=yes", "protect-system = \"yes\""},
    {"ProtectSystem=strict\nReadWritePaths=/var/lib/web -/srv", "read-write-paths = [\"/var/lib/web\", \"-/srv\"]"},
    {"ReadWritePaths=/var/lib/web", "note"}, // it can anyway
    {"ProtectHome=yes", "inaccessible-paths = [\"-/home\", \"-/root\", \"-/run/user\"]"},
    {"ProtectHome=read-only", "read-only-paths = [\"-/home\", \"-/root\", \"-/run/user\"]"},
    {"ProtectHome=tmpfs", "near"},
    {"ProtectControlGroups=yes", "read-only-paths = [\"-/sys/fs/cgroup\"]"},
    {"ProtectKernelModules=yes", "capabilities = [\"!CAP_SYS_MODULE\"]"},
    {"User=web\nProtectKernelModules=yes", "bounding-capabilities = [\"!CAP_SYS_MODULE\"]"},
    {"User=web\nProtectKernelModules=yes", "inaccessible-paths = [\"-/lib/modules\", \"-/usr/lib/modules\"]"},
    {"ProtectKernelLogs=yes", "capabilities = [\"!CAP_SYSLOG\"]"},
    {"ProtectClock=yes", "capabilities = [\"!CAP_SYS_TIME\", \"!CAP_WAKE_ALARM\"]"},
    {"ProtectProc=default\nProcSubset=all\nRestrictRealtime=no\nDevicePolicy=auto\nExitType=main", ""},
    {"ProtectHostname=yes", "protect-hostname = true"},
    {"ReadOnlyPaths=/etc -/opt", "read-only-paths = [\"/etc\", \"-/opt\"]"},
    {"InaccessiblePaths=/boot", "inaccessible-paths = [\"/boot\"]"},
    {"BindPaths=/a:/b -/c", "bind-paths = [\"/a:/b\", \"-/c\"]"},
    {"BindPaths=/a:/b:norbind", "near"},
    {"BindPaths=a", "lost"},
    {"BindReadOnlyPaths=/dev/log:/srv/log", "bind-read-only-paths = [\"/dev/log:/srv/log\"]"},
    {"TemporaryFileSystem=/var", "lost"},
    {"CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SETUID",
     "capabilities = [\"CAP_SETUID\", \"CAP_NET_BIND_SERVICE\"]"},
    {"CapabilityBoundingSet=", "capabilities = []"},
    {"User=web\nAmbientCapabilities=CAP_NET_BIND_SERVICE", "capabilities = [\"CAP_NET_BIND_SERVICE\"]"},
    {"User=web\nCapabilityBoundingSet=CAP_KILL", "bounding-capabilities = [\"CAP_KILL\"]"},
    {"User=web\nAmbientCapabilities=CAP_KILL", "bounding-capabilities = [\"*\"]"}, // sudo(8) works in it
    {"User=web\nAmbientCapabilities=CAP_KILL\nCapabilityBoundingSet=CAP_CHOWN CAP_KILL",
     "bounding-capabilities = [\"CAP_CHOWN\", \"CAP_KILL\"]"},
    {"User=web\nSystemCallFilter=@system-service", "near"}, // no-new-privileges
    {"RuntimeDirectory=./a///b/", "runtime-directory = [\"a/b\"]"},
    {"RuntimeDirectory=a/../b", "lost"},
    {"TimeoutStopSec=.7", "stop-timeout = \"700ms\""},
    {"TimeoutStopSec=3.1 sec .2 sec", "stop-timeout = \"3s300ms\""},
    {"MemoryMax=3.5G 4B", "memory-max = 3758096388"},
    {"MemoryMax=4B 3G", "lost"},
    {"Type=oneshot\nExecStart=/bin/a ; ; /bin/b", "pre-start = [[\"/bin/a\"]]"},
    {"ExecStart=/bin/a \\073 b", "command = [\"/bin/a\", \";\", \"b\"]"},
    {"CapabilityBoundingSet=CAP_FLY", "lost"},
    {"SecureBits=keep-caps", "lost"},
    {"SystemCallFilter=@system-service\nSystemCallFilter=~@mount reboot",
     "system-call-filter = [\"@system-service\", \"!@mount\", \"!reboot\"]"},
    {"SystemCallFilter=@fantasy", "near"},
    {"SystemCallFilter=~@clock\nSystemCallErrorNumber=EPERM", "system-call-error = \"EPERM\""},
    {"SystemCallErrorNumber=EPERM", "note"},
    {"SystemCallArchitectures=native", "native-system-calls = true"},
    {"SystemCallArchitectures=native x86", "lost"},
    {"SystemCallFilter=@system-service\nSystemCallArchitectures=native", "note"},
    {"RestrictAddressFamilies=AF_UNIX AF_INET", "restrict-address-families = [\"AF_UNIX\", \"AF_INET\"]"},
    {"RestrictAddressFamilies=AF_UNIX AF_INET\nRestrictAddressFamilies=~AF_INET",
     "restrict-address-families = [\"AF_UNIX\"]"},
    {"RestrictAddressFamilies=~AF_PACKET AF_ALG", "restrict-address-families = [\"!AF_PACKET\", \"!AF_ALG\"]"},
    {"RestrictAddressFamilies=AF_UNIX\nRestrictAddressFamilies=", ""},
    {"RestrictAddressFamilies=none", "restrict-address-families = [\"none\"]"},
    {"RestrictAddressFamilies=AF_FANTASY", "lost"},
    {"RestrictNamespaces=yes", "restrict-namespaces = [\"all\"]"},
    {"RestrictNamespaces=no", ""},
    {"RestrictNamespaces=mnt ipc pid", "restrict-namespaces = [\"cgroup\", \"net\", \"user\", \"uts\"]"},
    {"RestrictNamespaces=~user", "restrict-namespaces = [\"user\"]"},
    {"RestrictNamespaces=~user\nRestrictNamespaces=user", ""},
    {"RestrictNamespaces=fantasy", "lost"},
    {"LockPersonality=yes", "lock-personality = true"},
    {"MemoryDenyWriteExecute=yes", "memory-deny-write-execute = true"},
    {"RestrictRealtime=yes", "restrict-realtime = true"},
    {"RestrictSUIDSGID=yes", "restrict-suid-sgid = true"},
    {"RestrictRealtime=yes\nSystemCallArchitectures=native", "note"},
    {"User=web\nLockPersonality=yes", "near"}, // no-new-privileges
    {"RuntimeDirectory=web web/cache", "runtime-directory = [\"web\", \"web/cache\"]"},
    {"StateDirectory=web", "state-directory = [\"web\"]"},
    {"LogsDirectory=web", "logs-directory = [\"web\"]"},
    {"RuntimeDirectory=../web", "lost"},
    {"CacheDirectory=web", "cache-directory = [\"web\"]"},
    {"CacheDirectory=web\nCacheDirectoryMode=0700", "pre-start = [[\"+/bin/chmod\", \"0700\", \"/var/cache/web\"]]"},
    {"ConfigurationDirectory=web", "configuration-directory = [\"web\"]"},
    {"ConfigurationDirectory=web\nConfigurationDirectoryMode=0750", "near"},
    {"RuntimeDirectory=web\nRuntimeDirectoryMode=0755", "runtime-directory = [\"web\"]"},
    {"RuntimeDirectory=web\nRuntimeDirectoryMode=0700", "pre-start = [[\"+/bin/chmod\", \"0700\", \"/run/web\"]]"},
    {"User=web\nExecStart=!/bin/web\nStateDirectory=web",
     "pre-start = [[\"+/usr/bin/install\", \"-d\", \"-m\", \"0755\", \"-o\", \"web\", \"/var/lib/web\"]]"},
    {"User=web\nExecStart=!/bin/web", "near"},
    {"Type=forking\nExecStop=/bin/a", "stop-command = [[\"/bin/a\"]]"},
    {"RuntimeDirectory=web\nRuntimeDirectoryPreserve=yes", "keep-runtime-directory = true"},
    {"RuntimeDirectory=web\nRuntimeDirectoryPreserve=restart", "note"},
    {"RuntimeDirectory=web\nRuntimeDirectoryPreserve=no", "runtime-directory = [\"web\"]"},

    {"MemoryMax=512M", "memory-max = 536870912"},
    {"MemoryLimit=1G", "memory-max = 1073741824"},
    {"MemoryMax=infinity", "memory-max = \"unlimited\""},
    {"MemoryMax=50%", "lost"},
    {"MemoryHigh=1G", "memory-high = 1073741824"},
    {"MemorySwapMax=0", "memory-swap-max = 0"},
    {"MemoryLow=1G", "lost"},
    {"TasksMax=100", "pids-max = 100"},
    {"TasksMax=99%", "near"},
    {"TasksMax=99%", "pids-max = \"unlimited\""},
    {"TasksMax=30%", "lost"},
    {"TasksMax=infinity", "pids-max = \"unlimited\""},
    {"CPUQuota=150%", "cpu-max = \"150%\""},
    {"CPUWeight=50", "cpu-weight = 50"},
    {"CPUShares=512", "cpu-weight = 50"},
    {"IOWeight=50", "io-weight = 50"},
    {"BlockIOWeight=500", "io-weight = 100"},
    {"CPUWeight=20\nCPUShares=512", "cpu-weight = 20"}, // the older one is passed over
    {"CPUWeight=idle", "lost"},
    {"Delegate=yes", "delegate = true"},
    {"Delegate=cpu", "near"},
    {"Slice=machine.slice", "lost"},
    {"CPUAccounting=yes", "note"},
    {"AllowedCPUs=0", "lost"},
    {"IPAddressDeny=any", "lost"},
};

// Of [Unit].
constexpr Case unit_rows[] = {
    {"Description=Shop %p", "description = \"Shop web\""},
    {"Documentation=man:web(8) https://example.org", "documentation = [\"man:web(8)\", \"https://example.org\"]"},
    {"Requires=db.service", "requires = [\"db\"]"},
    {"BindsTo=db.service", "requires = [\"db\"]"},
    {"Requisite=db.service", "near"},
    {"Wants=db.service cache.service", "wants = [\"db\", \"cache\"]"},
    {"Wants=db.service\nWants=\nWants=cache.service", "wants = [\"cache\"]"},
    {"Upholds=db.service", "near"},
    {"Requires=db.service\nAfter=db.service\nWants=db.service", "after = [\"basic\"]"}, // said by the stronger one
    {"PartOf=db.service", "part-of = [\"db\"]"},
    {"ReloadPropagatedFrom=db.service", "reload-with = [\"db\"]"},
    {"After=network.target", "after = [\"network\", \"basic\"]"},
    {"After=network-online.target\nWants=network-online.target", "wants = [\"network-online\"]"},
    {"After=systemd-user-sessions.service", "after = [\"logins\", \"basic\"]"},
    {"After=syslog.target", "note"},
    {"After=local-fs.target", "after = [\"mounts\", \"basic\"]"},
    {"After=remote-fs.target", "after = [\"network-mounts\", \"basic\"]"},
    {"After=time-sync.target", "after = [\"clock\", \"basic\"]"},
    {"After=nss-lookup.target", "after = [\"network\", \"basic\"]"},
    {"Wants=nss-lookup.target\nBefore=nss-lookup.target", "note"},
    {"After=systemd-udevd.service", "after = [\"udev\", \"basic\"]"},
    {"After=systemd-journald.socket", "note"},
    {"After=dbus.socket\nRequires=dbus.socket", "requires = [\"dbus\"]"},
    {"After=multi-user.target", "near"}, // which waits for it
    {"After=dev-sda1.device", "near"},
    {"BindsTo=dev-sda1.device\nAfter=dev-sda1.device", "device = [\"/dev/sda1\"]"},
    {"BindsTo=dev-sda1.device", "on-loss = \"stop\""},
    {"Requires=sys-subsystem-net-devices-eth0.device", "device = [\"/sys/class/net/eth0\"]"},
    {"Wants=dev-sda1.device", "lost"},
    {"After=srv.mount", "after = [\"mounts\", \"basic\"]"},
    {"RequiresMountsFor=/srv", "after = [\"mounts\", \"basic\"]"},
    {"After=user.slice", "note"},
    {"After=watch.path", "note"},
    {"Before=db.service", "before = [\"db\"]"},
    {"Before=network-pre.target\nWants=network-pre.target", "before = [\"network\"]"},
    {"Before=db.service\nRequires=db.service", "lost"},
    {"Before=shutdown.target\nConflicts=shutdown.target", "note"},
    {"Conflicts=apache2.service", "conflicts = [\"apache2\"]"},
    {"OnFailure=mail@%n.service", "on-failure = [\"mail@web.service\"]"},
    {"OnSuccess=next.service", "on-success = [\"next\"]"},
    {"DefaultDependencies=no", "wanted-by = [\"multi-user\"]"},
    {"ConditionPathExists=/etc/web.conf", "path-exists = \"/etc/web.conf\""},
    {"ConditionPathExists=!/etc/web.off", "path-missing = \"/etc/web.off\""},
    {"ConditionPathExists=|/a\nConditionPathExists=|/b", "lost"},
    {"ConditionPathExists=|/a", "path-exists = \"/a\""},
    {"ConditionPathExistsGlob=/etc/*.conf", "path-matches = \"/etc/*.conf\""},
    {"AssertPathExistsGlob=!/etc/swift/account[0-9].conf", "path-matches = \"!/etc/swift/account[0-9].conf\""},
    {"ConditionPathExistsGlob=/etc/web", "path-exists = \"/etc/web\""},
    {"ConditionPathIsDirectory=/etc/web", "path-exists = \"/etc/web/.\""},
    {"ConditionPathIsReadWrite=/", "near"},
    {"ConditionPathIsMountPoint=/srv", "near"},
    {"ConditionPathIsSymbolicLink=/srv", "near"},
    {"ConditionDirectoryNotEmpty=/etc/web.d", "directory-not-empty = \"/etc/web.d\""},
    {"ConditionFileNotEmpty=/etc/web", "near"},
    {"ConditionFileIsExecutable=/bin/web", "near"},
    {"ConditionKernelCommandLine=web.debug", "kernel-command-line = \"web.debug\""},
    {"ConditionKernelCommandLine=!quiet", "kernel-command-line = \"!quiet\""},
    {"ConditionCapability=CAP_SYS_ADMIN", "capability = \"CAP_SYS_ADMIN\""},
    {"ConditionCapability=CAP_FLY", "lost"},
    {"ConditionVirtualization=!container", "container = false"},
    {"ConditionVirtualization=container", "container = true"},
    {"ConditionVirtualization=kvm", "lost"},
    {"ConditionFirstBoot=yes", "first-boot = true"},
    {"ConditionACPower=true", "ac-power = true"},
    {"ConditionACPower=!true", "ac-power = false"},
    {"AssertPathExists=/etc/web.conf", "near"},
    {"ConditionSecurity=selinux", "lost"},
    {"ConditionArchitecture=x86-64", "lost"},
    {"ConditionMemory=>1G", "lost"},
    {"ConditionUser=root", "lost"},
    {"AssertSecurity=selinux", "lost"},
    {"JobTimeoutSec=5", "lost"},
    {"RefuseManualStart=yes", "refuse-manual-start = true"},
    {"RefuseManualStop=yes", "refuse-manual-stop = true"},
    {"StopWhenUnneeded=yes", "note"},
    {"CollectMode=inactive", "note"},
    {"SurviveFinalKillSignal=yes", "switch-root = \"keep\""},
    {"SurviveFinalKillSignal=no", ""},
    {"PropagatesReloadTo=db.service", "lost"},
    {"JoinsNamespaceOf=db.service", "lost"},
    {"AllowIsolate=yes", "lost"},
    {"SuccessAction=poweroff\nFailureAction=poweroff", "exit-action = \"poweroff\""},
    {"Wants=a%Hb.service", "lost"},
    {"Wants=foo@.service", "lost"},
};

// What was made without a row's lines, to see what they change.
bool as_it_says(const Unit& unit, const std::string& becomes, const Unit& plain) {
    const bool weight = becomes == "note" || becomes == "near" || becomes == "lost";
    if (becomes.empty())
        return unit.toml == plain.toml && unit.remarks.empty();
    if (!weight)
        return has(unit, becomes);
    return remarks(unit).find(becomes + " ") != std::string::npos;
}

// A comment says which files it was made from, and what is lost.
std::string without_comments(const std::string& toml) {
    std::string lines;
    for (std::size_t at = 0; at < toml.size();) {
        std::size_t end = std::min(toml.find('\n', at), toml.size() - 1) + 1;
        if (toml[at] != '#')
            lines += toml.substr(at, end - at);
        at = end;
    }
    return lines;
}

} // namespace

TEST_CASE("every directive of [Service] becomes what it should, or is named") {
    const Unit plain = Scene::service("");
    for (const Case& row : service_rows) {
        const std::string lines = row.directive;
        Unit unit = Scene::service(lines);
        CAPTURE(row.directive);
        CAPTURE(unit.toml);
        CAPTURE(unit.fault);
        const std::string type = lines.starts_with("Type=notify\n") ? "Type=notify\n" : "";
        CHECK(as_it_says(unit, row.becomes, type.empty() ? plain : Scene::service(type)));
        if (std::string(row.becomes) == "lost")
            CHECK(unit.toml.find("# web.service:") != std::string::npos);
    }
}

TEST_CASE("every directive of [Unit] becomes what it should, or is named") {
    const Unit plain = Scene::service("");
    for (const Case& row : unit_rows) {
        Unit unit = Scene::service("", row.directive);
        CAPTURE(row.directive);
        CAPTURE(unit.toml);
        CHECK(as_it_says(unit, row.becomes, plain));
    }
}

TEST_CASE("no directive goes without a trace: it changes the unit, or there is a remark about it") {
    const std::string plain = without_comments(Scene::service("").toml);
    constexpr std::string_view no_more_than_the_default =
        "\nType=exec\nTimeoutStopFailureMode=terminate\nRuntimeMaxSec=infinity\nKillMode=control-group\nSendSIGHUP="
        "no\nSendSIGKILL=yes\n"
        "IgnoreSIGPIPE=yes\nNoNewPrivileges=no\nStandardInput=null\nReadWritePaths=/var/lib/web\nRestart=no\n"
        "RestrictNamespaces=no\n";
    for (const Case& row : service_rows) {
        if (std::string_view(row.directive).find('\n') != std::string_view::npos ||
            no_more_than_the_default.find("\n" + std::string(row.directive) + "\n") != std::string_view::npos)
            continue;
        Unit unit = Scene::service(row.directive);
        CAPTURE(row.directive);
        CHECK((without_comments(unit.toml) != plain || !unit.remarks.empty()));
    }
}

TEST_CASE("every directive that has a case here has a row in the table, and every row that makes a key has a case") {
    for (const auto& [section, cases] :
         {std::pair<std::string, std::span<const Case>>{"Unit", unit_rows}, {"Service", service_rows}}) {
        std::set<std::string, std::less<>> tried;
        for (const Case& each : cases) {
            std::istringstream lines(each.directive);
            for (std::string line; std::getline(lines, line);)
                tried.insert(line.substr(0, line.find('=')));
        }
        for (const std::string& name : tried) {
            const bool unknown = name == "Nonsense" || name == "ConditionSecurity" || name == "ConditionArchitecture" ||
                                 name == "ConditionMemory" || name == "ConditionUser" || name == "AssertSecurity";
            CHECK_MESSAGE((unknown || row_of(section, name) != nullptr), name << " of [" << section << "] has no row");
        }
        for (const Row& row : rows_of(section))
            CHECK_MESSAGE((row.key.empty() || tried.contains(blank_separated(row.directives).front())),
                          row.directives << " of [" << section << "] has no case");
    }
}
