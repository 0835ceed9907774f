#include "daemon/start/confine.hpp"

#include "base/join.hpp"
#include "base/text.hpp"
#include "base/unreachable.hpp"
#include "daemon/process/owned_directories.hpp"
#include "os/file/path_question.hpp"
#include "os/spawn/spawn.hpp"

#include <linux/capability.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace mi::daemon {

namespace {

using core::Confinement;
using core::OwnDirectory;
using core::ProtectSystem;
using os::MountChange;
using Kind = os::MountChange::Kind;
using Outcome = std::expected<void, NoStart>;

constexpr CapabilitySet bit(int capability) { return CapabilitySet{1} << capability; }

// And no link to one. What cannot be looked at may be one: then the child will see.
bool is_directory(const std::string& path, os::HangingMounts& hanging) {
    auto directory = os::open_directory_here(path, hanging, false);
    return directory || directory.error().code == EXDEV;
}

// A directory in which no user can make anything, as on the medium of an installer.
bool is_read_only(const std::string& path, os::HangingMounts& hanging) {
    struct statvfs about{};
    auto directory = os::open_directory_here(path, hanging, false);
    return directory && ::fstatvfs(directory->get(), &about) == 0 && (about.f_flag & ST_RDONLY) != 0;
}

std::string_view key_of(OwnDirectory::Kind kind) {
    switch (kind) {
    case OwnDirectory::Kind::runtime: return "runtime-directory";
    case OwnDirectory::Kind::state: return "state-directory";
    case OwnDirectory::Kind::logs: return "logs-directory";
    case OwnDirectory::Kind::cache: return "cache-directory";
    case OwnDirectory::Kind::configuration: return "configuration-directory";
    }
    unreachable("there is no other kind of directory");
}

std::string_view variable_of(OwnDirectory::Kind kind) {
    switch (kind) {
    case OwnDirectory::Kind::runtime: return "RUNTIME_DIRECTORY";
    case OwnDirectory::Kind::state: return "STATE_DIRECTORY";
    case OwnDirectory::Kind::logs: return "LOGS_DIRECTORY";
    case OwnDirectory::Kind::cache: return "CACHE_DIRECTORY";
    case OwnDirectory::Kind::configuration: return "CONFIGURATION_DIRECTORY";
    }
    unreachable("there is no other kind of directory");
}

// Collects the changes to the mounts of one process, and puts them into the order in which they are made.
class Mounts {
public:
    Mounts(const Confinement& wanted, os::HangingMounts& hanging) : wanted_(wanted), hanging_(hanging) {}

    // What lies deeper comes later, over what is above it. At one and the same path the rank decides; what is to be
    // hidden comes last of all, so that nothing uncovers it.
    enum class Rank { system, exception, own, said, hidden };
    void add(Rank rank, MountChange change) {
        auto later = std::find_if(all_.begin(), all_.end(), [&](const Entry& other) {
            bool hides = rank == Rank::hidden, other_hides = other.rank == Rank::hidden;
            if (hides != other_hides)
                return other_hides;
            return change.path != other.change.path ? change.path < other.change.path : rank < other.rank;
        });
        all_.insert(later, {rank, std::move(change)});
    }
    Outcome add(Rank rank, Kind kind, std::string_view key, const std::vector<core::GuardedPath>& paths) {
        for (const core::GuardedPath& each : paths) {
            std::string path = hanging_.real_path(each.path, wanted_.root_directory);
            std::string about = std::string(key) + " \"" + each.path + "\"";
            if (path == "/" && kind != Kind::read_only)
                return std::unexpected(about + ": that is the root directory");
            add(rank, {.kind = kind, .path = std::move(path), .optional = each.optional, .about = std::move(about)});
        }
        return {};
    }
    [[nodiscard]] std::vector<MountChange> in_order() {
        std::vector<MountChange> changes;
        for (Entry& entry : all_)
            changes.push_back(std::move(entry.change));
        return changes;
    }

private:
    struct Entry {
        Rank rank;
        MountChange change;
    };
    const Confinement& wanted_;
    os::HangingMounts& hanging_;
    std::vector<Entry> all_;
};

bool has_own_proc(const Confinement& wanted) {
    return wanted.protect_proc != core::ProtectProc::none || wanted.proc_subset_pid;
}

// Whether another key mounts something of the service's own there.
bool is_replaced(const Confinement& wanted, std::string_view path) {
    return (path == "/dev" && wanted.private_devices) || (path == "/proc" && has_own_proc(wanted));
}

void protect_system(Mounts& mounts, const Confinement& wanted, os::HangingMounts& hanging) {
    if (wanted.protect_system == ProtectSystem::no)
        return;
    std::string about = "protect-system";
    auto read_only = [&](std::string path) {
        mounts.add(Mounts::Rank::system,
                   {.kind = Kind::read_only, .path = std::move(path), .optional = true, .about = about});
    };
    if (wanted.protect_system == ProtectSystem::strict) {
        read_only("/");
        for (const char* path : {"/dev", "/proc", "/sys"})
            if (!is_replaced(wanted, path))
                mounts.add(Mounts::Rank::exception,
                           {.kind = Kind::read_write, .path = path, .optional = true, .about = about});
        return;
    }
    for (const char* path : {"/usr", "/boot", "/efi"})
        read_only(path);
    // Where they are links into /usr, that is enough.
    for (const char* path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"})
        if (is_directory(wanted.root_directory + path, hanging))
            read_only(path);
    if (wanted.protect_system == ProtectSystem::full)
        read_only("/etc");
}

void private_devices(Mounts& mounts, const Confinement& wanted) {
    if (!wanted.private_devices)
        return;
    std::string about = "private-devices";
    mounts.add(Mounts::Rank::own, {.kind = Kind::devices, .path = "/dev", .about = about});
    for (const char* path : {"/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/log"})
        if (::access(path, F_OK) == 0)
            mounts.add(
                Mounts::Rank::own,
                {.kind = Kind::bind, .path = path, .source = path, .optional = true, .make = true, .about = about});
}

void own_proc(Mounts& mounts, const Confinement& wanted) {
    constexpr std::string_view words[] = {"", "noaccess", "invisible", "ptraceable"};
    const std::string_view word = words[static_cast<std::size_t>(wanted.protect_proc)];
    if (has_own_proc(wanted))
        mounts.add(Mounts::Rank::own, {.kind = Kind::proc,
                                       .path = "/proc",
                                       .source = std::string(word),
                                       .make = wanted.proc_subset_pid,
                                       .about = word.empty() ? "proc-subset" : "protect-proc"});
}

void bind_paths(Mounts& mounts, std::string_view key, Kind kind, const std::vector<core::BoundPath>& paths) {
    for (const core::BoundPath& each : paths)
        mounts.add(Mounts::Rank::own, {.kind = kind,
                                       .path = each.path,
                                       .source = each.source,
                                       .optional = each.optional,
                                       .make = true,
                                       .about = std::string(key) + " \"" + each.source + "\""});
}

// A directory of the run's own in /tmp, and one in /var/tmp, whose contents no other user can reach.
void private_tmp(Launch& launch, Mounts& mounts, const Confinement& wanted, const std::string& name,
                 os::HangingMounts& hanging) {
    if (!wanted.private_tmp)
        return;
    for (const char* base : {"/tmp", "/var/tmp"}) {
        if (std::string_view(base) != "/tmp" && !is_directory(base, hanging))
            continue;
        if (is_read_only(base, hanging)) { // what others can see there is what the medium has
            if (launch.lacks.empty())
                launch.lacks.emplace_back("private-tmp");
            continue;
        }
        os::Directory directory{.base = base,
                                .components = {"miniinit-" + name, "tmp"},
                                .parents_mode = 0700,
                                .mode = 01777,
                                .owner = ::geteuid(),
                                .group = ::getegid(),
                                .ours = true};
        mounts.add(Mounts::Rank::own, {.kind = Kind::bind,
                                       .path = base,
                                       .source = directory.path(),
                                       .make = !wanted.root_directory.empty(),
                                       .about = "private-tmp"});
        launch.temporary.push_back(std::string(base) + "/" + directory.components.front());
        launch.plan.directories.push_back(std::move(directory));
    }
}

Outcome own_directories(Launch& launch, os::StringList& environment, Mounts& mounts, const Confinement& wanted,
                        const Surroundings& surroundings) {
    const bool strict = wanted.protect_system == ProtectSystem::strict;
    using enum OwnDirectory::Kind;
    for (OwnDirectory::Kind kind : {runtime, state, logs, cache, configuration}) {
        // Its configuration is root's, who may have it as he likes; the service need not be able to write it.
        const bool foreign = kind == configuration;
        const bool apart = !wanted.root_directory.empty() || (strict && !foreign);
        const std::string& base = surroundings.directories[static_cast<std::size_t>(kind)];
        std::string list;
        for (const OwnDirectory& own : wanted.directories) {
            if (own.kind != kind)
                continue;
            os::Directory directory{.base = base,
                                    .owner = foreign ? ::geteuid() : launch.plan.user.value_or(::geteuid()),
                                    .group = foreign ? ::getegid() : launch.plan.group.value_or(::getegid()),
                                    .make_base =
                                        surroundings.mode == Mode::user || kind == cache, // small images lack it
                                    .keep_owner = foreign};
            for (std::string_view part : split(own.name, '/'))
                directory.components.emplace_back(part);
            std::string path = directory.path();
            // The reader knows where we usually are; this is where we really are.
            for (const std::string& ours : surroundings.reserved)
                if (overlap(path, ours))
                    return std::unexpected(std::string(key_of(kind)) + " \"" + own.name + "\": our own directory is " +
                                           ours);
            join_to(list, path, ":");
            if (apart)
                mounts.add(Mounts::Rank::own, {.kind = Kind::bind,
                                               .path = path,
                                               .source = path,
                                               .make = true,
                                               .about = std::string(key_of(kind)) + " \"" + own.name + "\""});
            if (kind == runtime && !wanted.keep_runtime_directory)
                launch.runtime.push_back(directory);
            launch.plan.directories.push_back(std::move(directory));
        }
        if (!list.empty())
            environment.set(variable_of(kind), list);
    }
    return {};
}

Outcome change_mounts(Launch& launch, os::StringList& environment, const core::Unit& unit, const Confinement& wanted,
                      const std::string& invocation, bool notify, Surroundings& surroundings) {
    Mounts mounts(wanted, surroundings.hanging);
    protect_system(mounts, wanted, surroundings.hanging);
    private_devices(mounts, wanted);
    own_proc(mounts, wanted);
    bind_paths(mounts, "bind-paths", Kind::bind, wanted.bind_paths);
    bind_paths(mounts, "bind-read-only-paths", Kind::bind_read_only, wanted.bind_read_only_paths);
    private_tmp(launch, mounts, wanted, unit.name + "-" + invocation, surroundings.hanging);
    if (auto given = own_directories(launch, environment, mounts, wanted, surroundings); !given)
        return given;
    for (auto [rank, kind, key, paths] :
         {std::tuple{Mounts::Rank::exception, Kind::read_write, "read-write-paths", &wanted.read_write_paths},
          std::tuple{Mounts::Rank::said, Kind::read_only, "read-only-paths", &wanted.read_only_paths},
          std::tuple{Mounts::Rank::hidden, Kind::nothing, "inaccessible-paths", &wanted.inaccessible_paths}})
        if (auto added = mounts.add(rank, kind, key, *paths); !added)
            return added;
    os::Plan& plan = launch.plan;
    plan.root = wanted.root_directory;
    if (!plan.root.empty())
        if (auto root = os::open_directory_here(plan.root, surroundings.hanging); !root && root.error().code != EXDEV)
            return std::unexpected(NoStart(os::SpawnFault{os::Step::root, root.error().code, '"' + plan.root + '"'}));
    bool may_mount = (os::own_capabilities() & bit(CAP_SYS_ADMIN)) != 0;
    if (!plan.root.empty() && may_mount && notify)
        mounts.add(Mounts::Rank::own, {.kind = Kind::bind,
                                       .path = surroundings.notify,
                                       .source = surroundings.notify,
                                       .make = true,
                                       .about = "NOTIFY_SOCKET"});
    // Where the process sees another /tmp, or another root directory, its credentials lie at the same path.
    if (plan.credentials && (!plan.root.empty() || wanted.private_tmp)) {
        const std::string path = plan.credentials->above + "/" + plan.credentials->name;
        if (!plan.root.empty() && !may_mount)
            return std::unexpected("credentials: they cannot be shown in root-directory \"" + plan.root +
                                   "\" without the right to mount; environment-from needs none");
        mounts.add(Mounts::Rank::own,
                   {.kind = Kind::bind, .path = path, .source = path, .make = true, .about = "credentials"});
    }
    os::Mounting mounting{.changes = mounts.in_order()};
    if (!wanted.inaccessible_paths.empty()) {
        mounting.nothing = surroundings.nothing;
        if (auto prepared = os::prepare_nothing(mounting.nothing); !prepared)
            return std::unexpected(NoStart(prepared.error().text() + " (inaccessible-paths)", prepared.error().code));
    }
    // A root directory alone can do without a mount namespace, where we may not have one: then chroot(2) has to do.
    if (!mounting.changes.empty() || wanted.private_mounts || (!plan.root.empty() && may_mount))
        plan.mounting = std::move(mounting);
    return {};
}

void keep_capabilities(Launch& launch, const Confinement& wanted) {
    os::Plan& plan = launch.plan;
    if (!wanted.capabilities && !wanted.bounding && !wanted.private_devices)
        return;
    CapabilitySet own = os::own_capabilities();
    bool root = plan.user.value_or(::geteuid()) == 0;
    constexpr CapabilitySet all = ~CapabilitySet{0};
    CapabilitySet kept = wanted.capabilities.value_or(wanted.bounding.value_or(all));
    // An exec gives root the whole bounding set.
    CapabilitySet bounding = wanted.bounding && !root ? *wanted.bounding | wanted.capabilities.value_or(0) : kept;
    if (wanted.private_devices) {
        constexpr CapabilitySet of_devices = bit(CAP_MKNOD) | bit(CAP_SYS_RAWIO);
        kept &= ~of_devices;
        bounding &= ~of_devices;
    }
    plan.keeping = os::Keeping{.bounding = bounding, .by_ambience = !root};
    if (wanted.capabilities || root)
        plan.keeping->kept = kept & own;
    if (!wanted.capabilities || (*wanted.capabilities >> 63 & 1) != 0) // of "all but these" none was named
        return;
    std::string missing;
    std::span<const std::string_view> names = capability_names();
    for (std::size_t number = 0; number < names.size(); ++number)
        if ((kept & ~own) >> number & 1)
            join_to(missing, names[number]);
    if (!missing.empty())
        launch.warnings.push_back("we do not have these capabilities ourselves, so it gets none of them: " + missing);
}

void filter_calls(os::Plan& plan, const Confinement& wanted, Surroundings& surroundings) {
    const CallRestrictions& restricted = wanted.restrictions;
    const bool lists = !wanted.system_call_filter.empty();
    if (!lists && !wanted.native_system_calls && restricted == CallRestrictions{})
        return;
    std::shared_ptr<const os::SystemCallFilter>& made =
        surroundings.filters[{wanted.system_call_filter, wanted.system_call_error, restricted}];
    if (!made) // without a list only what is restricted is denied, and calls of another architecture, which it would not reach
        made = lists ? os::make_filter(call_filter(wanted.system_call_filter), wanted.system_call_error, restricted)
                     : os::make_filter({.allows = false, .calls = {}}, EPERM, restricted);
    plan.filter = made;
    // Only an administrator may set a filter and yet have programs that give privileges.
    CapabilitySet has = plan.keeping && plan.keeping->kept     ? *plan.keeping->kept
                        : plan.user.value_or(::geteuid()) == 0 ? os::own_capabilities()
                                                               : 0;
    if ((has & bit(CAP_SYS_ADMIN)) == 0)
        plan.no_new_privileges = true;
}

} // namespace

Outcome confine(Launch& launch, os::StringList& environment, const core::Unit& unit, const std::string& invocation,
                bool notify, Surroundings& surroundings) {
    const Confinement& wanted = *unit.process->confinement;
    os::Plan& plan = launch.plan;
    if (!wanted.cpu_affinity.empty()) {
        constexpr std::size_t bits = 8 * sizeof(unsigned long);
        plan.processors.resize(wanted.cpu_affinity.back() / bits + 1);
        for (std::uint16_t number : wanted.cpu_affinity)
            plan.processors[number / bits] |= 1UL << number % bits;
    }
    if (wanted.scheduling)
        plan.scheduling = os::Scheduling{wanted.scheduling->policy, wanted.scheduling->priority};
    plan.io_priority = wanted.io_priority;
    keep_capabilities(launch, wanted);
    filter_calls(plan, wanted, surroundings);
    return change_mounts(launch, environment, unit, wanted, invocation, notify, surroundings);
}

} // namespace mi::daemon
