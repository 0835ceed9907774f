#include "daemon/process/resources.hpp"

#include "base/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mi::daemon {

namespace {

constexpr std::uint64_t unlimited = ~std::uint64_t{0};
// Below these a child would hardly get as far as its program: the kernel would kill or hold up who is in our memory.
constexpr std::uint64_t little_memory = 8u << 20;
constexpr std::uint32_t little_time = 5;           // percent
constexpr Span one_kill = std::chrono::seconds(2); // from the kernel's word of a kill to the end of who was killed

std::string number_or_max(std::uint64_t number) { return number == unlimited ? "max" : std::to_string(number); }

// What a file says where it was not set.
const char* unset(const LimitFile& limit) { return limit.key.ends_with("weight") ? "100" : "max"; }

bool of_memory(const LimitFile& limit) { return limit.key == "memory-max" || limit.key == "memory-high"; }

bool reads_below(const std::string& limit, std::uint64_t used) {
    std::optional<std::uint64_t> bytes = to_number<std::uint64_t>(limit);
    return bytes && *bytes < used;
}

// Writes a limit. Disks know two kinds of weights, of which a kernel has one, both or none.
Result<> write_limit(const Fd& cgroup, const LimitFile& limit, const std::string& value) {
    Result<> done = os::CgroupTree::set(cgroup, limit.file, value);
    if (done || limit.key != "io-weight" || done.error().code != ENOENT)
        return done;
    // BFQ's go to 1000 only: the part above the default is squeezed.
    std::uint64_t weight = to_number<std::uint64_t>(value).value_or(100);
    return os::CgroupTree::set(cgroup, "io.bfq.weight",
                               std::to_string(weight <= 100 ? weight : 100 + (weight - 100) / 11));
}

bool bounded(const core::Unit& unit) {
    return unit.cgroup && unit.cgroup->memory_max && *unit.cgroup->memory_max != unlimited;
}

// A service that has lost a part of itself is a service that fails: past its own limit it goes as a whole. What manages
// its own cgroups decides that for itself.
void die_together(const core::Unit& unit, const Fd& cgroup) {
    // Before Linux 4.19 there is no such file.
    (void)os::CgroupTree::set(cgroup, "memory.oom.group", bounded(unit) && !unit.cgroup->delegate ? "1" : "0");
}

} // namespace

std::vector<LimitFile> limit_files(const core::Cgroup& cgroup) {
    std::vector<LimitFile> limits;
    auto add = [&](std::string_view key, const char* controller, const char* file, const auto& number) {
        if (number)
            limits.push_back({key, controller, file, number_or_max(*number)});
    };
    add("memory-max", "memory", "memory.max", cgroup.memory_max);
    add("memory-high", "memory", "memory.high", cgroup.memory_high);
    add("memory-swap-max", "memory", "memory.swap.max", cgroup.memory_swap_max);
    if (cgroup.cpu_max_percent) // of a period of 100 ms, in microseconds
        limits.push_back({"cpu-max", "cpu", "cpu.max", std::to_string(*cgroup.cpu_max_percent) + "000 100000"});
    add("cpu-weight", "cpu", "cpu.weight", cgroup.cpu_weight);
    add("io-weight", "io", "io.weight", cgroup.io_weight);
    add("pids-max", "pids", "pids.max", cgroup.pids_max);
    return limits;
}

Resources::Resources(os::Cgroups* tree, std::string lack) : tree_(tree), lack_(std::move(lack)) {}

// --- limits -----------------------------------------------------------------------------------------------------------

Result<> Resources::need(std::string_view controller) {
    Result<> enabled = tree_->enable(controller);
    if (enabled && controller == "memory")
        listen();
    return enabled;
}

void Resources::complain(const core::Unit& unit, std::string_view key, const std::string& why,
                         std::vector<std::string>& complaints) {
    if (told_.insert(unit.name + ' ' + std::string(key)).second)
        complaints.push_back("cgroup." + std::string(key) + " cannot be honoured: " + why);
}

void Resources::set_limits(const core::Unit& unit, const Fd& cgroup, std::vector<std::string>& complaints) {
    std::vector<LimitFile> limits;
    if (unit.cgroup)
        limits = limit_files(*unit.cgroup);
    for (const LimitFile& limit : limits) {
        Result<> done = need(limit.controller);
        if (done)
            done = write_limit(cgroup, limit, limit.value);
        if (!done)
            complain(unit, limit.key, done.error().text(), complaints);
    }
    auto before = in_force_.find(unit.name);
    if (before != in_force_.end())
        for (const LimitFile& old : before->second)
            if (std::ranges::find(limits, old.key, &LimitFile::key) == limits.end())
                (void)write_limit(cgroup, old, unset(old)); // a cgroup made anew has it so already
    if (!limits.empty() || before != in_force_.end())
        die_together(unit, cgroup);
    if (limits.empty())
        in_force_.erase(unit.name);
    else
        in_force_[unit.name] = std::move(limits);
}

void Resources::delegate(const core::Unit& unit, const Fd& cgroup, const os::Plan& plan,
                         std::vector<std::string>& complaints) {
    std::string there = tree_->controllers();
    for (std::string_view controller : split(there, ' '))
        if (!controller.empty())
            if (Result<> done = need(controller); !done)
                complain(unit, "delegate", done.error().text(), complaints);
    if (!plan.user)
        return; // whose processes they are owns it already
    if (Result<> done = os::CgroupTree::delegate(cgroup, *plan.user, plan.group.value_or(static_cast<gid_t>(-1)));
        !done)
        complain(unit, "delegate", done.error().text(), complaints);
}

Resources::Berth Resources::berth(const core::Unit& unit, bool first, bool main, const os::Plan& plan) {
    Berth berth;
    const core::Cgroup* wishes = unit.cgroup.get();
    if (tree_ == nullptr) {
        if (wishes != nullptr) {
            for (const LimitFile& limit : limit_files(*wishes))
                complain(unit, limit.key, lack_, berth.complaints);
            if (wishes->delegate)
                complain(unit, "delegate", lack_, berth.complaints);
        }
        return berth;
    }
    bool fresh = false;
    const unsigned generation = tree_->generation();
    Result<Fd> made = tree_->make(unit.name, &fresh);
    if (tree_->generation() != generation) {
        berth.complaints.push_back("the cgroup " + tree_->path() + " was removed by somebody and is made again");
        if (shared_)
            share_and_count();
    }
    if (!made) {
        trouble_ = made.error().text();
        if (told_.insert(unit.name + " ").second)
            berth.complaints.push_back(made.error().text() + "; its processes are found by their session, its limits " +
                                       "are not in force");
        return berth;
    }
    berth.cgroup = std::move(*made);
    if (fresh)
        kills_.erase(unit.name);
    if (wishes == nullptr && !in_force_.contains(unit.name))
        return berth;
    if (first || fresh)
        set_limits(unit, berth.cgroup, berth.complaints);
    if (wishes == nullptr)
        return berth;
    if (wishes->delegate) {
        if (first || fresh)
            delegate(unit, berth.cgroup, plan, berth.complaints);
        // The service may have made its cgroup one that hands controllers down, and takes no processes.
        if (!main)
            if (Result<Fd> beside = os::CgroupTree::make_nested(berth.cgroup, beside_delegated))
                berth.cgroup = std::move(*beside);
    }
    // Until its exec a child has our memory and we wait for it: neither may become the price of a limit.
    auto tight = [](const auto& limit, auto least) { return limit && *limit < least; };
    berth.apart = tight(wishes->memory_max, little_memory) || tight(wishes->memory_high, little_memory) ||
                  tight(wishes->cpu_max_percent, little_time) ||
                  (!first && !fresh && (wishes->memory_max || wishes->memory_high || wishes->cpu_max_percent));
    return berth;
}

void Resources::go_on(const core::Unit& unit) {
    std::vector<LimitFile> limits;
    if (unit.cgroup)
        limits = limit_files(*unit.cgroup);
    if (tree_ == nullptr || limits.empty())
        return;
    for (const LimitFile& limit : limits)
        (void)need(limit.controller); // which was said where it cannot be
    in_force_[unit.name] = std::move(limits);
    if (std::optional<os::CgroupOom> oom = tree_->oom(unit.name))
        kills_[unit.name].seen = oom->kills;
}

std::vector<std::string> Resources::adapt(const core::Unit& unit) {
    std::vector<std::string> said;
    std::vector<LimitFile> limits;
    if (unit.cgroup)
        limits = limit_files(*unit.cgroup);
    auto before = in_force_.find(unit.name);
    if (tree_ == nullptr || (before == in_force_.end() ? limits.empty() : before->second == limits))
        return said;
    Result<Fd> cgroup = tree_->make(unit.name);
    if (!cgroup)
        return said; // told when it was started
    std::vector<LimitFile> old = before == in_force_.end() ? std::vector<LimitFile>{} : before->second;
    std::uint64_t used = tree_->usage(unit.name).memory.value_or(0);
    std::vector<LimitFile> now;
    auto put = [&](const LimitFile& limit, const std::string& value) {
        Result<> done = need(limit.controller);
        if (done && of_memory(limit) && reads_below(value, used)) {
            said.push_back("cgroup." + std::string(limit.key) + " is below what it uses now (" + size_text(used) +
                           "): in force when it is started again");
            return false;
        }
        if (done)
            done = write_limit(*cgroup, limit, value);
        if (!done)
            complain(unit, limit.key, done.error().text(), said);
        return done.has_value();
    };
    for (const LimitFile& limit : limits) {
        auto same = std::ranges::find(old, limit.key, &LimitFile::key);
        if ((same != old.end() && same->value == limit.value) || put(limit, limit.value))
            now.push_back(limit);
        else if (same != old.end())
            now.push_back(*same);
    }
    for (const LimitFile& limit : old)
        if (std::ranges::find(limits, limit.key, &LimitFile::key) == limits.end() && !put(limit, unset(limit)))
            now.push_back(limit);
    die_together(unit, *cgroup);
    in_force_[unit.name] = std::move(now);
    return said;
}

// --- what they use ----------------------------------------------------------------------------------------------------

void Resources::share_and_count() {
    if (tree_ == nullptr)
        return;
    shared_ = true;
    for (const char* controller : {"cpu", "memory", "pids"})
        (void)need(controller); // without: less is told of a unit, and a limit that needs it says so
}

os::CgroupUsage Resources::usage(const std::string& unit, bool peak) const {
    return tree_ != nullptr ? tree_->usage(unit, peak) : os::CgroupUsage{};
}

// One watch hears of every unit: the kernel counts and tells upwards.
void Resources::listen() {
    if (events_ && watched_generation_ == tree_->generation())
        return;
    watched_generation_ = tree_->generation();
    if (!events_)
        events_.emplace();
    if (events_->add((tree_->path() + "/memory.events").c_str(), IN_MODIFY) < 0)
        events_.reset();
}

bool Resources::memory_kill_happened() {
    if (events_)
        events_->drain();
    std::optional<os::CgroupOom> oom = tree_ != nullptr ? tree_->oom() : std::nullopt;
    return oom && oom->kills != std::exchange(tree_kills_, oom->kills);
}

std::optional<std::string> Resources::killed_for_memory(const core::Unit& unit, Instant now, bool ended) {
    std::optional<os::CgroupOom> oom = tree_ != nullptr ? tree_->oom(unit.name) : std::nullopt;
    if (!oom || oom->kills == 0)
        return std::nullopt;
    Kills& kills = kills_[unit.name];
    bool more = oom->kills > kills.seen;
    bool just_told = kills.when != Instant{} && now - kills.when < one_kill;
    kills.seen = oom->kills;
    if (more)
        kills.when = now;
    if (ended ? !more && !just_told : !more || just_told)
        return std::nullopt;
    if (oom->reached == 0)
        return "not by a limit of its own";
    return bounded(unit) ? "memory-max " + size_text(*unit.cgroup->memory_max) : "a limit nested in its own cgroup";
}

} // namespace mi::daemon
