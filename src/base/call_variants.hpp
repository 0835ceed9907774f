// Other names of the system calls in system_calls.hpp on 32-bit machines. Many calls exist twice there: with wider
// numbers for users, files and times, or with fewer arguments. A name in a filter means all variants of the call,
// because the C library decides which variant it uses.
#pragma once

#include <sys/syscall.h>

#include <string_view>

namespace mi {

struct CallVariant {
    std::string_view of;
    int number;
};

constexpr CallVariant call_variants[] = {
#if defined(__arm__)
    // ARM's private calls, which are not in its system call table: a C library calls set_tls before anything else.
    {"set_thread_area", 0x0f0005}, // set_tls
    {"mprotect", 0x0f0002},        // cacheflush
    {"chown", __NR_chown32},
    {"clock_adjtime", __NR_clock_adjtime64},
    {"clock_getres", __NR_clock_getres_time64},
    {"clock_gettime", __NR_clock_gettime64},
    {"clock_nanosleep", __NR_clock_nanosleep_time64},
    {"clock_settime", __NR_clock_settime64},
    {"fadvise64", __NR_arm_fadvise64_64},
    {"fchown", __NR_fchown32},
    {"fcntl", __NR_fcntl64},
    {"fstat", __NR_fstat64},
    {"fstatfs", __NR_fstatfs64},
    {"ftruncate", __NR_ftruncate64},
    {"futex", __NR_futex_time64},
    {"getegid", __NR_getegid32},
    {"geteuid", __NR_geteuid32},
    {"getgid", __NR_getgid32},
    {"getgroups", __NR_getgroups32},
    {"getresgid", __NR_getresgid32},
    {"getresuid", __NR_getresuid32},
    {"getrlimit", __NR_ugetrlimit},
    {"getuid", __NR_getuid32},
    {"io_pgetevents", __NR_io_pgetevents_time64},
    {"lchown", __NR_lchown32},
    {"lseek", __NR__llseek},
    {"lstat", __NR_lstat64},
    {"mmap", __NR_mmap2},
    {"mq_timedreceive", __NR_mq_timedreceive_time64},
    {"mq_timedsend", __NR_mq_timedsend_time64},
    {"newfstatat", __NR_fstatat64},
    {"ppoll", __NR_ppoll_time64},
    {"pselect6", __NR_pselect6_time64},
    {"recvfrom", __NR_recv},
    {"recvmmsg", __NR_recvmmsg_time64},
    {"rt_sigaction", __NR_sigaction},
    {"rt_sigpending", __NR_sigpending},
    {"rt_sigprocmask", __NR_sigprocmask},
    {"rt_sigreturn", __NR_sigreturn},
    {"rt_sigsuspend", __NR_sigsuspend},
    {"rt_sigtimedwait", __NR_rt_sigtimedwait_time64},
    {"sched_rr_get_interval", __NR_sched_rr_get_interval_time64},
    {"select", __NR__newselect},
    {"semtimedop", __NR_semtimedop_time64},
    {"sendfile", __NR_sendfile64},
    {"sendto", __NR_send},
    {"setfsgid", __NR_setfsgid32},
    {"setfsuid", __NR_setfsuid32},
    {"setgid", __NR_setgid32},
    {"setgroups", __NR_setgroups32},
    {"setpriority", __NR_nice},
    {"setregid", __NR_setregid32},
    {"setresgid", __NR_setresgid32},
    {"setresuid", __NR_setresuid32},
    {"setreuid", __NR_setreuid32},
    {"setuid", __NR_setuid32},
    {"stat", __NR_stat64},
    {"statfs", __NR_statfs64},
    {"sync_file_range", __NR_arm_sync_file_range},
    {"timer_gettime", __NR_timer_gettime64},
    {"timer_settime", __NR_timer_settime64},
    {"timerfd_gettime", __NR_timerfd_gettime64},
    {"timerfd_settime", __NR_timerfd_settime64},
    {"truncate", __NR_truncate64},
    {"utimensat", __NR_utimensat_time64},
#else
    {"", -1},
#endif
};

} // namespace mi
