#include "sim/sim_kernel.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace mi::sim {

using namespace std::chrono_literals;

namespace {
constexpr std::uint64_t most_turns_for_nothing = 100; // for a moment that had passed when PID 1 asked to be woken at it
}

// --- waiting ----------------------------------------------------------------------------------------------------------

class SimKernel::SimWatch final : public loop::Watch {
public:
    SimWatch(SimKernel& kernel, int fd, Callback on_readable, Callback on_writable)
        : readable(std::move(on_readable)), writable(std::move(on_writable)), kernel_(kernel), fd_(fd) {}
    ~SimWatch() override {
        *alive = false;
        (void)::epoll_ctl(kernel_.ready_.get(), EPOLL_CTL_DEL, fd_, nullptr);
        kernel_.watches_.erase(fd_);
    }
    void want_writable(bool wanted) override { set(EPOLLOUT, wanted); }
    void want_readable(bool wanted) override { set(EPOLLIN, wanted); }
    [[nodiscard]] int add() {
        epoll_event event{.events = events_, .data = {.fd = fd_}};
        return ::epoll_ctl(kernel_.ready_.get(), EPOLL_CTL_ADD, fd_, &event);
    }

    Callback readable, writable;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);

private:
    void set(std::uint32_t event, bool wanted) {
        events_ = wanted ? events_ | event : events_ & ~event;
        epoll_event both{.events = events_, .data = {.fd = fd_}};
        (void)::epoll_ctl(kernel_.ready_.get(), EPOLL_CTL_MOD, fd_, &both);
    }
    SimKernel& kernel_;
    int fd_;
    std::uint32_t events_ = EPOLLIN;
};

SimKernel::SimKernel(Machine& machine, Watcher& watcher, Faults faults)
    : machine_(machine), watcher_(watcher), faults_(faults), ready_(::epoll_create1(EPOLL_CLOEXEC)) {}

SimKernel::~SimKernel() = default;

void SimKernel::enter() {
    if (crashed_)
        return; // a destructor on the way out
    if (++calls_ == faults_.crash_at || (at_rest_ && turns_ + 1 == faults_.crash_at_turn)) {
        crashed_ = true;
        throw Crash{};
    }
}

Result<std::unique_ptr<loop::Watch>> SimKernel::watch(int fd, Callback readable, Callback writable) {
    enter();
    auto watch = std::make_unique<SimWatch>(*this, fd, std::move(readable), std::move(writable));
    if (watches_.contains(fd))
        throw Violation{"descriptor " + std::to_string(fd) + " is watched twice"};
    watches_[fd] = watch.get();
    if (watch->add() != 0)
        return fault(errno, "watch descriptor", std::to_string(fd));
    return watch;
}

void SimKernel::wake_at(Instant at) {
    at_rest_ = at > machine_.now(); // the last thing that a turn does, and nothing is left for the next one
    enter();
    at_rest_ = false;
    wake_at_ = at;
    asked_at_ = machine_.now();
}

// Calls back for what can be read or written; false: nothing.
bool SimKernel::call_back() {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(ready_.get(), events.data(), static_cast<int>(events.size()), 0);
    if (count <= 0)
        return false;
    const std::span<epoll_event> found(events.data(), static_cast<std::size_t>(count));
    std::ranges::sort(found, {}, [](const epoll_event& event) { return event.data.fd; });
    for (const epoll_event& event : found) {
        auto at = watches_.find(event.data.fd);
        if (at == watches_.end())
            continue; // a callback before this one has ended it
        SimWatch& watch = *at->second;
        const std::shared_ptr<bool> alive = watch.alive;
        if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
            const Callback readable = watch.readable;
            readable();
        }
        if (*alive && (event.events & EPOLLOUT) != 0) {
            watch.want_writable(false);
            const Callback writable = watch.writable;
            writable();
        }
    }
    return true;
}

void SimKernel::run() {
    std::uint64_t for_nothing = 0;
    while (!stopped_) {
        watcher_.before_turn();
        (void)machine_.run_collector();
        bool woken = call_back();
        for_nothing = woken || wake_at_ > asked_at_ ? 0 : for_nothing + 1;
        if (for_nothing > most_turns_for_nothing)
            throw Violation{"PID 1 is woken again and again"};
        if (machine_.now() >= wake_at_) {
            woken = true;
            wake_at_ = never;
            due_();
        }
        if (!woken) {
            const Instant next = std::min(wake_at_, machine_.next());
            if (next == never) {
                watcher_.stuck();
                return;
            }
            machine_.go_on(next);
            continue;
        }
        turn_end_();
        ++turns_;
        machine_.tell_collector();
        watcher_.turn_ended();
        machine_.pass(Span(1000 + static_cast<Span::rep>(machine_.chance.below(20'000))));
    }
}

// --- clocks, chance, signals ------------------------------------------------------------------------------------------

WallTime SimKernel::wall_now() const {
    return {1'800'000'000'000'000 +
            std::chrono::duration_cast<std::chrono::microseconds>(machine_.now().since_boot).count()};
}

calendar::Clocks SimKernel::clocks() const { return {machine_.now().since_boot, wall_now()}; }

std::size_t SimKernel::random(std::span<unsigned char> bytes) {
    enter();
    for (unsigned char& byte : bytes)
        byte = static_cast<unsigned char>(machine_.chance.next());
    return bytes.size();
}

Result<std::span<const signalfd_siginfo>> SimKernel::read_signals() {
    enter();
    if (!machine_.take_child_signal())
        return std::span<const signalfd_siginfo>{};
    signal_ = {};
    signal_.ssi_signo = SIGCHLD;
    return std::span<const signalfd_siginfo>(&signal_, 1);
}

// --- processes --------------------------------------------------------------------------------------------------------

std::expected<os::Start, os::SpawnFault> SimKernel::start(const os::Plan& plan) {
    enter();
    Chance& chance = machine_.chance;
    const bool collector = plan.arguments[0] == "miniinit-logd";
    if (!collector) {
        watcher_.making(plan);
        if (faults_.no_process_one_in != 0 && chance.one_in(faults_.no_process_one_in))
            return std::unexpected(os::SpawnFault{os::Step::clone, EAGAIN, {}});
        if (faults_.no_program_one_in != 0 && chance.one_in(faults_.no_program_one_in))
            return std::unexpected(
                os::SpawnFault{os::Step::exec, chance.one_in(2) ? ENOENT : ETXTBSY, '"' + plan.file + '"'});
    }
    const std::string cgroup(plan.cgroup >= 0 ? plan.environment.get("MINIINIT_UNIT") : std::string_view());
    if (collector || faults_.late_one_in == 0 || !chance.one_in(faults_.late_one_in))
        return os::Start(machine_.make(plan, cgroup), Fd());
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        throw Violation{"no descriptors are left for the simulation"};
    Fd report(ends[0]);
    return os::Start(machine_.make_slowly(plan, cgroup, Fd(ends[1]), chance.one_in(5)), std::move(report));
}

std::expected<os::Start, os::SpawnFault> SimKernel::make_network() {
    enter();
    return std::unexpected(os::SpawnFault{os::Step::clone, EPERM, {}});
}

bool SimKernel::reap(std::vector<os::Exit>& exits, std::size_t most) {
    enter();
    while (exits.size() < most) {
        auto exit = machine_.collect();
        if (!exit)
            return true;
        exits.push_back(*exit);
    }
    return false;
}

Result<> SimKernel::send_signal(pid_t pid, int signal) {
    enter();
    if (const Process* process = machine_.find(pid); process != nullptr && signal != 0)
        watcher_.signalling(*process, signal);
    if (!machine_.signal(pid, signal))
        return fault(ESRCH, "signal", std::to_string(pid));
    return {};
}

Result<> SimKernel::signal_group(pid_t group, int signal) {
    enter();
    for (const auto& [pid, process] : machine_.processes())
        if (process->session == group && signal != 0)
            watcher_.signalling(*process, signal);
    if (!machine_.signal_group(group, signal))
        return fault(ESRCH, "signal", std::to_string(group));
    return {};
}

bool SimKernel::exists(pid_t pid) const {
    const Process* process = machine_.find(pid);
    return process != nullptr && !process->zombie;
}

Result<os::ProcessStat> SimKernel::stat_of(pid_t pid) const {
    const Process* process = machine_.find(pid);
    if (process == nullptr)
        return fault(ESRCH, "look at process", std::to_string(pid));
    os::ProcessStat stat;
    stat.pid = pid;
    stat.parent = process->parent == Machine::init ? ::getpid() : process->parent;
    stat.state = process->zombie ? 'Z' : 'S';
    return stat;
}

pid_t SimKernel::session_of(pid_t pid) const {
    const Process* process = machine_.find(pid);
    return process == nullptr ? 0 : process->session;
}

Result<std::vector<pid_t>> SimKernel::own_children() const {
    std::vector<pid_t> children;
    for (const auto& [pid, process] : machine_.processes())
        if (process->parent == Machine::init)
            children.push_back(pid);
    return children;
}

bool SimKernel::is_member(pid_t pid, const os::Membership& service) const {
    const Process* process = machine_.find(pid);
    return process != nullptr && std::ranges::find(service.sessions, process->session) != service.sessions.end();
}

Result<std::vector<std::vector<pid_t>>> SimKernel::find_members(std::span<const os::Membership> services) const {
    std::vector<std::vector<pid_t>> members(services.size());
    for (std::size_t i = 0; i < services.size(); ++i)
        for (const auto& [pid, process] : machine_.processes())
            if (!process->zombie && is_member(pid, services[i]))
                members[i].push_back(pid);
    return members;
}

Result<Fd> SimKernel::watch_end(pid_t) { return fault(ENOSYS, "watch the end of a process"); }

// --- cgroups ----------------------------------------------------------------------------------------------------------

class SimKernel::SimCgroups final : public os::Cgroups {
public:
    SimCgroups(SimKernel& kernel, Machine& machine) : kernel_(kernel), machine_(machine) {}

    [[nodiscard]] State state() const override { return {path_, "/sim/", {}, {}, false}; }
    [[nodiscard]] const std::string& path() const override { return path_; }
    [[nodiscard]] unsigned generation() const override { return 0; }

    [[nodiscard]] Result<Fd> make(std::string_view unit, bool* fresh) override {
        kernel_.enter();
        const bool made = machine_.cgroups.emplace(unit).second;
        if (fresh != nullptr)
            *fresh = made;
        return Fd(::fcntl(kernel_.ready_.get(), F_DUPFD_CLOEXEC, 3)); // any will do
    }
    Result<> kill(std::string_view unit) const override {
        kernel_.enter();
        for (pid_t pid : machine_.members(unit))
            if (const Process* process = machine_.find(pid)) {
                kernel_.watcher_.signalling(*process, SIGKILL);
                (void)machine_.signal(pid, SIGKILL);
            }
        return {};
    }
    [[nodiscard]] Result<std::vector<pid_t>> pids(std::string_view unit) const override {
        kernel_.enter();
        if (!machine_.cgroups.contains(unit))
            return fault(ENOENT, "read cgroup", std::string(unit));
        return machine_.members(unit);
    }
    Result<> remove(std::string_view unit, bool* missing) override {
        kernel_.enter();
        auto at = machine_.cgroups.find(unit);
        if (missing != nullptr)
            *missing = at == machine_.cgroups.end();
        if (at == machine_.cgroups.end())
            return {};
        if (!machine_.members(unit).empty())
            return fault(EBUSY, "remove cgroup", std::string(unit));
        machine_.cgroups.erase(at);
        return {};
    }
    [[nodiscard]] std::optional<std::string> unit_of(pid_t pid) const override {
        const Process* process = machine_.find(pid);
        if (process == nullptr || process->cgroup.empty())
            return std::nullopt;
        return process->cgroup;
    }
    Result<> remove_tree() override { return {}; }
    [[nodiscard]] std::string controllers() const override { return {}; }
    Result<> enable(std::string_view controller) override {
        return fault(ENOENT, "enable controller", std::string(controller));
    }
    [[nodiscard]] os::CgroupUsage usage(std::string_view, bool) const override { return {}; }
    [[nodiscard]] std::optional<os::CgroupOom> oom(std::string_view) const override { return std::nullopt; }
    [[nodiscard]] std::optional<os::CgroupOom> oom() const override { return std::nullopt; }
    Result<> freeze(std::string_view unit, bool frozen) const override {
        kernel_.enter();
        if (frozen)
            machine_.frozen.emplace(unit);
        else if (auto at = machine_.frozen.find(unit); at != machine_.frozen.end())
            machine_.frozen.erase(at);
        return {};
    }

private:
    SimKernel& kernel_;
    Machine& machine_;
    std::string path_ = "/sys/fs/cgroup/sim";
};

Result<std::unique_ptr<os::Cgroups>> SimKernel::open_cgroups(const std::string&) {
    if (!faults_.has_cgroups)
        return fault(ENOENT, "find where cgroup v2 is mounted");
    return std::make_unique<SimCgroups>(*this, machine_);
}

Result<std::unique_ptr<os::Cgroups>> SimKernel::go_on_with_cgroups(os::Cgroups::State state) {
    return open_cgroups(state.path);
}

// --- files ------------------------------------------------------------------------------------------------------------

// Everything that is asked for is there.
std::expected<os::PathAnswers, os::Untouched> SimKernel::answer_here(std::span<const os::PathQuestion> questions,
                                                                     os::HangingMounts&) {
    enter();
    os::PathAnswers answers(questions.size());
    for (std::size_t i = 0; i < questions.size(); ++i)
        answers[i] = {.code = machine_.missing.contains(questions[i].path) ? ENOENT : 0, .text = questions[i].path};
    return answers;
}

namespace {

// Word of what comes and goes, one for all.
class SimPresence final : public os::Presence {
public:
    explicit SimPresence(int changes) : changes_(changes) {}
    [[nodiscard]] int fd() const override { return changes_; }
    [[nodiscard]] std::vector<std::string> watch(std::span<const os::Awaited>, os::HangingMounts&) override {
        return {};
    }
    [[nodiscard]] Change take_change() override {
        std::uint64_t count = 0;
        return ::read(changes_, &count, sizeof count) > 0 ? Change::now : Change::none;
    }
    [[nodiscard]] std::vector<std::optional<std::string>> look(std::span<const os::Awaited> things) override {
        return std::vector<std::optional<std::string>>(things.size());
    }

private:
    int changes_;
};

} // namespace

std::unique_ptr<os::Presence> SimKernel::presence() {
    enter();
    return std::make_unique<SimPresence>(machine_.changes());
}

} // namespace mi::sim
