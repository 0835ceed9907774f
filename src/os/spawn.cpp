// The parent's side of a start: makes the plan ready, has the child made, and waits until it has become its program or
// has said why not.
#include "os/spawn.hpp"

#include "os/child.hpp"
#include "os/clone.hpp"
#include "os/progress.hpp"
#include "os/runtime.hpp"
#include "os/window.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace mi::os {
namespace {

// Whether clone3 failed because this kernel (or a filter before it) does not do it, not because of what was asked.
bool means_unknown(int code) { return code == ENOSYS || code == EINVAL || code == E2BIG || code == EPERM; }

std::vector<int> signals_not_default() {
    std::vector<int> found;
    for (int signal = 1; signal < _NSIG; ++signal) {
        struct sigaction action{};
        if (::sigaction(signal, nullptr, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
            action.sa_handler == SIG_IGN)
            found.push_back(signal);
    }
    return found;
}

} // namespace

struct Spawner::State {
    Span patience{};
    Stack stack;
    Window window;
    bool shares_table = false;
    bool clones_into_cgroup = true;
    bool was_dumpable = true;
    std::string own_oom_score; // as /proc tells it

    ChildOrders orders; // reused, so that a start allocates nothing once warm
    std::vector<char*> pointers;

    void prepare(const Plan& plan);
    [[nodiscard]] bool replace_stack();
    void lift_over(const Plan& plan, int cgroup_procs);
    std::expected<pid_t, SpawnFault> attempt(const Plan& plan, bool use_cgroup_flag);
};

Result<Spawner> Spawner::make(Span patience) {
    auto state = std::make_unique<State>();
    state->patience = patience;
    Result<Stack> stack = Stack::make();
    if (!stack)
        return std::unexpected(stack.error());
    state->stack = *std::move(stack);
    Result<Window> window = Window::open();
    if (!window)
        return std::unexpected(window.error());
    state->window = *std::move(window);
    // Nothing is that high, so this only asks whether the kernel (5.9) knows how.
    state->shares_table = ::syscall(SYS_close_range, ~0U, ~0U, 2U /* CLOSE_RANGE_UNSHARE */) == 0;
    state->orders.own_umask = ::umask(022);
    ::umask(state->orders.own_umask);
    state->orders.ignored_signals = signals_not_default();
    int secure = ::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    state->orders.keeps_capabilities = secure > 0 && (secure & ((1 << 2) | (1 << 4))) != 0; // no fixup, keep caps
    state->was_dumpable = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
    state->own_oom_score = read_file("/proc/self/oom_score_adj").value_or("");
    return Spawner(std::move(state));
}

Spawner::Spawner(std::unique_ptr<State> state) : state_(std::move(state)) {}
Spawner::Spawner(Spawner&&) noexcept = default;
Spawner& Spawner::operator=(Spawner&&) noexcept = default;
Spawner::~Spawner() = default;

// The general way: the child gets a copy of the whole table and sorts it out itself.
void Spawner::State::lift_over(const Plan& plan, int cgroup_procs) {
    orders.cgroup_procs = cgroup_procs;
    orders.moves = plan.moves;
    for (Move& move : orders.moves)
        if (move.source == null_device)
            move.source = window.null();
}

void Spawner::State::prepare(const Plan& plan) {
    orders.plan = &plan;
    orders.report = {};
    orders.parent = plan.parent_death_signal != 0 ? ::getpid() : 0;
    orders.speak = plan.copying;
    orders.trees.assign(plan.mounting ? plan.mounting->changes.size() : 0, -1);
    orders.own_pids.clear();
    plan.environment.point_at_own_pids(orders.own_pids);
    pointers.clear();
    std::size_t count = plan.arguments.size();
    pointers.push_back(const_cast<char*>("/bin/sh")); // before argv, so that `sh FILE ARG...` can start here
    plan.arguments.point(pointers);
    pointers.push_back(nullptr);
    plan.environment.point(pointers);
    pointers.push_back(nullptr);
    std::size_t shell = pointers.size();
    if (plan.shell_for_scripts) {
        pointers.push_back(const_cast<char*>("/bin/sh"));
        pointers.push_back(const_cast<char*>(plan.file.c_str()));
        for (std::size_t i = 1; i < count; ++i)
            pointers.push_back(pointers[1 + i]);
        pointers.push_back(nullptr);
    }
    orders.arguments = pointers.data() + 1;
    orders.environment = pointers.data() + 1 + count + 1;
    orders.shell_arguments = plan.shell_for_scripts ? pointers.data() + shell : nullptr;
}

// A child that the kernel will not let go of keeps the one it has: the kernel still has to write there. False: there is no
// memory for another one now, and nobody can be put onto this one.
bool Spawner::State::replace_stack() {
    if (__atomic_load_n(stack.occupied(), __ATOMIC_SEQ_CST) == 0)
        return true;
    Result<Stack> fresh = Stack::make();
    if (!fresh)
        return false;
    stack.abandon();
    stack = std::move(*fresh);
    return true;
}

// What a step was done to, for people.
static std::string object_of(const Plan& plan, const ChildReport& report) {
    auto quoted = [](const std::string& text) { return '"' + text + '"'; };
    switch (report.step) {
    case Step::groups:
    case Step::group:
    case Step::user:
        if (!plan.user_name.empty())
            return "user " + quoted(plan.user_name);
        return plan.user ? "user " + std::to_string(*plan.user) : "";
    case Step::own_directory: return quoted(plan.directories[report.item].path());
    case Step::mount: return plan.mounting->changes[report.item].about;
    case Step::capabilities:
        return report.item < capability_names().size() ? std::string(capability_names()[report.item]) : "";
    case Step::mount_namespace:
        return plan.mounting->changes.empty() ? "root-directory" : plan.mounting->changes.front().about;
    case Step::root: return quoted(plan.root);
    case Step::network_namespace:
    case Step::loopback:
    case Step::network: return "private-network";
    case Step::filter: return "system-call-filter";
    case Step::directory: return quoted(plan.directory);
    case Step::open_file: return quoted(plan.opens[report.item].path);
    case Step::terminal: return quoted(plan.terminal->path);
    case Step::nice: return std::to_string(*plan.nice);
    case Step::oom_score: return std::to_string(*plan.oom_score);
    case Step::limits: {
        const Limit& limit = plan.limits[report.item];
        return "resource " + std::to_string(limit.resource) + ", " + std::to_string(limit.soft) + ":" +
               std::to_string(limit.hard);
    }
    case Step::stdio:
        return "descriptor " + std::to_string(report.item < plan.moves.size() ? plan.moves[report.item].target : -1);
    case Step::exec:
        if (report.code == ENOENT && plan.root.empty() && ::access(plan.file.c_str(), F_OK) == 0)
            return quoted(plan.file) + ", whose interpreter is missing";
        return quoted(plan.file);
    case Step::clone:
    case Step::processors:
    case Step::scheduling:
    case Step::io_priority:
    case Step::cgroup:
    case Step::descriptors:
    case Step::session:
    case Step::foreground:
    case Step::no_new_privileges:
    case Step::parent_death:
    case Step::signals: return {};
    }
    __builtin_unreachable();
}

std::expected<pid_t, SpawnFault> Spawner::State::attempt(const Plan& plan, bool use_cgroup_flag) {
    if (!plan.copying && !replace_stack())
        return std::unexpected(SpawnFault{Step::clone, ENOMEM, {}});
    prepare(plan);
    Fd procs;
    if (plan.cgroup >= 0 && !use_cgroup_flag) {
        procs = Fd(::openat(plan.cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
        if (!procs)
            return std::unexpected(SpawnFault{Step::cgroup, errno, {}});
    }
    bool through_window = window.hand_over(plan.moves, procs.get(), orders.moves, orders.cgroup_procs);
    bool shared = through_window && shares_table && !plan.copying;
    orders.lift_moves = !through_window;
    orders.own_table_up_to = shared ? window.ceiling() : -1;
    if (!through_window)
        lift_over(plan, procs.get());
    if (shared && window.pristine())
        orders.gaps.clear();
    else
        find_gaps(plan.moves, orders.gaps);

    int cgroup = use_cgroup_flag ? plan.cgroup : -1;
    long child = plan.copying ? clone_copying(orders, cgroup) : clone_borrowing(stack, orders, shared, cgroup);
    int code = errno;
    bool arrived = child <= 0 || plan.copying || wait_until_gone(stack, static_cast<pid_t>(child), patience);
    window.take_back();
    if (child < 0) {
        bool refused_by_cgroup = use_cgroup_flag && code != EAGAIN && code != ENOMEM;
        return std::unexpected(SpawnFault{refused_by_cgroup ? Step::cgroup : Step::clone, code, {}});
    }
    // What the child did while in our memory it did to us too: a change of user made us undumpable, a score is ours
    // now.
    if (plan.user && !plan.copying && was_dumpable)
        ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (plan.oom_score && !plan.copying && !own_oom_score.empty())
        static_cast<void>(write_existing("/proc/self/oom_score_adj", own_oom_score));
    if (!arrived) {
        orders.report.code = ETIMEDOUT;
        SpawnFault stuck{orders.report.step, ETIMEDOUT, object_of(plan, orders.report)};
        static_cast<void>(replace_stack()); // else with the next start
        return std::unexpected(std::move(stuck));
    }
    if (!plan.copying && orders.report.failed) {
        ::waitpid(static_cast<pid_t>(child), nullptr, 0);
        return std::unexpected(SpawnFault{orders.report.step, orders.report.code, object_of(plan, orders.report)});
    }
    return static_cast<pid_t>(child);
}

std::expected<Fd, SpawnFault> Spawner::make_network() {
    if (!state_->replace_stack())
        return std::unexpected(SpawnFault{Step::clone, ENOMEM, "private-network"});
    ChildOrders& orders = state_->orders;
    orders.report = {};
    orders.errand = make_network_namespace;
    orders.found = -1;
    orders.speak = false;
    long child = clone_borrowing(state_->stack, orders, true, -1);
    int code = errno;
    bool arrived = child <= 0 || wait_until_gone(state_->stack, static_cast<pid_t>(child), state_->patience);
    orders.errand = nullptr;
    if (child < 0)
        return std::unexpected(SpawnFault{Step::clone, code, {}});
    if (!arrived) {
        Step step = orders.report.step;
        static_cast<void>(state_->replace_stack()); // else with the next start
        return std::unexpected(SpawnFault{step, ETIMEDOUT, "private-network"});
    }
    ::waitpid(static_cast<pid_t>(child), nullptr, 0);
    Fd network(orders.found);
    if (orders.report.failed)
        return std::unexpected(SpawnFault{orders.report.step, orders.report.code, "private-network"});
    return network;
}

std::expected<pid_t, SpawnFault> Spawner::spawn(const Plan& plan) {
    bool by_flag = plan.cgroup >= 0 && state_->clones_into_cgroup;
    std::expected<pid_t, SpawnFault> result = state_->attempt(plan, by_flag);
    if (!result && by_flag && result.error().step == Step::cgroup && means_unknown(result.error().code)) {
        state_->clones_into_cgroup = false;
        result = state_->attempt(plan, false);
    }
    return result;
}

} // namespace mi::os
