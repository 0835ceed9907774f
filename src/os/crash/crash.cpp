#include "os/crash/crash.hpp"

#include "base/clock.hpp"
#include "os/crash/crash_steps.hpp"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <typeinfo>

namespace mi::os {

namespace {

// The one global of the project. A signal handler has no other argument than the signal, and must find its data without
// the heap and the stack that may have just failed.
CrashPlan* armed = nullptr;

constexpr std::size_t stack_size = 64 * 1024, stack_guard = 64 * 1024;

constexpr int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};

constexpr std::int64_t patience = 1'000'000'000; // nanoseconds that the loop has to call crash_now()

void crash(int signal, siginfo_t* info, void* context) {
    CrashPlan* plan = armed;
    // A child between clone and exec shares our memory and our handlers, but must not run our program again.
    if (plan == nullptr || ::syscall(SYS_getpid) != plan->pid)
        ::_exit(128 + signal);
    const bool sent = was_sent(*info, plan->pid);
    if (sent) {
        const int error = errno;
        if (plan->depth != 0 || (plan->is_asked != 0 && monotonic_now().since_boot.count() - plan->asked_at < patience))
            return;
        if (plan->is_asked == 0) {
            plan->asked = sender_of(signal, *info);
            plan->asked_at = monotonic_now().since_boot.count();
            plan->is_asked = 1;
            constexpr std::uint64_t once = 1;
            if (::write(plan->wake, &once, sizeof once) < 0) {
            } // the eventfd is readable already
            errno = error;
            return;
        }
    }
    const auto& place = *static_cast<const ucontext_t*>(context);
    plan->depth = plan->depth + 1;
    if (plan->depth == 1) {
        if (sent)
            note_sent(*plan, sender_of(signal, *info));
        else
            note_fault(*plan, signal, *info);
        note_place(*plan, place);
    }
    // The second fault happened in the lines above: the rest of the trace is lost. After the third fault nothing more
    // is recorded.
    if (plan->depth <= 2)
        count_crash(*plan);
    execute_again(*plan, signal);
}

#ifdef __cpp_exceptions // without exceptions, link/no_exceptions.cpp does this
[[noreturn]] void out_of_memory() {
    note_reason("out of memory");
    std::abort();
}

[[noreturn]] void terminated() {
    const std::type_info* type = abi::__cxa_current_exception_type();
    note_reason(type != nullptr ? type->name() : "terminate");
    std::abort();
}
#endif

void set_handlers(void (*handler)(int, siginfo_t*, void*)) {
    struct sigaction action{};
    sigset_t set;
    ::sigemptyset(&set);
    if (handler != nullptr)
        action.sa_sigaction = handler;
    // The signals must not be blocked inside the handler: a blocked fault ends the process. SA_RESTART: a system call
    // that kill(2) interrupts goes on.
    action.sa_flags = handler != nullptr ? SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART : 0;
    for (int signal : faults) {
        ::sigaction(signal, &action, nullptr);
        ::sigaddset(&set, signal);
    }
    if (handler != nullptr)
        ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
#ifdef __cpp_exceptions
    std::set_new_handler(handler != nullptr ? out_of_memory : nullptr);
    std::set_terminate(handler != nullptr ? terminated : std::abort);
#endif
}

// Moves a descriptor above the low numbers, which are for descriptors on their way to children (window.hpp).
void move_up(Fd& descriptor) {
    if (Fd high(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 16)); high && descriptor.get() < 16)
        descriptor = std::move(high);
}

// Fills the page in the first image; in a later image, takes its settings over from the page.
void begin(CrashPage& page) {
    if (page.magic == CrashPage::right_magic) {
        if (page.trust > Trust::bare)
            page.trust = Trust::caretaker;
        ::prctl(PR_SET_NAME, page.name);          // exec by descriptor has named us after its number
        for (int old : {page.program, page.wake}) // these may be the only two left
            if (old > 2)
                ::close(old);
        if (::chdir(page.directory) != 0) {
        } // relative paths will fail, and nothing can be done
        return;
    }
    page = CrashPage{};
    page.magic = CrashPage::right_magic;
    page.limit = 3;
    ::prctl(PR_GET_NAME, page.name);
    if (::getcwd(page.directory, sizeof page.directory) == nullptr)
        page.directory[0] = 0;
}

} // namespace

struct CrashGuard::State {
    CrashPlan plan;
    Fd state, program, wake;
    std::array<char, 12> number{};
    std::vector<char*> arguments;
    void* stack = MAP_FAILED;

    ~State() {
        if (armed == &plan) {
            set_handlers(nullptr);
            stack_t none{};
            none.ss_flags = SS_DISABLE;
            ::sigaltstack(&none, nullptr);
            armed = nullptr;
        }
        if (stack != MAP_FAILED)
            ::munmap(stack, stack_guard + stack_size);
        if (plan.page != nullptr)
            ::munmap(plan.page, CrashPage::size);
    }
};

CrashGuard::CrashGuard(std::unique_ptr<State> state) : state_(std::move(state)) {}
CrashGuard::CrashGuard(CrashGuard&&) noexcept = default;
CrashGuard& CrashGuard::operator=(CrashGuard&&) noexcept = default;
CrashGuard::~CrashGuard() = default;

Result<CrashGuard> CrashGuard::arm(Fd state, std::span<char* const> arguments) {
    auto made = std::make_unique<State>();
    CrashPlan& plan = made->plan;
    auto refused = [](std::string_view doing) { return fault(errno, doing, "for the case of a crash"); };
    made->state = state ? std::move(state) : Fd(::memfd_create("miniinit", MFD_CLOEXEC));
    move_up(made->state);
    plan.state = made->state.get();
    // A longer file already has a snapshot in it.
    const off_t length = ::lseek(plan.state, 0, SEEK_END);
    if (length < 0 || (length < static_cast<off_t>(CrashPage::size) && ::ftruncate(plan.state, CrashPage::size) != 0))
        return refused("make a memory file");
    void* page = ::mmap(nullptr, CrashPage::size, PROT_READ | PROT_WRITE, MAP_SHARED, plan.state, 0);
    if (page == MAP_FAILED)
        return refused("map a memory file");
    plan.page = static_cast<CrashPage*>(page);
    begin(*plan.page);
    made->program = open_own_program();
    if (!made->program)
        return refused("open our own program");
    move_up(made->program);
    made->wake = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!made->wake)
        return refused("make eventfd");
    move_up(made->wake);
    made->stack = ::mmap(nullptr, stack_guard + stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made->stack == MAP_FAILED || ::mprotect(made->stack, stack_guard, PROT_NONE) != 0)
        return refused("map a stack");
    const stack_t stack{static_cast<char*>(made->stack) + stack_guard, 0, stack_size};
    if (::sigaltstack(&stack, nullptr) != 0)
        return refused("set a stack");

    static char resume[] = "--resume";
    *std::to_chars(made->number.data(), made->number.data() + made->number.size() - 1, plan.state).ptr = 0;
    made->arguments.assign(arguments.begin(), arguments.end());
    if (arguments.size() > 2 &&
        std::string_view(arguments[1]) == resume) // the previous image was executed with --resume, too
        made->arguments.erase(made->arguments.begin() + 1, made->arguments.begin() + 3);
    made->arguments.insert(made->arguments.begin() + 1, {resume, made->number.data()});
    made->arguments.push_back(nullptr);
    plan.pid = ::getpid();
    plan.program = plan.page->program = made->program.get();
    plan.wake = plan.page->wake = made->wake.get();
    plan.arguments = made->arguments.data();
    plan.stack_end = ::getauxval(AT_RANDOM); // the kernel puts these bytes above our whole stack
    ::fcntl(plan.state, F_SETFD, FD_CLOEXEC);
    armed = &plan;
    set_handlers(crash);
    return CrashGuard(std::move(made));
}

CrashPage& CrashGuard::page() const { return *state_->plan.page; }

int CrashGuard::state() const { return state_->state.get(); }

int CrashGuard::wake() const { return state_->wake.get(); }

const SentSignal* CrashGuard::asked() const { return state_->plan.is_asked != 0 ? &state_->plan.asked : nullptr; }

void CrashGuard::forget_asked() {
    std::uint64_t count = 0;
    if (::read(state_->wake.get(), &count, sizeof count) < 0) {
    } // it was drained already
    state_->plan.is_asked = 0;
}

void CrashGuard::crash_now() {
    CrashPlan& plan = state_->plan;
    plan.depth = 1;
    note_sent(plan, plan.asked);
    count_crash(plan);
    execute_again(plan, plan.asked.signal);
}

Fault CrashGuard::run_again(int program) {
    CrashPlan& plan = state_->plan;
    plan.page->deliberate = 1;
    ++plan.page->reexecs;
    plan.depth = 1;
    sigset_t all, before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, &before); // a signal that arrives meanwhile waits for the new image
    keep_descriptors();
    try_execute(plan, program);
    Fault told{errno, "execute", program >= 0 ? "the new program" : "our own program"};
    close_all_on_exec();
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    plan.depth = 0;
    --plan.page->reexecs;
    plan.page->deliberate = 0;
    return told;
}

std::vector<int> CrashGuard::descriptors() const {
    return {state_->state.get(), state_->program.get(), state_->wake.get()};
}

void note_collected(CrashPage& page, pid_t child, int status) {
    page.children[page.collected++ % CrashPage::most_collected] = {child, status};
}

std::vector<Exit> collected_exits(const CrashPage& page) {
    std::vector<Exit> exits;
    const std::uint32_t most = CrashPage::most_collected;
    for (std::uint32_t at = page.collected > most ? page.collected - most : 0; at < page.collected; ++at) {
        const auto& [pid, status] = page.children[at % most];
        if (WIFEXITED(status))
            exits.push_back({pid, Exit::Kind::exited, WEXITSTATUS(status), false});
        else if (WIFSIGNALED(status))
            exits.push_back({pid, Exit::Kind::killed, WTERMSIG(status), WCOREDUMP(status) != 0});
    }
    return exits;
}

Fd open_own_program() {
    Fd program(::open("/proc/self/exe", O_PATH | O_CLOEXEC));
    if (!program)
        if (const auto* path = reinterpret_cast<const char*>(::getauxval(AT_EXECFN)))
            program = Fd(::open(path, O_PATH | O_CLOEXEC));
    return program;
}

void note_reason(std::string_view text) {
    CrashPlan* plan = armed;
    if (plan == nullptr || ::syscall(SYS_getpid) != plan->pid || plan->reason != 0)
        return;
    text = text.substr(0, sizeof plan->page->text - 1);
    *std::copy(text.begin(), text.end(), plan->page->text) = 0;
    plan->reason = 1;
}

} // namespace mi::os

// The C library's own function calls abort(3), too, but reports the reason only on stderr. In a build without
// assertions unreachable() calls this one.
extern "C" void __assert_fail(const char* what, const char* file, unsigned line, // NOLINT(bugprone-reserved-identifier)
                              const char*) noexcept {
    std::string text = std::string("assertion failed: ") + what;
    if (line != 0)
        text += std::string(", ") + file + ":" + std::to_string(line);
    mi::os::note_reason(text);
    text += '\n';
    if (::write(STDERR_FILENO, text.data(), text.size()) < 0) {
    } // stderr is unusable: nothing else can be done
    std::abort();
}
