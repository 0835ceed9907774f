// What crash_test.cpp runs: a program that does as its first argument says and, executed anew, tells what it has found,
// a line `WORD VALUE` for each thing.
#include "fault_injection/faults.hpp"
#include "os/crash/crash.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace mi;

namespace {

constexpr int kept = 40; // the descriptor that must outlive it all

void tell_descriptor(int descriptor) {
    const int flags = ::fcntl(descriptor, F_GETFD);
    std::printf("descriptor %s\n", flags < 0 ? "closed" : (flags & FD_CLOEXEC) != 0 ? "close-on-exec" : "open");
}

int tell(os::CrashGuard& guard) {
    const os::CrashPage& page = guard.page();
    sigset_t set;
    ::sigprocmask(SIG_BLOCK, nullptr, &set);
    bool blocked = false;
    for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT})
        blocked = blocked || ::sigismember(&set, signal) != 0;
    std::printf("faults %s\n", blocked ? "blocked" : "free");
    ::sigpending(&set);
    std::printf("pending %s\n", ::sigismember(&set, SIGUSR1) != 0 ? "yes" : "no");
    char state[6] = "";
    if (::pread(guard.state(), state, 5, os::CrashPage::size) < 0)
        std::perror("state");
    char name[16] = "";
    ::prctl(PR_GET_NAME, name);
    char here[1024] = "";
    if (::getcwd(here, sizeof here) == nullptr)
        std::perror("getcwd");
    std::printf(
        "state %s\nname %s\nhere %s\nsignal %d\ncode %d\naddress %lx\ntext %s\nsent %u\nsender %d %s\ncallers %u\n"
        "crashes %u\nreexecs %u\ndeliberate %u\ntrust %u\n",
        state, name, here, page.signal, page.code, static_cast<unsigned long>(page.address), page.text, page.sent,
        page.sender, page.sender_name, page.traced, page.crashes, page.reexecs, page.deliberate,
        static_cast<unsigned>(page.trust));
    tell_descriptor(kept);
    return 0;
}

// A child that sends us SIGSEGV, once more after each `pause`.
pid_t start_sender(int times, useconds_t pause) {
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child != 0)
        return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (; times > 0; --times) {
        ::kill(parent, SIGSEGV);
        ::usleep(pause);
    }
    ::pause();
    ::_exit(0);
}

void fill_descriptors() {
    const rlimit few{64, 64};
    ::setrlimit(RLIMIT_NOFILE, &few);
    while (::dup(0) >= 0) {
    }
}

} // namespace

int main(int argc, char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool anew = std::string_view(argv[1]) == "--resume";
    const std::string_view kind = argv[anew ? 3 : 1];
    auto guard = os::CrashGuard::arm(Fd(anew ? std::atoi(argv[2]) : -1), {argv, static_cast<std::size_t>(argc)});
    if (!guard) {
        std::printf("fault %s\n", guard.error().text().c_str());
        return 1;
    }
    if (anew) {
        if (kind == "for-ever" && guard->page().trust != os::Trust::bare)
            fault_injection::commit_fault("segv");
        return tell(*guard);
    }
    ::dup3(1, kept, O_CLOEXEC);
    if (::pwrite(guard->state(), "hello", 5, os::CrashPage::size) != 5)
        return 1;
    sigset_t user;
    ::sigemptyset(&user);
    ::sigaddset(&user, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &user, nullptr);
    ::raise(SIGUSR1);

    if (kind == "for-ever") {
        fault_injection::commit_fault("segv");
    } else if (kind == "child") {
        const pid_t child = ::vfork(); // NOLINT(bugprone-unsafe-functions)
        if (child == 0)
            fault_injection::commit_fault("ill");
        int status = 0;
        ::waitpid(child, &status, 0);
        std::printf("child %d\n", WEXITSTATUS(status));
        return tell(*guard);
    } else if (kind == "twice") {
        ::munmap(&guard->page(), os::CrashPage::size); // the handler faults, too
        fault_injection::commit_fault("segv");
    } else if (kind == "full") {
        fill_descriptors();
        fault_injection::commit_fault("abort");
    } else if (kind == "removed") {
        ::unlink(argv[2]);
        fault_injection::commit_fault("abort");
    } else if (kind == "sent") {
        start_sender(1, 0);
        pollfd wake{guard->wake(), POLLIN, 0};
        while (::poll(&wake, 1, -1) < 0) {
        }
        if (guard->asked() != nullptr)
            guard->crash_now();
    } else if (kind == "ignored") {
        start_sender(2, 1'100'000);
        for (;;)
            ::pause();
    } else if (kind == "on-purpose") {
        (void)guard->run_again();
    } else if (kind == "no-program") {
        const int nothing = ::open("/etc/passwd", O_PATH | O_CLOEXEC);
        std::printf("fault %s\n", guard->run_again(nothing).text().c_str());
        return tell(*guard);
    } else {
        fault_injection::commit_fault(kind);
    }
    return 1;
}
