#include "os/crash/crash_steps.hpp"

#include "base/clock.hpp"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>

// The address of the program in memory, from the linker.
extern "C" {
extern const unsigned char __ehdr_start[] __attribute__((visibility("hidden"))); // NOLINT(bugprone-reserved-identifier)
extern const unsigned char etext[];
}

namespace mi::os {

namespace {

constexpr std::size_t most_words = 8192; // the most words of the stack to look at
constexpr std::uintptr_t memory_page = 4096;

// Linux's struct linux_dirent64 (getdents64(2)), which no header declares.
struct Entry {
    std::uint64_t inode;
    std::int64_t next;
    unsigned short length;
    unsigned char type;
    char name[1];
};

void put(char*& at, const char* text) { at = std::copy(text, text + std::strlen(text), at); }

void put(char*& at, std::uint32_t number) {
    char digits[10];
    char* first = digits + sizeof digits;
    do
        *--first = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    at = std::copy(first, digits + sizeof digits, at);
}

// The difference between an address in memory and in the program file: 0 if the program was loaded where it was linked.
std::uintptr_t displacement() {
    ElfW(Ehdr) header;
    std::memcpy(&header, __ehdr_start, sizeof header);
    return header.e_type == ET_DYN ? reinterpret_cast<std::uintptr_t>(__ehdr_start) : 0;
}

bool is_text(std::uintptr_t address) {
    return address > reinterpret_cast<std::uintptr_t>(__ehdr_start) + 8 &&
           address <= reinterpret_cast<std::uintptr_t>(etext);
}

template <typename Number>
[[maybe_unused]] Number load(std::uintptr_t address) {
    Number number;
    std::memcpy(&number, reinterpret_cast<const void*>(address), sizeof number);
    return number;
}

// Whether the instruction before `address` is a call.
bool follows_call(std::uintptr_t address) {
    if (!is_text(address))
        return false;
#if defined(__x86_64__)
    const auto* after = reinterpret_cast<const unsigned char*>(address);
    if (after[-5] == 0xe8) {
        const std::intptr_t distance = load<std::int32_t>(address - 4);
        return is_text(address + static_cast<std::uintptr_t>(distance));
    }
    // A call through a register or memory, with or without a displacement.
    for (int length : {2, 3, 4, 6, 7})
        if (after[-length] == 0xff && (after[1 - length] & 0x38) == 0x10)
            return true;
    return false;
#elif defined(__aarch64__)
    const std::uint32_t bl_or_blr = load<std::uint32_t>(address - 4);
    return address % 4 == 0 && ((bl_or_blr & 0xfc000000U) == 0x94000000U || (bl_or_blr & 0xfffffc1fU) == 0xd63f0000U);
#elif defined(__arm__)
    if (address % 2 == 1) { // Thumb
        const std::uint16_t first = load<std::uint16_t>(address - 5), second = load<std::uint16_t>(address - 3);
        return ((first & 0xf800U) == 0xf000U && (second & 0xc000U) == 0xc000U) || (second & 0xff87U) == 0x4780U;
    }
    const std::uint32_t bl_or_blx = load<std::uint32_t>(address - 4);
    return address % 4 == 0 && ((bl_or_blx & 0x0f000000U) == 0x0b000000U || (bl_or_blx & 0xfe000000U) == 0xfa000000U ||
                                (bl_or_blx & 0x0ffffff0U) == 0x012fff30U);
#elif defined(__riscv)
    const std::uint32_t jal_or_jalr = load<std::uint32_t>(address - 4);
    const std::uint16_t short_jalr = load<std::uint16_t>(address - 2);
    return address % 2 == 0 && ((jal_or_jalr & 0xfffU) == 0x0efU || (jal_or_jalr & 0x7fffU) == 0x0e7U ||
                                ((short_jalr & 0xf07fU) == 0x9002U && short_jalr != 0x9002U));
#else
    return false;
#endif
}

// Whether memory is mapped at `address`. The kernel answers without a fault, and a sanitizer does not check this call.
bool is_mapped(CrashPlan& plan, std::uintptr_t address) {
    const iovec part{reinterpret_cast<void*>(address), sizeof plan.page->scratch};
    constexpr unsigned long offset = offsetof(CrashPage, scratch), upper_half = 0;
    return ::syscall(SYS_pwritev, plan.state, &part, 1UL, offset, upper_half) == sizeof plan.page->scratch;
}

void set_close_on_exec(int descriptor, bool on) { ::fcntl(descriptor, F_SETFD, on ? FD_CLOEXEC : 0); }

// Visits every possible descriptor number.
void each_number(bool on) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    const int most = static_cast<int>(std::min<rlim_t>(files.rlim_cur, 1 << 20));
    for (int descriptor = 3; descriptor < most; ++descriptor)
        set_close_on_exec(descriptor, on);
}

// Visits the descriptors in /proc/self/fd. False without /proc.
bool each_listed(bool on) {
    const int listing = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (listing < 0)
        return false;
    alignas(Entry) char room[2048];
    long got = 0;
    while ((got = ::syscall(SYS_getdents64, listing, room, sizeof room)) > 0)
        for (long at = 0; at < got;) {
            Entry entry;
            std::memcpy(&entry, room + at, sizeof entry);
            int descriptor = 0;
            const char* name = room + at + offsetof(Entry, name);
            for (; *name >= '0' && *name <= '9'; ++name)
                descriptor = descriptor * 10 + (*name - '0');
            if (descriptor > 2 && descriptor != listing)
                set_close_on_exec(descriptor, on);
            at += entry.length;
        }
    ::close(listing);
    return got == 0;
}

void pause_for(long nanoseconds) {
    const timespec span{0, nanoseconds};
    ::nanosleep(&span, nullptr);
}

} // namespace

unsigned recent_crashes(const CrashPage& page, Instant now) {
    constexpr std::int64_t minute = 60'000'000'000;
    unsigned recent = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(page.crashes, CrashPage::most_times); ++i)
        if (page.times[i] != 0 && page.times[i] > now.since_boot.count() - minute)
            ++recent;
    return recent;
}

bool was_sent(const siginfo_t& info, pid_t self) { return info.si_code <= 0 && info.si_pid != self; }

SentSignal sender_of(int signal, const siginfo_t& info) {
    SentSignal sent{signal, info.si_pid, info.si_uid, {}};
    if (sent.pid <= 0)
        return sent;
    // Read its name now: the sender may end soon.
    char path[32];
    char* at = path;
    put(at, "/proc/");
    put(at, static_cast<std::uint32_t>(sent.pid));
    put(at, "/comm");
    *at = 0;
    if (const int file = ::open(path, O_RDONLY | O_CLOEXEC); file >= 0) {
        if (const ssize_t length = ::read(file, sent.name, sizeof sent.name); length > 0)
            sent.name[length - 1] = 0;
        ::close(file);
    }
    return sent;
}

void note_sent(CrashPlan& plan, const SentSignal& sent) {
    CrashPage& page = *plan.page;
    page.signal = sent.signal;
    page.code = 0;
    page.sent = 1;
    page.sender = sent.pid;
    page.sender_user = sent.user;
    std::copy(std::begin(sent.name), std::end(sent.name), page.sender_name);
    page.address = page.pc = 0;
    page.traced = 0;
    page.text[0] = 0;
}

void note_fault(CrashPlan& plan, int signal, const siginfo_t& info) {
    CrashPage& page = *plan.page;
    page.signal = signal;
    page.code = info.si_code;
    page.sent = 0;
    page.address = info.si_code > 0 ? reinterpret_cast<std::uintptr_t>(info.si_addr) : 0;
    page.pc = 0;
    page.traced = 0;
    if (plan.reason == 0)
        page.text[0] = 0;
}

// Every word of the stack that looks like the return address of a call counts as one. So the callers in the C library,
// which is built without frame pointers, are found, too; some of the words may be left over from calls that have
// returned.
[[gnu::no_sanitize_address]] void note_place(CrashPlan& plan, [[maybe_unused]] const ucontext_t& context) {
    CrashPage& page = *plan.page;
    std::uintptr_t at = 0;
    std::uintptr_t link = 0; // the return address of the innermost call, on machines with a link register
    page.traced = 0;
    auto found = [&page](std::uintptr_t caller) { page.trace[page.traced++] = caller - displacement(); };
#if defined(__x86_64__)
    page.pc = static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RIP]);
    at = static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RSP]);
#elif defined(__aarch64__)
    page.pc = context.uc_mcontext.pc;
    at = context.uc_mcontext.sp;
    link = context.uc_mcontext.regs[30];
#elif defined(__arm__)
    page.pc = context.uc_mcontext.arm_pc;
    at = context.uc_mcontext.arm_sp;
    link = context.uc_mcontext.arm_lr;
#elif defined(__riscv)
    page.pc = context.uc_mcontext.__gregs[REG_PC];
    at = context.uc_mcontext.__gregs[REG_SP];
    link = context.uc_mcontext.__gregs[REG_RA];
#endif
    if (link != 0 && follows_call(link))
        found(link);
    if (is_text(page.pc))
        page.pc -= displacement();
    at = (at + sizeof at - 1) / sizeof at * sizeof at;
    for (std::size_t words = 0; words < most_words && at + sizeof at <= plan.stack_end; ++words, at += sizeof at) {
        if ((words == 0 || at % memory_page == 0) && !is_mapped(plan, at)) {
            // The stack has overflowed: look from its end upwards.
            at = at / memory_page * memory_page + memory_page - sizeof at;
            continue;
        }
        const std::uintptr_t word = *reinterpret_cast<const volatile std::uintptr_t*>(at);
        if (!follows_call(word))
            continue;
        found(word);
        if (page.traced == CrashPage::most_trace)
            break;
    }
}

void count_crash(CrashPlan& plan) {
    if (plan.counted != 0)
        return;
    plan.counted = 1;
    CrashPage& page = *plan.page;
    page.time = monotonic_now().since_boot.count();
    page.times[page.crashes++ % CrashPage::most_times] = page.time;
    page.deliberate = 0;
    if (page.trust != Trust::all)
        page.trust = Trust::bare;
    else if (recent_crashes(page, Instant{Span(page.time)}) > page.limit)
        page.trust = Trust::caretaker;
}

void keep_descriptors() {
    if (!each_listed(false))
        each_number(false);
}

void close_all_on_exec() {
    constexpr unsigned on_exec = 4; // CLOSE_RANGE_CLOEXEC, Linux 5.11
    if (::syscall(SYS_close_range, 3U, ~0U, on_exec) != 0 && !each_listed(true))
        each_number(true);
}

void try_execute(const CrashPlan& plan, int program) {
    const int own = program >= 0 ? program : plan.program;
    ::syscall(SYS_execveat, own, "", plan.arguments, environ, AT_EMPTY_PATH);
    if (program >= 0)
        return;
    const int error = errno;
    ::execve("/proc/self/exe", plan.arguments, environ);
    if (const auto* path = reinterpret_cast<const char*>(::getauxval(AT_EXECFN)))
        ::execve(path, plan.arguments, environ);
    errno = error;
}

void execute_again(CrashPlan& plan, int signal) {
    // A signal that arrives meanwhile waits for the guard of the new image.
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    ::close(plan.wake); // keep_descriptors() needs a free descriptor number
    keep_descriptors();
    for (long pause : {1L, 10L, 50L, 200L}) {
        try_execute(plan, -1);
        pause_for(pause * 1'000'000);
    }
    constexpr char line[] = "miniinit: has crashed, and cannot be executed again\n";
    if (::write(STDERR_FILENO, line, sizeof line - 1) < 0) {
    } // stderr is unusable: nothing else can be done
    if (plan.pid != 1) {
        struct sigaction plain{};
        plain.sa_handler = SIG_DFL;
        ::sigaction(signal, &plain, nullptr);
        ::sigprocmask(SIG_UNBLOCK, &all, nullptr);
        ::raise(signal);
        ::_exit(128 + signal);
    }
    // PID 1 must not exit, and the machine goes on without us. Try again from time to time: there may be enough memory
    // later.
    for (;;) {
        while (::wait4(-1, nullptr, WNOHANG | __WALL, nullptr) > 0) {
        }
        const timespec moment{5, 0};
        sigset_t children;
        ::sigemptyset(&children);
        ::sigaddset(&children, SIGCHLD);
        ::sigtimedwait(&children, nullptr, &moment);
        try_execute(plan, -1);
    }
}

} // namespace mi::os
