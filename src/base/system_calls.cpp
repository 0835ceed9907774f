#include "base/system_calls.hpp"

#include "base/call_variants.hpp"
#include "base/text.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <array>

namespace mi {

namespace {

// The last group, without a name, has the calls that are in no other group.
constexpr CallGroup groups[] = {
    {"default", "arch_prctl brk clock_getres clock_gettime clock_nanosleep execve exit exit_group futex futex_requeue "
                "futex_wait futex_waitv futex_wake get_robust_list get_thread_area getegid geteuid getgid getgroups "
                "getpgid getpgrp getpid getppid getrandom getresgid getresuid getrlimit getsid gettid gettimeofday "
                "getuid membarrier mmap mprotect munmap nanosleep pause prlimit64 restart_syscall riscv_flush_icache "
                "riscv_hwprobe rseq rt_sigreturn sched_getaffinity sched_yield set_robust_list set_thread_area "
                "set_tid_address time"},
    {"basic-io",
     "close close_range copy_file_range dup dup2 dup3 lseek pread64 preadv preadv2 pwrite64 pwritev pwritev2 "
     "read readv sendfile splice tee vmsplice write writev"},
    {"file-system",
     "access chdir chmod close creat faccessat faccessat2 fallocate fchdir fchmod fchmodat fchmodat2 fcntl fgetxattr "
     "flistxattr flock fremovexattr fsetxattr fstat fstatfs ftruncate futimesat getcwd getdents getdents64 getxattr "
     "getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch lgetxattr link linkat listmount "
     "listxattr listxattrat llistxattr lremovexattr lsetxattr lstat mkdir mkdirat mknod mknodat newfstatat open openat "
     "openat2 readlink readlinkat removexattr removexattrat rename renameat renameat2 rmdir setxattr setxattrat stat "
     "statfs statmount statx symlink symlinkat truncate umask unlink unlinkat utime utimensat utimes"},
    {"io-event", "epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 poll ppoll "
                 "pselect6 select"},
    {"ipc", "memfd_create mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv "
            "msgsnd pipe pipe2 process_madvise process_vm_readv process_vm_writev semctl semget semop semtimedop shmat "
            "shmctl shmdt shmget"},
    {"network-io", "accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg "
                   "sendmmsg sendmsg sendto setsockopt shutdown socket socketpair"},
    {"process", "capget clone clone3 execveat fork getrusage kill pidfd_open pidfd_send_signal prctl rt_sigqueueinfo "
                "rt_tgsigqueueinfo setns setpgid setsid tgkill times tkill unshare vfork wait4 waitid"},
    {"signal",
     "rt_sigaction rt_sigpending rt_sigprocmask rt_sigsuspend rt_sigtimedwait sigaltstack signalfd signalfd4"},
    {"timer", "alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_settime "
              "timerfd_create timerfd_gettime timerfd_settime times"},
    {"sync", "fdatasync fsync msync sync sync_file_range syncfs"},
    {"aio", "io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit io_uring_enter io_uring_register "
            "io_uring_setup"},
    {"keyring", "add_key keyctl request_key"},
    {"memlock", "mlock mlock2 mlockall munlock munlockall"},
    {"resources", "ioprio_set mbind migrate_pages move_pages sched_setaffinity sched_setattr sched_setparam "
                  "sched_setscheduler set_mempolicy set_mempolicy_home_node setpriority setrlimit"},
    {"chown", "chown fchown fchownat lchown"},
    {"setuid", "setfsgid setfsuid setgid setgroups setregid setresgid setresuid setreuid setuid"},
    {"pkey", "pkey_alloc pkey_free pkey_mprotect"},
    {"sandbox", "landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp"},
    {"system-service",
     "@default @basic-io @file-system @io-event @ipc @network-io @process @signal @timer @sync @aio @keyring @memlock "
     "@resources @chown @setuid @pkey @sandbox cachestat capset fadvise64 get_mempolicy getcpu getpriority ioctl "
     "ioprio_get kcmp madvise mincore mremap mseal name_to_handle_at personality process_mrelease readahead "
     "remap_file_pages sched_get_priority_max sched_get_priority_min sched_getattr sched_getparam sched_getscheduler "
     "sched_rr_get_interval sysinfo uname userfaultfd"},
    {"clock", "adjtimex clock_adjtime clock_settime settimeofday"},
    {"cpu-emulation", "modify_ldt"},
    {"debug", "lookup_dcookie perf_event_open pidfd_getfd ptrace"},
    {"module", "delete_module finit_module init_module"},
    {"mount", "chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root umount2"},
    {"obsolete", "_sysctl afs_syscall create_module epoll_ctl_old epoll_wait_old get_kernel_syms getpmsg nfsservctl "
                 "putpmsg query_module security sysfs tuxcall uselib ustat vserver"},
    {"raw-io", "ioperm iopl"},
    {"reboot", "kexec_file_load kexec_load reboot"},
    {"swap", "swapoff swapon"},
    {"privileged",
     "@chown @clock @module @raw-io @reboot @setuid @swap _sysctl acct bpf capset chroot fanotify_init fanotify_mark "
     "nfsservctl open_by_handle_at pivot_root quotactl quotactl_fd setdomainname sethostname vhangup"},
    {"", "lsm_get_self_attr lsm_list_modules lsm_set_self_attr map_shadow_stack memfd_secret syslog uretprobe"},
};
constexpr std::span<const CallGroup> named(groups, std::size(groups) - 1);

// The calls that are needed after the filter is in force: to execute the program, to end any program, and to return
// from a signal handler.
constexpr std::string_view indispensable[] = {"execve",     "execveat",        "exit",
                                              "exit_group", "restart_syscall", "rt_sigreturn"};

bool is_negated(std::string_view word) { return word.starts_with('!') || word.starts_with('~'); }

// Adds the calls that `word` names to `calls`, unsorted and possibly repeated.
void expand(std::string_view word, std::vector<std::string_view>& calls) {
    if (!word.starts_with('@')) {
        calls.push_back(word);
        return;
    }
    for (const CallGroup& group : named)
        if (group.name == word.substr(1))
            for (std::string_view member : split(group.members, ' '))
                expand(member, calls);
}

constexpr void tidy(std::vector<std::string_view>& calls) {
    std::ranges::sort(calls);
    auto [first, last] = std::ranges::unique(calls);
    calls.erase(first, last);
}

// Every call of every group, sorted.
constexpr std::vector<std::string_view> collect() {
    std::vector<std::string_view> calls;
    for (const CallGroup& group : groups) {
        for (std::string_view rest = group.members; !rest.empty();) {
            std::string_view member = rest.substr(0, rest.find(' '));
            rest.remove_prefix(std::min(member.size() + 1, rest.size()));
            if (!member.starts_with('@'))
                calls.push_back(member);
        }
    }
    tidy(calls);
    return calls;
}

struct Numbered {
    std::string_view name;
    int number;
};

// The calls of the headers that we are compiled with.
constexpr Numbered from_headers[] = {
#include "call_numbers.inc"
};

// Calls that may be missing in old headers. From 424 on a call has the same number on all our architectures.
constexpr Numbered younger[] = {
    {"cachestat", 451},         {"fchmodat2", 452},         {"map_shadow_stack", 453}, {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},     {"statmount", 457},        {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},        {"listxattrat", 465},      {"removexattrat", 466},
#ifdef __x86_64__
    {"uretprobe", 335},
#endif
};

constexpr int number_of(std::string_view name) {
    for (const Numbered& call : from_headers)
        if (call.name == name)
            return call.number;
    for (const Numbered& call : younger)
        if (call.name == name)
            return call.number;
    return -1;
}

// In the order of collect(): the binary does not contain the names of the headers.
constexpr auto numbers = [] {
    std::array<std::int16_t, collect().size()> found{};
    std::ranges::transform(collect(), found.begin(),
                           [](std::string_view name) { return static_cast<std::int16_t>(number_of(name)); });
    return found;
}();

} // namespace

std::span<const CallGroup> call_groups() { return named; }

const std::vector<std::string_view>& known_calls() {
    static const std::vector<std::string_view> known = collect();
    return known;
}

int call_number(std::string_view name) {
    auto found = std::ranges::lower_bound(known_calls(), name);
    return found != known_calls().end() && *found == name
               ? numbers[static_cast<std::size_t>(found - known_calls().begin())]
               : -1;
}

std::vector<int> call_numbers(std::string_view name) {
    std::vector<int> found;
    if (int number = call_number(name); number >= 0)
        found.push_back(number);
    for (const CallVariant& variant : call_variants)
        if (variant.of == name)
            found.push_back(variant.number);
    return found;
}

bool names_calls(std::string_view word) {
    if (!word.starts_with('@'))
        return std::ranges::binary_search(known_calls(), word);
    return std::ranges::any_of(named, [&](const CallGroup& group) { return group.name == word.substr(1); });
}

bool is_indispensable(std::string_view name) {
    return std::ranges::find(indispensable, name) != std::end(indispensable);
}

CallFilter call_filter(std::span<const std::string> words) {
    CallFilter filter;
    filter.allows = words.empty() || !is_negated(words.front());
    if (filter.allows)
        expand("@default", filter.calls);
    for (std::string_view word : words) {
        bool negated = is_negated(word);
        word.remove_prefix(negated ? 1 : 0);
        if (negated != filter.allows) {
            expand(word, filter.calls);
            continue;
        }
        std::vector<std::string_view> without;
        expand(word, without);
        std::erase_if(filter.calls, [&](std::string_view call) {
            return std::ranges::find(without, call) != without.end() && !(filter.allows && is_indispensable(call));
        });
    }
    if (!filter.allows)
        std::erase_if(filter.calls, is_indispensable);
    tidy(filter.calls);
    return filter;
}

} // namespace mi
