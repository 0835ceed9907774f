// Starts processes, from the parent's side. This essay argues that no process with other credentials than PID 1's can
// ever read, write or trace PID 1's memory, and that no process can make PID 1 wait.
//
// A process is made in one of two ways:
//
// - In our memory: clone(CLONE_VM) on a separate stack, which is by far the cheapest way. Such a child has PID 1's
//   credentials as long as it is in our memory: it leaves our memory by exec or exit, and no step of such a plan
//   changes a user, a group or a capability (needs_executor). So a process that can read or trace this child can read
//   or trace PID 1 in any case.
// - By the executor: for a plan with other credentials, with a change that affects a whole memory (the OOM score), or
//   with a cgroup that may kill or stall the processes whose memory is charged to it. In our memory, the child only
//   takes its own descriptor table, places descriptors there, and executes the executor image, with PID 1's
//   credentials, from sealed memory that depends on no file system. The executor has its own memory with only its
//   orders, arguments and environment. It performs all other steps; the change of identity is nearly the last one.
//
// What other processes can do to a child: a process of the same user can stop it, trace it (if it is dumpable) and read
// its memory, as soon as the child has that user; in our memory it never has. The owner of a program file, or the
// server of its file system, can delay the child's execve(2): by a lease, FUSE, or NFS. A process that can write to its
// cgroup can freeze it there. PID 1 waits for none of these: start() waits at most for `patience` (2 ms by default)
// until the child has left our memory, and otherwise returns a Start that is not decided yet. The memory that such a
// child uses (Loan: stack, orders, words) stays allocated until the kernel reports that the child has left; the next
// start uses another Loan. If the child has not even taken its own descriptor table yet (it was frozen from the start,
// or the machine is busy), it is cancelled by one compare-and-exchange, and a new child is made with a copy of our
// table.
//
// A network namespace is also made by a child in our memory (make_network): it has our credentials, and executes no
// program. Making one takes kernel locks that all network namespaces share, and users with namespaces of their own can
// keep these locks busy. So PID 1 waits for this child no longer than for any other, and the caller asks again for the
// namespace. The child is never killed: it ends by itself when the kernel lets it, and before that its descriptor might
// appear in our table without our knowing its number.
//
// PID 1 is not dumpable as long as it may make processes of other users (make_undumpable): so only processes with
// CAP_SYS_PTRACE can use a core file, ptrace(2) or /proc/PID/mem. It becomes dumpable again only by its own execve,
// which gives it a new memory that no other process shares. That alone would not be enough if a child with another user
// were in our memory: setresuid(2) sets dumpable to fs.suid_dumpable, which may be 1, for all processes that share the
// memory; and before Linux 5.16 a core dump of one of them kills them all.
//
// The result of a start comes through a pipe that the executor holds with close-on-exec. End of file means: the child
// has executed its program (or has died; then its exit shows that). Eight bytes before that name the step that has
// failed. A user who takes control of an executor after its change of identity can write to that pipe, and to the
// progress memory (which is sealed against shrinking): that affects only the messages about the user's own start.
#include "os/spawn/spawn.hpp"

#include "os/file/runtime.hpp"
#include "os/process/limits.hpp"
#include "os/spawn/clone.hpp"
#include "os/spawn/executor_image.hpp"
#include "os/spawn/orders_builder.hpp"
#include "os/spawn/orders_text.hpp"
#include "os/spawn/progress_memory.hpp"
#include "os/spawn/steps.hpp"
#include "os/spawn/window.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

namespace mi::os {
namespace {

// Whether clone3 failed because this kernel (or a seccomp filter) does not support it, and not because of its
// arguments.
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

// All memory that a child in our memory uses; it must not change until the child has left.
struct Loan {
    Stack stack;
    OrdersBuilder orders;
    std::vector<char> words;     // arguments, environment, and the orders as text
    std::vector<char*> pointers; // pointers into `words`
    Report report;
    Child child;
    std::uint32_t table = 0; // see Child::table
    int network = -1;        // a descriptor that the child has opened in our table

    [[nodiscard]] bool free() const { return is_gone(stack); }
    // The namespace from make_network, or empty.
    [[nodiscard]] Fd take_network() { return Fd(std::exchange(network, -1)); }
};

Result<std::unique_ptr<Loan>> make_loan() {
    auto loan = std::make_unique<Loan>();
    Result<Stack> stack = Stack::make();
    if (!stack)
        return std::unexpected(stack.error());
    loan->stack = *std::move(stack);
    return loan;
}

// Tries to stop the child before it has its own descriptor table; if that succeeds, the child sees it and does nothing.
bool cancel(Loan& loan) {
    std::uint32_t expected = table_is_shared;
    return __atomic_compare_exchange_n(&loan.table, &expected, start_is_cancelled, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

BARE void be_child(void* with) {
    const Child& child = static_cast<Loan*>(with)->child;
    if (place_descriptors(child))
        carry_out(child);
    leave(127);
}

BARE void make_network_for(void* with) {
    auto* loan = static_cast<Loan*>(with);
    make_network_namespace(loan->report, loan->network);
    leave(127);
}

std::string quoted(const std::string& text) { return '"' + text + '"'; }

// An element of a list, or null: the number in a report may be wrong, because the process's user may have written it.
template <typename List>
const typename List::value_type* item_of(const List& list, std::size_t item) {
    return item < list.size() ? &list[item] : nullptr;
}

std::string about_open(const Plan& plan, const Report& report) {
    const Open* open = item_of(plan.opens, report.item);
    if (open == nullptr)
        return {};
    if (report.code == ELOOP || report.code == EMLINK || report.code == EPERM)
        return quoted(open->path) +
               ", where others than root can write: no link is followed there, no file with a second name "
               "opened";
    return quoted(open->path);
}

std::string about_secret(const std::vector<Secret>& secrets, const Report& report) {
    const Secret* secret = item_of(secrets, report.item);
    if (secret == nullptr)
        return {};
    std::string_view why;
    switch (report.code) {
    case ENOTSUP: why = ", which is no regular file"; break;
    case EFBIG: why = ", which is over 1 MiB"; break;
    case E2BIG: why = ", which is over 128 KiB, and so too long for a variable"; break;
    case EINVAL: why = ", which holds a zero byte"; break;
    case ELOOP:
    case EMLINK:
        why = ", where others than root can write: no link of theirs is followed, no second name opened";
        break;
    }
    return secret->name + " from " + quoted(secret->path) + std::string(why);
}

std::string about_exec(const Plan& plan, const Report& report) {
    if (report.code != ENOENT)
        return quoted(plan.file);
    if (report.item == exec_found)
        return quoted(plan.file) + ", whose interpreter is missing";
    if (plan.mounting) // with its own mounts, we cannot check it from here: the path may hang
        return quoted(plan.file) +
               ", as the service sees it: its private-tmp, inaccessible-paths or other mounts may hide it";
    return quoted(plan.file);
}

// The object of a step, for people.
std::string object_of(const Plan& plan, const Report& report) {
    switch (static_cast<Step>(report.step)) {
    case Step::groups:
    case Step::group:
    case Step::user:
        if (!plan.user_name.empty())
            return "user " + quoted(plan.user_name);
        return plan.user ? "user " + std::to_string(*plan.user) : "";
    case Step::own_directory: {
        const Directory* directory = item_of(plan.directories, report.item);
        return directory == nullptr ? "" : quoted(directory->path());
    }
    case Step::mount: {
        const MountChange* change = plan.mounting ? item_of(plan.mounting->changes, report.item) : nullptr;
        return change == nullptr ? "" : change->about;
    }
    case Step::capabilities:
        return report.item < capability_names().size() ? std::string(capability_names()[report.item]) : "";
    case Step::mount_namespace:
        return plan.mounting && !plan.mounting->changes.empty() ? plan.mounting->changes.front().about
               : plan.root.empty()                              ? "private-mounts"
                                                                : "root-directory";
    case Step::root: return quoted(plan.root);
    case Step::network_namespace:
    case Step::loopback:
    case Step::network: return "private-network";
    case Step::filter: return "system-call-filter";
    case Step::directory: return quoted(plan.directory);
    case Step::open_file: return about_open(plan, report);
    case Step::terminal: return plan.terminal ? quoted(plan.terminal->path) : "";
    case Step::nice: return plan.nice ? std::to_string(*plan.nice) : "";
    case Step::oom_score: return plan.oom_score ? std::to_string(*plan.oom_score) : "";
    case Step::limits: {
        const Limit* limit = item_of(plan.limits, report.item);
        return limit == nullptr ? "" : words_of(*limit);
    }
    case Step::stdio: {
        const Move* move = item_of(plan.moves, report.item);
        return "descriptor " + std::to_string(move == nullptr ? -1 : move->target);
    }
    case Step::exec: return about_exec(plan, report);
    case Step::credential: return plan.credentials ? about_secret(plan.credentials->files, report) : "";
    case Step::environment_from: return about_secret(plan.environment_from, report);
    case Step::clone:
    case Step::executor:
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
    return {};
}

// Turns any number in a report into a valid step.
Step step_of(const Report& report) {
    return report.step <= static_cast<std::uint16_t>(last_step) ? static_cast<Step>(report.step) : last_step;
}

SpawnFault fault_of(const Plan& plan, Report report) {
    report.step = static_cast<std::uint16_t>(step_of(report));
    return {step_of(report), report.code, object_of(plan, report)};
}

} // namespace

struct Spawner::State {
    // The way to make a child.
    struct Birth {
        bool cgroup_by_flag = false; // clone3(2) puts it into its cgroup
        bool may_share_table = true; // it shares our descriptor table until it takes its own
    };
    Span patience{};
    std::unique_ptr<Loan> loan;                   // for the next start; null while a child still uses it
    std::vector<std::unique_ptr<Loan>> abandoned; // their Starts were destroyed, but their children still use them
    pid_t cancelled_child = 0;                    // from the last start; 0: none
    Window window;
    int executor = -1;          // number in the window
    Result<> has_executor = {}; // the fault, if there is none
    std::optional<ProgressMemory> progress;
    int progress_fd = -1; // number in the window
    bool shares_table = false;
    bool clones_into_cgroup = true;
    mode_t own_umask = 022;
    std::vector<int> ignored_signals;
    bool keeps_capabilities = false;
    CapabilitySet carried = 0; // capabilities that an exec would remove from us
    std::vector<Move> wanted, placed;
    std::vector<GapOrder> gaps;

    [[nodiscard]] Result<> borrow();
    void give_back(std::unique_ptr<Loan> returned);
    void find_executor(bool own_binary);
    [[nodiscard]] int extra(int source, int target);
    [[nodiscard]] bool order_descriptors(const Plan& plan, bool apart, bool may_share, int report, int procs);
    [[nodiscard]] std::optional<SpawnFault> write_words(const Plan& plan, bool apart);
    void order(const Plan& plan);
    // nullopt: the start was cancelled, because the child had not taken its own descriptor table in time.
    std::expected<std::optional<Start>, SpawnFault> attempt(const Plan& plan, Birth birth);
};

// --- a start in progress
// ----------------------------------------------------------------------------------------------

struct Start::Waiting {
    Spawner::State* spawner = nullptr;
    std::unique_ptr<Loan> loan; // while the child is in our memory
    bool apart = false;         // the executor performs the rest
    ProgressSlot slot;
    Plan plan;

    ~Waiting() {
        if (loan)
            spawner->give_back(std::move(loan));
    }
};

Start::Start() = default;
Start::Start(pid_t pid, Fd report) : pid_(pid), decided_(!report), report_(std::move(report)) {}
Start::Start(Start&&) noexcept = default;
Start& Start::operator=(Start&&) noexcept = default;
Start::~Start() = default;

bool Start::decide() {
    if (decided_)
        return true;
    if (waiting_ && waiting_->loan) {
        if (!waiting_->loan->free())
            return false;
        const Report& report = waiting_->loan->report;
        network_ = waiting_->loan->take_network();
        if (report.code != 0)
            fault_ = fault_of(waiting_->plan, report);
        decided_ = report.code != 0 || !waiting_->apart;
        waiting_->spawner->give_back(std::move(waiting_->loan));
    }
    if (!decided_) {
        Report report;
        const ssize_t got = ::read(report_.get(), &report, sizeof report);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (got == sizeof report && report.code > 0)
            fault_ = waiting_ ? fault_of(waiting_->plan, report) : SpawnFault{step_of(report), report.code, {}};
        decided_ = true;
    }
    report_.reset();
    waiting_.reset();
    return true;
}

std::string Start::where() const {
    if (!waiting_)
        return {};
    const Report report = waiting_->loan ? waiting_->loan->report : waiting_->slot.read();
    std::string words(name(step_of(report)));
    if (std::string object = object_of(waiting_->plan, report); !object.empty())
        words += " (" + object + ")";
    return words;
}

// --- making the spawner -----------------------------------------------------------------------------------------------

Result<Spawner> Spawner::make(Span patience, Image image) {
    auto state = std::make_unique<State>();
    state->patience = patience;
    if (Result<> borrowed = state->borrow(); !borrowed)
        return std::unexpected(borrowed.error());
    Result<Window> window = Window::open();
    if (!window)
        return std::unexpected(window.error());
    state->window = *std::move(window);
    state->find_executor(image == Image::own_binary);
    // No descriptor has such a high number, so this only checks whether the kernel (5.9) supports it.
    state->shares_table = ::syscall(SYS_close_range, ~0U, ~0U, 2U /* CLOSE_RANGE_UNSHARE */) == 0;
    state->own_umask = ::umask(022);
    ::umask(state->own_umask);
    state->ignored_signals = signals_not_default();
    const int secure = ::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    // No fixup, keep caps (capabilities(7), securebits).
    state->keeps_capabilities = secure > 0 && (secure & ((1 << 2) | (1 << 4))) != 0;
    if (::geteuid() != 0 || (secure & 1) != 0) // SECBIT_NOROOT
        state->carried = own_capabilities();
    return Spawner(std::move(state));
}

void Spawner::State::find_executor(bool own_binary) {
    Result<Fd> image = own_binary ? Result<Fd>(fault(EACCES, "make memory for the executor")) : make_executor_image();
    if (!image)
        if (Result<Fd> binary = open_own_binary())
            image = std::move(binary);
    if (image)
        if (Result<int> kept = window.keep(*std::move(image)); kept)
            executor = *kept;
        else
            has_executor = std::unexpected(kept.error());
    else
        has_executor = std::unexpected(image.error());
    // Without it, only the message about a start that hangs lacks the step.
    if (Result<ProgressMemory> memory = ProgressMemory::make()) {
        if (Result<int> kept = window.keep(memory->take_fd())) {
            progress_fd = *kept;
            progress = *std::move(memory);
        }
    }
}

Spawner::Spawner(std::unique_ptr<State> state) : state_(std::move(state)) {}
Spawner::Spawner(Spawner&&) noexcept = default;
Spawner& Spawner::operator=(Spawner&&) noexcept = default;
Spawner::~Spawner() = default;

void make_undumpable() {
    // Any failure of this cannot be corrected.
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

Result<> Spawner::State::borrow() {
    if (loan)
        return {};
    // A child may have left the memory of an old Loan meanwhile.
    auto back = std::ranges::find_if(abandoned, [](const auto& one) { return one->free(); });
    if (back != abandoned.end()) {
        loan = std::move(*back);
        abandoned.erase(back);
        (void)loan->take_network(); // closes a namespace that was not collected
        return {};
    }
    Result<std::unique_ptr<Loan>> made = make_loan();
    if (!made)
        return std::unexpected(made.error());
    loan = *std::move(made);
    return {};
}

void Spawner::State::give_back(std::unique_ptr<Loan> returned) {
    if (!returned->free())
        return abandoned.push_back(std::move(returned));
    (void)returned->take_network(); // closes a namespace that was not collected
    if (!loan)
        loan = std::move(returned);
}

// --- orders -----------------------------------------------------------------------------------------------------------

// Adds a descriptor that the child itself needs, as `target`; returns that, or -1 if there is none.
int Spawner::State::extra(int source, int target) {
    if (source < 0)
        return -1;
    wanted.push_back({source, target});
    return target;
}

// Puts descriptors where the child expects them, and adds the orders for them. True: the child may share our table.
bool Spawner::State::order_descriptors(const Plan& plan, bool apart, bool may_share, int report, int procs) {
    int free = std::max(window.ceiling(), 3);
    for (const Move& move : plan.moves)
        free = std::max(free, move.target + 1);
    wanted = plan.moves;
    const int network_at = extra(plan.network, free);
    const int procs_at = extra(procs, free + 1);
    const int report_at = extra(report, free + 2);
    const int progress_at = extra(apart ? progress_fd : -1, free + 3);
    const int executor_at = extra(apart ? executor : -1, free + 4);
    const bool through_window = window.hand_over(wanted, placed);
    const bool shared = through_window && shares_table && may_share;
    if (!through_window) { // the general way: the child gets a copy of the whole table, and sorts it itself
        placed = wanted;
        for (Move& move : placed)
            if (move.source == null_device)
                move.source = window.null();
    }
    gaps.clear();
    if (!shared || !window.pristine())
        find_gaps(wanted, gaps);
    std::vector<MoveOrder> moves;
    for (const Move& move : placed)
        moves.push_back({move.source, move.target});
    const auto moves_at = loan->orders.add(moves);
    const auto gaps_at = loan->orders.add(gaps);
    Orders& orders = loan->orders.orders();
    orders.moves = moves_at;
    orders.gaps = gaps_at;
    orders.lift_moves = through_window ? 0 : 1;
    orders.lift_above = free + 5;
    orders.own_table_up_to = shared ? window.ceiling() : -1;
    orders.network = network_at;
    orders.cgroup_procs = procs_at;
    orders.report = report_at;
    orders.progress = progress_at;
    orders.executor = executor_at;
    return shared;
}

void Spawner::State::order(const Plan& plan) {
    loan->report = {};
    loan->orders.begin(plan);
    const auto ignored = loan->orders.add(ignored_signals);
    Orders& orders = loan->orders.orders();
    orders.ignored_signals = ignored;
    orders.parent = plan.parent_death_signal != 0 ? ::getpid() : 0;
    orders.own_umask = own_umask;
    orders.keeps_capabilities = keeps_capabilities ? 1 : 0;
    orders.carried = needs_executor(plan) ? carried : 0;
}

// Writes the arguments and the environment, and for the executor the orders after the arguments.
std::optional<SpawnFault> Spawner::State::write_words(const Plan& plan, bool apart) {
    std::vector<char>& words = loan->words;
    words.clear();
    std::vector<std::size_t> starts;
    auto add = [&](std::string_view word) {
        starts.push_back(words.size());
        words.insert(words.end(), word.begin(), word.end());
        words.push_back('\0');
    };
    for (std::size_t i = 0; i < plan.arguments.size(); ++i)
        add(plan.arguments[i]);
    if (apart) {
        std::string_view rest = loan->orders.bytes();
        const std::size_t pieces = (rest.size() + piece_size - 1) / piece_size;
        if (pieces > most_pieces || rest.size() > most_orders)
            return SpawnFault{Step::executor, E2BIG, {}};
        for (; !rest.empty(); rest.remove_prefix(std::min<std::size_t>(piece_size, rest.size()))) {
            const std::string_view piece = rest.substr(0, piece_size);
            starts.push_back(words.size());
            words.resize(words.size() + stuffed_size(piece.size()) + 1);
            const std::size_t length = stuff(piece.data(), piece.size(), words.data() + starts.back());
            words.resize(starts.back() + length);
            words.push_back('\0');
        }
        add(std::string(orders_mark) + static_cast<char>('0' + pieces));
    }
    const std::size_t arguments = starts.size();
    for (std::size_t i = 0; i < plan.environment.size(); ++i)
        add(plan.environment[i]);
    std::vector<char*>& pointers = loan->pointers;
    pointers.assign(1, nullptr); // an entry before the arguments, so that `sh FILE ARG...` can start there
    for (std::size_t i = 0; i < starts.size(); ++i) {
        if (i == arguments)
            pointers.push_back(nullptr);
        pointers.push_back(words.data() + starts[i]);
    }
    if (starts.size() == arguments)
        pointers.push_back(nullptr);
    pointers.push_back(nullptr);
    loan->child = {.orders = &loan->orders.orders(),
                   .arguments = pointers.data() + 1,
                   .environment = pointers.data() + 1 + arguments + 1,
                   .report = &loan->report};
    return std::nullopt;
}

// --- a start ----------------------------------------------------------------------------------------------------------

std::expected<std::optional<Start>, SpawnFault> Spawner::State::attempt(const Plan& plan, Birth birth) {
    const bool apart = needs_executor(plan);
    auto refused = [](Step step, int code) { return std::unexpected(SpawnFault{step, code, {}}); };
    if (apart && executor < 0)
        return refused(Step::executor, has_executor ? ENOEXEC : has_executor.error().code);
    if (Result<> borrowed = borrow(); !borrowed)
        return refused(Step::clone, ENOMEM);
    Fd procs, told, tells;
    if (plan.cgroup >= 0 && !birth.cgroup_by_flag) {
        procs = Fd(::openat(plan.cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
        if (!procs)
            return refused(Step::cgroup, errno);
    }
    if (apart) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
            return refused(Step::clone, errno);
        told = Fd(ends[0]);
        tells = Fd(ends[1]);
    }
    order(plan);
    const bool shared = order_descriptors(plan, apart, birth.may_share_table, tells.get(), procs.get());
    ProgressSlot slot;
    if (apart && progress) {
        slot = progress->take();
        loan->orders.orders().slot = slot.offset();
    }
    loan->orders.finish();
    if (std::optional<SpawnFault> too_long = write_words(plan, apart)) {
        window.take_back();
        return std::unexpected(*too_long);
    }
    loan->table = table_is_shared;
    loan->child.table = shared ? &loan->table : nullptr;
    const long child =
        clone_borrowing(loan->stack, {be_child, loan.get()}, shared, birth.cgroup_by_flag ? plan.cgroup : -1);
    const int code = errno;
    const bool gone = child < 0 || wait_until_gone(loan->stack, patience);
    const bool cancelled = !gone && shared && cancel(*loan);
    window.take_back();
    if (child < 0)
        return refused(birth.cgroup_by_flag && code != EAGAIN && code != ENOMEM ? Step::cgroup : Step::clone, code);
    if (cancelled) {
        abandoned.push_back(std::move(loan));
        cancelled_child = static_cast<pid_t>(child);
        return std::nullopt;
    }
    Start start(static_cast<pid_t>(child), std::move(told));
    if (gone && loan->report.code != 0) {
        ::waitpid(static_cast<pid_t>(child), nullptr, 0);
        return std::unexpected(fault_of(plan, loan->report));
    }
    start.decided_ = gone && !apart;
    if (start.decided_)
        return start;
    start.waiting_ = std::make_unique<Start::Waiting>();
    start.waiting_->spawner = this;
    start.waiting_->apart = apart;
    start.waiting_->slot = std::move(slot);
    start.waiting_->plan = plan;
    if (!gone)
        start.waiting_->loan = std::move(loan);
    return start;
}

std::expected<Start, SpawnFault> Spawner::start(const Plan& plan) {
    State::Birth birth{.cgroup_by_flag = plan.cgroup >= 0 && state_->clones_into_cgroup && !plan.apart};
    std::expected<std::optional<Start>, SpawnFault> made = state_->attempt(plan, birth);
    if (!made && birth.cgroup_by_flag && made.error().step == Step::cgroup && means_unknown(made.error().code)) {
        state_->clones_into_cgroup = birth.cgroup_by_flag = false;
        made = state_->attempt(plan, birth);
    }
    if (made && !*made) {
        birth.may_share_table = false; // so this one cannot be cancelled
        made = state_->attempt(plan, birth);
    }
    if (!made)
        return std::unexpected(made.error());
    return **std::move(made);
}

std::expected<pid_t, SpawnFault> Spawner::spawn(const Plan& plan) {
    state_->cancelled_child = 0;
    std::expected<Start, SpawnFault> started = start(plan);
    if (state_->cancelled_child > 0)
        ::waitpid(state_->cancelled_child, nullptr, 0);
    if (!started)
        return std::unexpected(started.error());
    while (!started->decide()) {
        pollfd told{started->report(), POLLIN, 0};
        ::poll(&told, 1, 10);
    }
    if (!started->fault())
        return started->pid();
    ::waitpid(started->pid(), nullptr, 0);
    return std::unexpected(*started->fault());
}

std::expected<Start, SpawnFault> Spawner::make_network() {
    auto refused = [](const Report& why) {
        return std::unexpected(SpawnFault{step_of(why), why.code, "private-network"});
    };
    const Report no_child{.step = static_cast<std::uint16_t>(Step::clone), .code = ENOMEM};
    if (Result<> borrowed = state_->borrow(); !borrowed)
        return refused(no_child);
    Loan& loan = *state_->loan;
    loan.report = {};
    const long child = clone_borrowing(loan.stack, {make_network_for, &loan}, true, -1);
    if (child < 0)
        return refused({.step = no_child.step, .code = errno});
    Start start(static_cast<pid_t>(child), Fd());
    if (wait_until_gone(loan.stack, state_->patience)) {
        ::waitpid(start.pid_, nullptr, 0); // the child has left our memory and cannot be delayed any more
        start.network_ = loan.take_network();
        if (loan.report.code != 0)
            return refused(loan.report);
        return start;
    }
    start.decided_ = false;
    start.waiting_ = std::make_unique<Start::Waiting>();
    start.waiting_->spawner = state_.get();
    start.waiting_->loan = std::move(state_->loan);
    return start;
}

} // namespace mi::os
