#include "daemon/recovery/succession.hpp"

#include "base/join.hpp"
#include "core/explain.hpp"
#include "os/mount/mounts.hpp"
#include "os/mount/switch_root.hpp"

#include <fcntl.h>

#include <cerrno>
#include <csignal>

namespace mi::daemon {

namespace {
constexpr Span longest_check = std::chrono::seconds(10);
constexpr Span longest_wait_for_log = std::chrono::seconds(1);
constexpr int state_fd = 3; // where the one that checks finds the state
} // namespace

// --- the other program shows that it can go on ------------------------------------------------------------------------

std::string Succession::reexec() {
    if (!store_.keeps())
        return "there is no memory that our state could be handed on in";
    if (checker_ != 0)
        return "another program is on its way already";
    const std::string& file = context_.place.program;
    Fd program(::open(file.c_str(), O_PATH | O_CLOEXEC));
    if (!program)
        return fault(errno, "open", file).error().text();
    if (std::string refused = check_program(file, {}, "--check-snapshot"); !refused.empty())
        return refused;
    next_program_ = std::move(program);
    return {};
}

// Starts the one that checks; exited() hears of it. `root`: where the file is to be found.
std::string Succession::check_program(const std::string& file, const std::string& root, std::string_view option) {
    auto copy = store_.copy(); // ours is written on while it reads
    if (!copy)
        return copy.error();
    os::Plan plan;
    plan.file = file;
    plan.root = root;
    plan.arguments = {"miniinit", option, std::to_string(state_fd)};
    plan.moves = {{os::null_device, 0}, {os::null_device, 1}, {os::null_device, 2}, {copy->get(), state_fd}};
    if (int log = context_.logs.own_lines(); log >= 0)
        plan.moves[2] = {log, 2}; // what it has to say is for our log
    auto start = context_.kernel.start(plan);
    if (!start)
        return "cannot start " + file + ": " + start.error().text();
    checker_ = start->pid(); // should it come to nothing yet, its end tells
    context_.children.expect(checker_, *this);
    check_until_ = context_.now + longest_check;
    return {};
}

void Succession::exited(const os::Exit& exit) {
    if (exit.pid != checker_)
        return; // it had taken too long
    checker_ = 0;
    check_until_ = never;
    if (exit.kind != os::Exit::Kind::exited || exit.code != 0)
        check_failed("cannot go on with our state (" + core::text(exit_status(exit)) +
                     "; `minictl logs miniinit` may say why)");
    else if (next_program_)
        is_ready_at_ = context_.now;
    else
        begin_switch_root(std::move(new_root_), true);
}

Instant Succession::next_deadline() const {
    return is_ready_at_ != never ? is_ready_at_ + longest_wait_for_log : check_until_;
}

void Succession::due(Instant) {
    if (is_ready_at_ != never)
        return;                                           // give_way() does it
    (void)context_.kernel.send_signal(checker_, SIGKILL); // its end is collected like any other
    checker_ = 0;
    check_until_ = never;
    check_failed("did not say within 10 s whether it can go on with our state");
}

void Succession::check_failed(const std::string& why) {
    if (next_program_)
        not_reexecuted(context_.place.program + " " + why);
    else
        nothing_kept(new_root_.init + " there " + why);
}

void Succession::not_reexecuted(const std::string& why) {
    next_program_.reset();
    context_.say(Priority::err, "not executed anew: " + why);
    if (context_.observer != nullptr)
        context_.observer->not_reexecuted(why);
}

void Succession::give_way() {
    if (is_ready_at_ == never)
        return;
    // Our log lines that the collector has no room for yet are in our own memory, and would go with it.
    if (context_.logs.has_unwritten_lines() && context_.now < next_deadline())
        return;
    is_ready_at_ = never;
    host_.flush_answers();
    store_.save_all(true);
    const Fault failed = guard_->run_again(next_program_.get());
    context_.engine.mark_all(); // the saved state speaks of bytes that are sent by us now
    not_reexecuted(failed.text());
}

// --- into another root ------------------------------------------------------------------------------------------------

std::vector<std::string> Succession::names_kept() const {
    std::vector<std::string> names;
    for (core::UnitId id : context_.graph().ids())
        if (context_.engine.halting() ? context_.record(id).next == core::Next::keep : context_.engine.would_keep(id))
            names.push_back(context_.name(id));
    return names;
}

// What is kept may require only what is kept too.
std::string Succession::why_not_kept() const {
    const core::Graph& graph = context_.graph();
    std::string lacking;
    for (core::UnitId id : graph.ids())
        for (const core::Edge& edge : context_.engine.would_keep(id) ? graph.needs(id) : std::span<const core::Edge>{})
            if (edge.relation == core::Relation::requirement && graph.unit(edge.unit).kind == core::Kind::service &&
                !context_.engine.would_keep(edge.unit))
                join_to(lacking, graph.name(id) + " requires " + graph.name(edge.unit));
    return lacking.empty() ? "" : "what is kept may require only what is kept, too, and targets: " + lacking;
}

std::string Succession::switch_root(NewRoot to) {
    if (std::string why = why_not_kept(); !why.empty())
        return why;
    if (checker_ != 0)
        return "another program is on its way already";
    if (names_kept().empty()) {
        begin_switch_root(std::move(to), false);
        return {};
    }
    new_root_ = std::move(to);
    if (std::string why = ask_new_init(); !why.empty())
        nothing_kept(why);
    return {};
}

// Whether the init in the new root can go on with what we keep: it is asked, if it is one that can be.
std::string Succession::ask_new_init() {
    if (!store_.keeps())
        return "there is no memory that our state could be handed on in";
    if (os::HangingMounts().cover(new_root_.root))
        return new_root_.root + " is of a kind that may wait for a server for ever";
    auto init = os::open_in_root(new_root_.root, new_root_.init);
    if (!init)
        return init.error().text();
    if (!os::is_binary(init->get())) // a script would not answer, but begin its work
        return new_root_.init + " there is no miniinit";
    return check_program(new_root_.init, new_root_.root, "--check-switch-root");
}

void Succession::nothing_kept(const std::string& why) {
    context_.say(Priority::warning, "stopped too: " + join(names_kept()) + " (" + why + ")");
    begin_switch_root(std::move(new_root_), false);
}

void Succession::begin_switch_root(NewRoot to, bool keep) {
    new_root_ = std::move(to);
    const bool begins = !context_.engine.halting(); // else another end was asked for meanwhile
    if (begins) {
        if (keep)
            context_.say(Priority::notice, "kept: " + join(names_kept()));
        host_.end_for_another_root(keep);
    }
    if (context_.observer != nullptr)
        context_.observer->switching_root(begins);
}

void Succession::enter_new_root() {
    if (names_kept().empty())
        daemon::switch_root(new_root_, context_.place.program, nullptr);
    const core::Graph& graph = context_.graph();
    GoingOn going;
    going.lives_on = [&](pid_t pid) {
        return std::ranges::any_of(graph.ids(), [&](core::UnitId id) {
            return context_.record(id).next == core::Next::keep && processes_.belongs(pid, id, graph.name(id));
        });
    };
    going.hand_over = [&](int program) {
        carried_ = true;
        store_.save_all(true);
        return guard_->run_again(program);
    };
    daemon::switch_root(new_root_, context_.place.program, &going);
}

} // namespace mi::daemon
