// The names of capabilities and system calls, and what lists of the latter come to.
#include "base/capabilities.hpp"
#include "base/system_calls.hpp"

#include <linux/capability.h>
#include <doctest/doctest.h>

#include <algorithm>

using namespace mi;

namespace {

bool holds(const CallFilter& filter, std::string_view call) { return std::ranges::binary_search(filter.calls, call); }

// A filter with the words that its names are part of.
struct Listed : CallFilter {
    explicit Listed(std::vector<std::string> given) : words(std::move(given)) {
        static_cast<CallFilter&>(*this) = call_filter(words);
    }
    std::vector<std::string> words;
};

} // namespace

TEST_CASE("capabilities have the kernel's numbers, however they are spelt") {
    CHECK(capability_number("CAP_CHOWN") == CAP_CHOWN);
    CHECK(capability_number("net_bind_service") == CAP_NET_BIND_SERVICE);
    CHECK(capability_number("cap_sys_admin") == CAP_SYS_ADMIN);
    CHECK(capability_number("CAP_CHECKPOINT_RESTORE") == CAP_LAST_CAP);
    CHECK_FALSE(capability_number("CAP_FLY"));
    CHECK_FALSE(capability_number(""));
    CHECK(capability_names().size() == CAP_LAST_CAP + 1);
}

TEST_CASE("every group has members that are there, and no group is empty") {
    for (const CallGroup& group : call_groups()) {
        CAPTURE(group.name);
        Listed filter({"@" + std::string(group.name)});
        CHECK(filter.allows);
        CHECK_FALSE(filter.calls.empty());
        for (std::string_view call : filter.calls) {
            CAPTURE(call);
            CHECK(names_calls(call));
            CHECK_FALSE(call.starts_with('@'));
        }
    }
    CHECK(names_calls("@system-service"));
    CHECK_FALSE(names_calls("@systemservice"));
    CHECK_FALSE(names_calls("@"));
    CHECK_FALSE(names_calls(""));
}

TEST_CASE("a list of what is allowed holds that and what every program needs, nothing else") {
    Listed filter({"@basic-io", "mount"});
    CHECK(filter.allows);
    for (std::string_view call : {"read", "writev", "mount", "execve", "exit_group", "brk"})
        CHECK(holds(filter, call));
    for (std::string_view call : {"open", "socket", "umount2"})
        CHECK_FALSE(holds(filter, call));
    CHECK(std::ranges::is_sorted(filter.calls));
}

TEST_CASE("words of the other kind take away from the list") {
    Listed allowed({"@system-service", "!@network-io", "~ptrace", "socketpair"});
    CHECK(allowed.allows);
    CHECK(holds(allowed, "read"));
    CHECK_FALSE(holds(allowed, "connect"));
    CHECK(holds(allowed, "socketpair"));
    Listed denied({"!@mount", "~reboot", "mount"});
    CHECK_FALSE(denied.allows);
    CHECK(denied.calls == std::vector<std::string_view>{"chroot", "fsconfig", "fsmount", "fsopen", "fspick",
                                                        "mount_setattr", "move_mount", "open_tree", "pivot_root",
                                                        "reboot", "umount2"});
}

TEST_CASE("no list takes away what a program cannot be started or ended without") {
    Listed allowed({"@default", "!@default"});
    Listed denied({"!@default"});
    for (std::string_view call : {"execve", "exit", "exit_group", "rt_sigreturn", "restart_syscall"}) {
        CAPTURE(call);
        CHECK(holds(allowed, call));
        CHECK_FALSE(holds(denied, call));
        CHECK(is_indispensable(call));
    }
    CHECK_FALSE(holds(allowed, "brk"));
    CHECK(holds(denied, "brk"));
}

TEST_CASE("the services of a system get none of what only its administration needs") {
    Listed filter({"@system-service"});
    for (std::string_view call :
         {"mount", "reboot", "init_module", "swapon", "settimeofday", "ptrace", "bpf", "iopl"}) {
        CAPTURE(call);
        CHECK_FALSE(holds(filter, call));
    }
}
