#include "os/process/limits.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>

#include "scene.hpp"

using namespace mi;
using namespace mi::os;

TEST_CASE("a limit that a call of ours meets is an error of that call and nothing else") {
    CHECK(aside([] {
        outlive_limits();
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_FSIZE, &none);
        const Fd file(::memfd_create("limited", MFD_CLOEXEC));
        return ::ftruncate(file.get(), 4096) < 0 && errno == EFBIG;
    }));
}

TEST_CASE("what the kernel sends for our own calls is told from what anybody sends") {
    CHECK(is_own_doing(SIGXCPU, SI_KERNEL, 0));
    CHECK(is_own_doing(SIGXFSZ, SI_USER, ::getpid()));
    CHECK_FALSE(is_own_doing(SIGXFSZ, SI_USER, 0)); // from another PID namespace
    CHECK_FALSE(is_own_doing(SIGXFSZ, SI_USER, ::getppid()));
    CHECK_FALSE(is_own_doing(SIGPIPE, SI_QUEUE, ::getpid()));
    CHECK_FALSE(is_own_doing(SIGTSTP, SI_KERNEL, 0)); // typed at a terminal
}

TEST_CASE("soft limits in our way are raised, and what was there is kept for children") {
    CHECK(aside([] {
        rlimit files{}, sizes{};
        ::getrlimit(RLIMIT_NOFILE, &files);
        ::getrlimit(RLIMIT_FSIZE, &sizes);
        const rlimit few{16, files.rlim_max}, small{4096, sizes.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
        ::setrlimit(RLIMIT_FSIZE, &small);
        const std::vector<Limit> before = raise_own_limits();
        auto kept = [&](int resource, rlim_t soft, rlim_t hard) {
            return std::ranges::any_of(before, [&](const Limit& one) {
                return one.resource == resource && one.soft == soft && one.hard == hard;
            });
        };
        rlimit files_now{}, sizes_now{};
        ::getrlimit(RLIMIT_NOFILE, &files_now);
        ::getrlimit(RLIMIT_FSIZE, &sizes_now);
        return kept(RLIMIT_NOFILE, 16, files.rlim_max) && kept(RLIMIT_FSIZE, 4096, sizes.rlim_max) &&
               files_now.rlim_cur == files.rlim_max && sizes_now.rlim_cur == sizes.rlim_max;
    }));
}

TEST_CASE("too little of something is said with its name, what it is and what is needed") {
    CHECK(aside([] {
        const rlimit none{4096, 4096};
        ::setrlimit(RLIMIT_FSIZE, &none);
        const std::vector<std::string> said = too_small_limits();
        return said.size() == 1 &&
               said.front().find("(RLIMIT_FSIZE) is 4 KiB, and 8 MiB are needed") != std::string::npos;
    }));
    CHECK(too_small_limits().empty());
}

TEST_CASE("more open files than the kernel counts to are as many as it counts to") {
    rlim_t most = 1u << 20;
    if (std::ifstream file("/proc/sys/fs/nr_open"); file)
        file >> most;
    const Limit all = reachable({RLIMIT_NOFILE, RLIM_INFINITY, RLIM_INFINITY});
    CHECK(all.soft == most);
    CHECK(all.hard == most);
    CHECK(all.at_most);
    const Limit soft = reachable({RLIMIT_NOFILE, 1024, most + 1});
    CHECK(soft.soft == 1024);
    CHECK(soft.hard == most);
    CHECK(soft.at_most);
    const Limit exact = reachable({RLIMIT_NOFILE, 1024, 4096});
    CHECK(exact.hard == 4096);
    CHECK_FALSE(exact.at_most);
    // Of the others the kernel knows "unlimited".
    CHECK(reachable({RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY}).hard == RLIM_INFINITY);
    CHECK(reachable({RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY}).at_most);
}

TEST_CASE("a limit is named as it is written in a unit") {
    CHECK(words_of({RLIMIT_NOFILE, 65536, 65536}) == "nofile = 65536");
    CHECK(words_of({RLIMIT_CORE, 0, RLIM_INFINITY}) == "core = [0, \"unlimited\"]");
    CHECK(words_of({RLIMIT_STACK, RLIM_INFINITY, RLIM_INFINITY}) == "stack = \"unlimited\"");
    CHECK(words_of({77, 1, 1}) == "resource 77 = 1");
}
