// Scans all processes once, for all services together.
#include "os/process/members.hpp"

#include "base/scarce.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"
#include "os/process/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <unordered_map>

namespace mi::os {
namespace {

constexpr int nobody = -1;
constexpr int unresolved = -2;

struct Candidate {
    ProcessStat stat;
    int service = unresolved;
};

using Owners = std::unordered_map<std::string, int>;

// The service whose INVOCATION_ID the process has in its environment. A process in state D is not asked: reading its
// environment takes a lock that it may hold.
int owner_by_environment(const ProcessStat& stat, const Owners& ids) {
    if (ids.empty() || stat.kernel_thread || stat.state == 'D')
        return nobody;
    Result<std::string> environment = read_file("/proc/" + std::to_string(stat.pid) + "/environ");
    if (!environment)
        return nobody;
    constexpr std::string_view key = "INVOCATION_ID=";
    for (std::size_t at = 0; (at = environment->find(key, at)) != std::string::npos; at += key.size()) {
        if (at != 0 && (*environment)[at - 1] != '\0')
            continue;
        std::size_t start = at + key.size();
        auto found = ids.find(environment->substr(start, environment->find('\0', start) - start));
        return found == ids.end() ? nobody : found->second;
    }
    return nobody;
}

std::vector<std::vector<pid_t>> living_leaders(std::span<const Membership> services) {
    std::vector<std::vector<pid_t>> members(services.size());
    for (std::size_t i = 0; i < services.size(); ++i)
        for (pid_t group : services[i].sessions)
            if (group > 1 && (::kill(-group, 0) == 0 || errno == EPERM))
                members[i].push_back(group);
    return members;
}

// The service of `pid`, found through its parents. Each process is walked over once, because the result is stored on
// the way.
int owner_by_parent(std::unordered_map<pid_t, Candidate>& all, pid_t pid, pid_t self) {
    std::vector<pid_t> way;
    int service = nobody;
    for (pid_t at = pid; at > 1 && at != self;) {
        auto found = all.find(at);
        if (found == all.end())
            break;
        if (found->second.service != unresolved) {
            service = found->second.service;
            break;
        }
        found->second.service = nobody; // also ends a cycle, which a changing /proc could show
        way.push_back(at);
        at = found->second.stat.parent;
    }
    for (pid_t at : way)
        all[at].service = service;
    return service;
}

} // namespace

Result<std::vector<std::vector<pid_t>>> find_members(std::span<const Membership> services) {
    const auto pids = process_ids();
    if (!pids && means_scarce(pids.error().code))
        return std::unexpected(pids.error());
    if (!pids)
        return living_leaders(services);
    std::unordered_map<pid_t, int> sessions;
    Owners ids;
    for (std::size_t i = 0; i < services.size(); ++i) {
        for (pid_t session : services[i].sessions)
            sessions.emplace(session, static_cast<int>(i));
        if (!services[i].invocation_id.empty())
            ids.emplace(services[i].invocation_id, static_cast<int>(i));
    }
    pid_t self = ::getpid();
    std::unordered_map<pid_t, Candidate> all;
    bool any = false;
    for (pid_t pid : *pids) {
        if (pid == self)
            continue;
        Result<ProcessStat> stat = process_stat(pid);
        if (!stat && means_scarce(stat.error().code))
            return std::unexpected(stat.error());
        if (!stat)
            continue; // it has ended meanwhile
        any = true;
        Candidate candidate{*std::move(stat)};
        // Session 0 is that of the kernel and of PID 1.
        auto by_session = sessions.find(candidate.stat.session);
        if (candidate.stat.session > 0 && by_session != sessions.end())
            candidate.service = by_session->second;
        else if (int owner = owner_by_environment(candidate.stat, ids); owner != nobody)
            candidate.service = owner;
        all.emplace(pid, std::move(candidate));
    }
    if (!any && !process_stat(self))
        return living_leaders(services); // there is a directory /proc, but no procfs in it
    std::vector<std::vector<pid_t>> members(services.size());
    for (auto& [pid, candidate] : all) {
        int service = owner_by_parent(all, pid, self);
        if (service >= 0 && candidate.stat.state != 'Z' && candidate.stat.state != 'X')
            members[static_cast<std::size_t>(service)].push_back(pid);
    }
    return members;
}

bool is_member(pid_t pid, const Membership& service) {
    auto own_session = [&](pid_t session) {
        return session > 0 &&
               std::find(service.sessions.begin(), service.sessions.end(), session) != service.sessions.end();
    };
    Owners ids;
    if (!service.invocation_id.empty())
        ids.emplace(service.invocation_id, 0);
    pid_t self = ::getpid();
    constexpr int deepest = 4096; // also ends a cycle, which a changing /proc could show
    for (int depth = 0; pid > 1 && pid != self && depth < deepest; ++depth) {
        Result<ProcessStat> stat = process_stat(pid);
        if (!stat)
            return depth == 0 && own_session(process_session(pid));
        if (own_session(stat->session))
            return true;
        int owner = owner_by_environment(*stat, ids);
        if (owner != nobody)
            return true;
        pid = stat->parent;
    }
    return false;
}

Result<std::vector<pid_t>> own_children() {
    std::string self = std::to_string(::getpid());
    Result<std::string> text = read_file("/proc/" + self + "/task/" + self + "/children", 16 << 20);
    if (!text)
        return std::unexpected(text.error());
    std::vector<pid_t> children;
    for (std::string_view word : split(*text, ' '))
        if (std::optional<pid_t> pid = to_number<pid_t>(word))
            children.push_back(*pid);
    return children;
}

} // namespace mi::os
