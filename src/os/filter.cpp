// From names of system calls to the program that the kernel runs at each call: libseccomp's business, but for the list.
#include "os/confine.hpp"

#include "base/fd.hpp"

#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mi::os {
namespace {

struct Release {
    void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

Result<> add(const Filter& filter, std::uint32_t action, std::string_view name) {
    std::string call(name);
    int number = ::seccomp_syscall_resolve_name(call.c_str());
    if (number < 0) // this architecture has none of that name, or it is newer than the library
        return {};
    if (int code = ::seccomp_rule_add(filter.get(), action, number, 0); code != 0)
        return fault(-code, "filter system call", std::move(call));
    return {};
}

// 2.5 of the library writes to descriptors only.
Result<std::vector<sock_filter>> program_of(const Filter& filter) {
    Fd memory(::memfd_create("filter", MFD_CLOEXEC));
    if (!memory)
        return fault(errno, "make memory file", "filter");
    if (int code = ::seccomp_export_bpf(filter.get(), memory.get()); code != 0)
        return fault(-code, "compile", "system call filter");
    off_t size = ::lseek(memory.get(), 0, SEEK_END);
    if (size <= 0 || size % static_cast<off_t>(sizeof(sock_filter)) != 0)
        return fault(EBADMSG, "compile", "system call filter");
    std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
    if (::pread(memory.get(), program.data(), static_cast<std::size_t>(size), 0) != size)
        return fault(errno, "read", "system call filter");
    return program;
}

} // namespace

Result<std::shared_ptr<const SystemCallFilter>> make_filter(const CallFilter& wanted, int error) {
    std::uint32_t denied =
        error != 0 ? SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)) : std::uint32_t{SCMP_ACT_KILL_PROCESS};
    std::uint32_t otherwise = wanted.allows ? SCMP_ACT_ERRNO(ENOSYS) : std::uint32_t{SCMP_ACT_ALLOW};
    Filter filter(::seccomp_init(otherwise));
    if (!filter)
        return fault(EINVAL, "begin", "system call filter");
    // A balanced tree in place of a list: eight comparisons a call in place of hundreds. Older libraries have none.
    (void)::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (int code = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, denied); code != 0)
        return fault(-code, "set up", "system call filter");
    for (std::string_view call : wanted.allows ? known_calls() : wanted.calls) {
        bool allowed = wanted.allows && std::ranges::binary_search(wanted.calls, call);
        std::uint32_t action = allowed ? std::uint32_t{SCMP_ACT_ALLOW} : denied;
        if (action == otherwise) // the library refuses a rule that changes nothing
            continue;
        if (auto added = add(filter, action, call); !added)
            return std::unexpected(added.error());
    }
    auto program = program_of(filter);
    if (!program)
        return std::unexpected(program.error());
    return std::make_shared<const SystemCallFilter>(std::move(*program));
}

} // namespace mi::os
