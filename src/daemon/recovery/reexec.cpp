// Another program in our place, on purpose: it shows first that it can read our state; then it is given our process, our
// descriptors and our children, and goes on (resume.cpp).
#include "core/explain.hpp"
#include "daemon/supervisor.hpp"
#include "os/children.hpp"
#include "os/runtime.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <csignal>

namespace mi::daemon {

namespace {
constexpr Span longest_check = std::chrono::seconds(10);
constexpr int state_fd = 3; // where the one that checks finds the state
} // namespace

std::string Supervisor::reexec() {
    if (!keeper_ || guard_ == nullptr)
        return "there is no memory that our state could be handed on in";
    if (checker_ != 0)
        return "another program is on its way already";
    Fd program(::open(context_.place.program.c_str(), O_PATH | O_CLOEXEC));
    if (!program)
        return fault(errno, "open", context_.place.program).error().text();
    if (std::string refused = check_program(context_.place.program, {}, "--check-snapshot"); !refused.empty())
        return refused;
    next_program_ = std::move(program);
    return {};
}

// Starts the one that shows whether it can go on with our state; checked() hears of it. `root`: where it is to be found.
std::string Supervisor::check_program(const std::string& file, const std::string& root, std::string_view option) {
    // It reads a copy: ours is written on while it does.
    remember_all(true);
    Fd copy(::memfd_create("miniinit-state", MFD_CLOEXEC));
    auto copied = copy ? Keeper::on(copy.get()) : Result<Keeper>(fault(errno, "make memory for a copy of our state"));
    if (!copied)
        return copied.error().text();
    copied->frame() = keeper_->written();
    if (auto written = copied->rebase(); !written)
        return written.error().text();
    os::Plan plan;
    plan.file = file;
    plan.root = root;
    plan.arguments = {"miniinit", option, std::to_string(state_fd)};
    plan.moves = {{os::null_device, 0}, {os::null_device, 1}, {os::null_device, 2}, {copy.get(), state_fd}};
    if (int log = context_.logs.own_lines(); log >= 0)
        plan.moves[2] = {log, 2}; // what it has to say is for our log
    auto start = spawner_.start(plan);
    if (!start)
        return "cannot start " + file + ": " + start.error().text();
    checker_ = start->pid(); // should it come to nothing yet, its end tells
    check_until_ = context_.now + longest_check;
    return {};
}

bool Supervisor::checked(const os::Exit& exit) {
    if (checker_ == 0 || exit.pid != checker_)
        return false;
    checker_ = 0;
    check_until_ = never;
    if (exit.kind != os::Exit::Kind::exited || exit.code != 0)
        check_failed("cannot go on with our state (" + core::text(exit_status(exit)) +
                     "; `minictl logs miniinit` may say why)");
    else if (next_program_)
        succession_ = true;
    else
        begin_switch_root(std::move(new_root_), true);
    return true;
}

void Supervisor::check_failed(const std::string& why) {
    if (next_program_)
        not_reexecuted(context_.place.program + " " + why);
    else
        nothing_kept(new_root_.init + " there " + why);
}

void Supervisor::check_took_too_long() {
    (void)os::send_signal(checker_, SIGKILL); // its end is collected like any other
    checker_ = 0;
    check_until_ = never;
    check_failed("did not say within 10 s whether it can go on with our state");
}

void Supervisor::not_reexecuted(const std::string& why) {
    next_program_.reset();
    context_.say(Priority::err, "not executed anew: " + why);
    if (context_.observer != nullptr)
        context_.observer->not_reexecuted(why);
}

// The end of a turn, and perhaps of this program.
void Supervisor::give_way() {
    if (!std::exchange(succession_, false))
        return;
    if (control_)
        control_->flush();
    remember_all(true);
    Fault failed = guard_->run_again(next_program_.get());
    context_.engine.mark_all(); // the state on record speaks of bytes that are sent by us now
    not_reexecuted(failed.text());
}

} // namespace mi::daemon
