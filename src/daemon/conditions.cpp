#include "daemon/conditions.hpp"

#include "base/text.hpp"
#include "os/runtime.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace mi::daemon {

namespace {

using Kind = core::Condition::Kind;

bool exists(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0;
}

bool holds_something(const std::string& path) {
    std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    if (!directory)
        return false;
    while (const dirent* entry = ::readdir(directory.get()))
        if (std::string_view name = entry->d_name; name != "." && name != "..")
            return true;
    return false;
}

// `WORD`, or `KEY=VALUE` whole; a bare KEY also matches KEY=anything.
bool has_word(const std::vector<std::string>& words, const std::string& wanted) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        return word == wanted || (wanted.find('=') == std::string::npos && word.starts_with(wanted + "="));
    });
}

// capabilities(7), in the order of their numbers.
constexpr std::array<std::string_view, 41> capability_names{"chown",
                                                            "dac_override",
                                                            "dac_read_search",
                                                            "fowner",
                                                            "fsetid",
                                                            "kill",
                                                            "setgid",
                                                            "setuid",
                                                            "setpcap",
                                                            "linux_immutable",
                                                            "net_bind_service",
                                                            "net_broadcast",
                                                            "net_admin",
                                                            "net_raw",
                                                            "ipc_lock",
                                                            "ipc_owner",
                                                            "sys_module",
                                                            "sys_rawio",
                                                            "sys_chroot",
                                                            "sys_ptrace",
                                                            "sys_pacct",
                                                            "sys_admin",
                                                            "sys_boot",
                                                            "sys_nice",
                                                            "sys_resource",
                                                            "sys_time",
                                                            "sys_tty_config",
                                                            "mknod",
                                                            "lease",
                                                            "audit_write",
                                                            "audit_control",
                                                            "setfcap",
                                                            "mac_override",
                                                            "mac_admin",
                                                            "syslog",
                                                            "wake_alarm",
                                                            "block_suspend",
                                                            "audit_read",
                                                            "perfmon",
                                                            "bpf",
                                                            "checkpoint_restore"};

// Whether we have the capability in our bounding set, and so can give it to a service.
bool has_capability(std::string name) {
    for (char& letter : name)
        if (letter >= 'A' && letter <= 'Z')
            letter = static_cast<char>(letter - 'A' + 'a');
    if (name.starts_with("cap_"))
        name.erase(0, 4);
    auto at = std::find(capability_names.begin(), capability_names.end(), name);
    auto status = os::read_file("/proc/self/status");
    if (at == capability_names.end() || !status)
        return false;
    for (std::string_view line : split(*status, '\n'))
        if (line.starts_with("CapBnd:"))
            if (auto mask = to_number<std::uint64_t>(trim(line.substr(7)), 16))
                return (*mask >> (at - capability_names.begin()) & 1) != 0;
    return false;
}

std::string_view key(Kind kind) {
    switch (kind) {
    case Kind::path_exists: return "path-exists";
    case Kind::path_missing: return "path-missing";
    case Kind::directory_not_empty: return "directory-not-empty";
    case Kind::kernel_command_line: return "kernel-command-line";
    case Kind::container: return "container";
    case Kind::capability: return "capability";
    case Kind::first_boot: return "first-boot";
    }
    __builtin_unreachable();
}

bool holds(const core::Condition& condition, const Circumstances& circumstances) {
    switch (condition.kind) {
    case Kind::path_exists: return exists(condition.argument);
    case Kind::path_missing: return !exists(condition.argument);
    case Kind::directory_not_empty: return holds_something(condition.argument);
    case Kind::kernel_command_line: return has_word(circumstances.kernel_words, condition.argument);
    case Kind::container: return circumstances.container == (condition.argument == "true");
    case Kind::capability: return has_capability(condition.argument);
    case Kind::first_boot: return circumstances.first_boot == (condition.argument == "true");
    }
    __builtin_unreachable();
}

} // namespace

std::optional<std::string> unmet(const std::vector<core::Condition>& conditions, const Circumstances& circumstances) {
    for (const core::Condition& condition : conditions)
        if (holds(condition, circumstances) == condition.negated)
            return std::string(condition.negated ? "!" : "") + std::string(key(condition.kind)) + " = " +
                   condition.argument;
    return std::nullopt;
}

} // namespace mi::daemon
