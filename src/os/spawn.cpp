// The parent's side of a start: makes the plan ready, lends the child a stack and a way to its descriptors, and waits until
// the child has become its program or has said why not.
#include "os/spawn.hpp"

#include "os/child.hpp"
#include "os/runtime.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>

namespace mi::os {
namespace {

constexpr std::size_t stack_size = 64 * 1024;
constexpr std::size_t guard_size = 4096 * 16; // a page or more, whatever the page size
constexpr std::size_t window_size = 8;
constexpr std::uint64_t into_cgroup = 0x200000000ULL; // CLONE_INTO_CGROUP, Linux 5.7

// The stack of a child in our memory. Its lowest word is cleared by the kernel when the child has left our memory.
class Stack {
public:
    Stack() = default;
    static Result<Stack> make() {
        Stack stack;
        void* base = ::mmap(nullptr, guard_size + stack_size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (base == MAP_FAILED)
            return fault(errno, "map a stack");
        stack.base_ = static_cast<char*>(base);
        if (::mprotect(base, guard_size, PROT_NONE) != 0)
            return fault(errno, "guard a stack");
        return stack;
    }
    Stack(Stack&& other) noexcept : base_(std::exchange(other.base_, nullptr)) {}
    Stack& operator=(Stack&& other) noexcept {
        std::swap(base_, other.base_);
        return *this;
    }
    ~Stack() {
        if (base_ != nullptr)
            ::munmap(base_, guard_size + stack_size);
    }
    [[nodiscard]] char* bottom() const { return base_ + guard_size; }
    [[nodiscard]] std::uint32_t* occupied() const { return reinterpret_cast<std::uint32_t*>(bottom()); }
    void abandon() { base_ = nullptr; }

private:
    char* base_ = nullptr;
};

void enter(void* orders) { be_child(*static_cast<ChildOrders*>(orders)); }
int enter_from_clone(void* orders) {
    enter(orders);
    return 127;
}

// clone3(2) onto a stack of its own: libc has no function for it. -1 and ENOSYS where we have not written one either.
long clone3_onto_stack([[maybe_unused]] clone_args& args, [[maybe_unused]] void* orders) {
#if defined(__x86_64__)
    long result = 0;
    register void (*entry)(void*) asm("r8") = enter;
    register void* argument asm("r9") = orders;
    asm volatile("syscall\n\t"
                 "testq %%rax, %%rax\n\t"
                 "jnz 1f\n\t"
                 "xorl %%ebp, %%ebp\n\t"
                 "movq %%r9, %%rdi\n\t"
                 "callq *%%r8\n\t"
                 "ud2\n"
                 "1:"
                 : "=a"(result)
                 : "0"(static_cast<long>(SYS_clone3)), "D"(&args), "S"(sizeof args), "r"(entry), "r"(argument)
                 : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long result asm("x0") = reinterpret_cast<long>(&args);
    register long size asm("x1") = sizeof args;
    register long number asm("x8") = SYS_clone3;
    register void (*entry)(void*) asm("x9") = enter;
    register void* argument asm("x10") = orders;
    asm volatile("svc #0\n\t"
                 "cbnz x0, 1f\n\t"
                 "mov x29, #0\n\t"
                 "mov x0, x10\n\t"
                 "blr x9\n\t"
                 "brk #1\n"
                 "1:"
                 : "+r"(result)
                 : "r"(size), "r"(number), "r"(entry), "r"(argument)
                 : "memory");
#else
    long result = -ENOSYS;
#endif
    if (result >= 0)
        return result;
    errno = static_cast<int>(-result);
    return -1;
}

// Whether clone3 failed because this kernel (or a filter before it) does not do it, not because of what was asked.
bool means_unknown(int code) { return code == ENOSYS || code == EINVAL || code == E2BIG || code == EPERM; }

std::vector<int> signals_not_default() {
    std::vector<int> found;
    for (int signal = 1; signal < _NSIG; ++signal) {
        struct sigaction action {};
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
    std::vector<int> window; // our low descriptors, each on /dev/null when not in use
    int ceiling = 0;         // above the window
    bool pristine = false;   // below the ceiling there is nothing but 0, 1, 2 and the window
    bool shares_table = false;
    bool clones_into_cgroup = true;
    bool was_dumpable = true;
    std::string own_oom_score; // as /proc tells it

    ChildOrders orders; // reused, so that a start allocates nothing once warm
    std::vector<char*> pointers;
    std::vector<int> used; // of the window, in this start

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        for (int fd : window)
            ::close(fd);
    }

    Result<> open_window();
    void prepare(const Plan& plan);
    bool hand_over(const Plan& plan, int cgroup_procs);
    void lift_over(const Plan& plan, int cgroup_procs);
    void note_gaps(const Plan& plan);
    void take_window_back();
    long start(const Plan& plan, bool use_cgroup_flag, bool shared);
    bool wait_for(pid_t child);
    std::expected<pid_t, SpawnFault> attempt(const Plan& plan, bool use_cgroup_flag);
};

// /dev/null, or what reads like it: the end of a pipe that nobody writes to.
static Result<Fd> nothing() {
    Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null)
        return null;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return fault(errno, "open", "/dev/null");
    ::close(ends[1]);
    return Fd(ends[0]);
}

Result<> Spawner::State::open_window() {
    Result<Fd> null = nothing();
    if (!null)
        return std::unexpected(null.error());
    if (null->get() < 3)
        null = Fd(::fcntl(null->get(), F_DUPFD_CLOEXEC, 3));
    if (!*null)
        return fault(errno, "reserve descriptors");
    window.push_back(null->release());
    while (window.size() < window_size) {
        int fd = ::fcntl(window.front(), F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
            return fault(errno, "reserve descriptors");
        window.push_back(fd);
    }
    ceiling = window.back() + 1;
    pristine = window.front() == 3 && static_cast<std::size_t>(ceiling - 3) == window.size();
    return {};
}

Result<Spawner> Spawner::make(Span patience) {
    auto state = std::make_unique<State>();
    state->patience = patience;
    Result<Stack> stack = Stack::make();
    if (!stack)
        return std::unexpected(stack.error());
    state->stack = std::move(*stack);
    if (Result<> opened = state->open_window(); !opened)
        return std::unexpected(opened.error());
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

// Puts the sources into the window, where the child finds them below the ceiling. A target that is itself in the window gets
// its own place, so that no move overwrites another's source. False if they are too many.
bool Spawner::State::hand_over(const Plan& plan, int cgroup_procs) {
    used.clear();
    orders.moves.clear();
    auto in_window = [&](int fd) { return std::ranges::find(window, fd) != window.end(); };
    auto is_target = [&](int fd) {
        return std::ranges::any_of(plan.moves, [fd](const Move& move) { return move.target == fd; });
    };
    std::vector<int>& taken = used;
    auto free_place = [&]() {
        for (int fd : window)
            if (!is_target(fd) && std::ranges::find(taken, fd) == taken.end())
                return fd;
        return -1;
    };
    auto put = [&](int source, int place) {
        // One stays as it is: the others are put right again from it.
        if (place < 0 || taken.size() + 1 >= window.size() || ::dup3(source, place, O_CLOEXEC) < 0)
            return false;
        taken.push_back(place);
        return true;
    };
    orders.cgroup_procs = -1;
    if (cgroup_procs >= 0) {
        orders.cgroup_procs = free_place();
        if (!put(cgroup_procs, orders.cgroup_procs))
            return false;
    }
    for (const Move& move : plan.moves) {
        if (move.source == null_device)
            continue;
        if (move.source == move.target && move.target <= 2)
            continue; // ours stays the child's
        int place = in_window(move.target) ? move.target : free_place();
        if (!put(move.source, place))
            return false;
        orders.moves.push_back({place, move.target});
    }
    int null = free_place();
    if (null < 0)
        return false;
    for (const Move& move : plan.moves)
        if (move.source == null_device)
            orders.moves.push_back({in_window(move.target) ? move.target : null, move.target});
    return true;
}

// The general way: the child gets a copy of the whole table and sorts it out itself.
void Spawner::State::lift_over(const Plan& plan, int cgroup_procs) {
    orders.cgroup_procs = cgroup_procs;
    orders.moves = plan.moves;
    for (Move& move : orders.moves)
        if (move.source == null_device)
            move.source = window.front();
}

void Spawner::State::note_gaps(const Plan& plan) {
    orders.gaps.clear();
    std::vector<unsigned> targets;
    for (const Move& move : plan.moves)
        if (move.target > 2)
            targets.push_back(static_cast<unsigned>(move.target));
    std::ranges::sort(targets);
    unsigned from = 3;
    for (unsigned target : targets) {
        if (target > from)
            orders.gaps.emplace_back(from, target - 1);
        from = target + 1;
    }
    orders.gaps.emplace_back(from, ~0U);
}

void Spawner::State::take_window_back() {
    if (used.empty())
        return;
    for (int fd : window)
        if (std::ranges::find(used, fd) == used.end()) {
            for (int place : used)
                ::dup3(fd, place, O_CLOEXEC);
            break;
        }
    used.clear();
}

void Spawner::State::prepare(const Plan& plan) {
    orders.plan = &plan;
    orders.report = {};
    orders.parent = ::getpid();
    orders.speak = plan.copying;
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

// Makes the child. In our memory: returns here only in the parent.
long Spawner::State::start(const Plan& plan, bool use_cgroup_flag, bool shared) {
    if (plan.copying) {
        if (!use_cgroup_flag) {
            pid_t child = ::fork();
            if (child == 0)
                be_child(orders);
            return child;
        }
        clone_args args{};
        args.flags = into_cgroup;
        args.exit_signal = SIGCHLD;
        args.cgroup = static_cast<std::uint64_t>(plan.cgroup);
        long child = ::syscall(SYS_clone3, &args, sizeof args);
        if (child == 0)
            be_child(orders);
        return child;
    }
    __atomic_store_n(stack.occupied(), 1U, __ATOMIC_SEQ_CST);
    int flags = CLONE_VM | CLONE_CHILD_CLEARTID | (shared ? CLONE_FILES : 0);
    if (!use_cgroup_flag)
        return ::clone(enter_from_clone, stack.bottom() + stack_size, flags | SIGCHLD, &orders, nullptr, nullptr,
                       stack.occupied());
    clone_args args{};
    args.flags = static_cast<std::uint64_t>(flags) | into_cgroup;
    args.child_tid = reinterpret_cast<std::uintptr_t>(stack.occupied());
    args.exit_signal = SIGCHLD;
    args.stack = reinterpret_cast<std::uintptr_t>(stack.bottom());
    args.stack_size = stack_size;
    args.cgroup = static_cast<std::uint64_t>(plan.cgroup);
    return clone3_onto_stack(args, &orders);
}

// True once the child has left our memory, by exec or exit. False: it has not within our patience, and was killed; it never
// runs our code again, but the kernel will yet write to its stack's lowest word.
bool Spawner::State::wait_for(pid_t child) {
    timespec limit{};
    ::clock_gettime(CLOCK_MONOTONIC, &limit);
    Span end = std::chrono::seconds(limit.tv_sec) + Span(limit.tv_nsec) + patience;
    limit = {static_cast<time_t>(end / std::chrono::seconds(1)), static_cast<long>((end % std::chrono::seconds(1)).count())};
    while (__atomic_load_n(stack.occupied(), __ATOMIC_SEQ_CST) != 0) {
        // The bitset form takes an absolute time. The kernel's wake-up at exec is a shared one, not FUTEX_PRIVATE.
        long woken = ::syscall(SYS_futex, stack.occupied(), FUTEX_WAIT_BITSET, 1U, &limit, nullptr, FUTEX_BITSET_MATCH_ANY);
        if (woken == 0 || errno != ETIMEDOUT)
            continue;
        if (__atomic_load_n(stack.occupied(), __ATOMIC_SEQ_CST) == 0)
            break;
        ::kill(child, SIGKILL);
        return false;
    }
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
        if (report.code == ENOENT && ::access(plan.file.c_str(), F_OK) == 0)
            return quoted(plan.file) + ", whose interpreter is missing";
        return quoted(plan.file);
    case Step::clone:
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
    prepare(plan);
    Fd procs;
    if (plan.cgroup >= 0 && !use_cgroup_flag) {
        procs = Fd(::openat(plan.cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
        if (!procs)
            return std::unexpected(SpawnFault{Step::cgroup, errno, {}});
    }
    bool through_window = hand_over(plan, procs.get());
    bool shared = through_window && shares_table && !plan.copying;
    orders.lift_moves = !through_window;
    orders.own_table_up_to = shared ? ceiling : -1;
    if (!through_window) {
        take_window_back();
        lift_over(plan, procs.get());
    }
    if (shared && pristine)
        orders.gaps.clear();
    else
        note_gaps(plan);

    long child = start(plan, use_cgroup_flag, shared);
    int code = errno;
    bool arrived = child <= 0 || plan.copying || wait_for(static_cast<pid_t>(child));
    take_window_back();
    if (child < 0)
        return std::unexpected(SpawnFault{use_cgroup_flag && code != EAGAIN && code != ENOMEM ? Step::cgroup : Step::clone,
                                          code, {}});
    // What the child did while in our memory it did to us too: a change of user made us undumpable, a score is ours now.
    if (plan.user && !plan.copying && was_dumpable)
        ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (plan.oom_score && !plan.copying && !own_oom_score.empty())
        static_cast<void>(write_existing("/proc/self/oom_score_adj", own_oom_score));
    if (!arrived) {
        orders.report.code = ETIMEDOUT;
        SpawnFault stuck{orders.report.step, ETIMEDOUT, object_of(plan, orders.report)};
        if (Result<Stack> fresh = Stack::make()) {
            stack.abandon(); // the kernel still has to write there
            stack = std::move(*fresh);
        }
        return std::unexpected(std::move(stuck));
    }
    if (!plan.copying && orders.report.failed) {
        ::waitpid(static_cast<pid_t>(child), nullptr, 0);
        return std::unexpected(SpawnFault{orders.report.step, orders.report.code, object_of(plan, orders.report)});
    }
    return static_cast<pid_t>(child);
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
