// Another program in PID 1's place, on purpose: the same init executed anew, or one in another root (switch root). The other program
// first shows that it can read our state. Then it is given our process, our descriptors and our children, and goes on (restore.cpp).
#pragma once

#include "daemon/context.hpp"
#include "daemon/machine/machine.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/recovery/state_store.hpp"
#include "daemon/subsystem.hpp"
#include "os/crash/crash.hpp"
#include "os/spawn/spawn.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::daemon {

class Succession final : public Subsystem {
public:
    struct Host {
        virtual ~Host() = default;
        // Everything is stopped for a switch of the root, but what is kept (`keep`).
        virtual void end_for_another_root(bool keep) = 0;
        // What waits to be sent to clients is sent.
        virtual void flush_answers() = 0;
    };
    Succession(Context& context, Processes& processes, StateStore& store, os::CrashGuard* guard, Host& host)
        : context_(context), processes_(processes), store_(store), guard_(guard), host_(host) {}

    // Executes the init anew, if that can go on with our state. Gives why not; what shows only later, the observer hears.
    [[nodiscard]] std::string reexec();
    // Everything is stopped that is not to be kept, and then run.cpp calls enter_new_root(). Gives why not; when it begins, the
    // observer hears.
    [[nodiscard]] std::string switch_root(NewRoot to);
    [[noreturn]] void enter_new_root();
    // It is called a soft reboot.
    [[nodiscard]] bool soft() const { return new_root_.soft; }
    // The end of a turn, and perhaps of this program.
    void give_way();
    // The units that go on in another root.
    [[nodiscard]] std::vector<std::string> names_kept() const;

    // The program that checks our state has ended, or has taken too long.
    void exited(const os::Exit& exit) override;
    [[nodiscard]] Instant next_deadline() const override;
    void due(Instant now) override;

    void save(state::ManagerImage& image) const override {
        image.new_root = new_root_.root;
        image.new_init = new_root_.init;
        image.carried = carried_;
    }
    void restore(const state::ManagerImage& image) override { new_root_ = {image.new_root, image.new_init, false}; }

private:
    [[nodiscard]] std::string why_not_kept() const;
    [[nodiscard]] std::string ask_new_init();
    [[nodiscard]] std::string check_program(const std::string& file, const std::string& root, std::string_view option);
    void check_failed(const std::string& why);
    void not_reexecuted(const std::string& why);
    void nothing_kept(const std::string& why);
    void begin_switch_root(NewRoot to, bool keep);

    Context& context_;
    Processes& processes_;
    StateStore& store_;
    os::CrashGuard* guard_; // null: a crash is the end, and there is no other program either
    Host& host_;
    pid_t checker_ = 0; // finds out whether the next program can read our state
    Instant check_until_ = never;
    Fd next_program_;             // for a re-exec
    Instant is_ready_at_ = never; // since when it can
    NewRoot new_root_;
    bool carried_ = false; // the next program begins in another root, with what is kept
};

} // namespace mi::daemon
