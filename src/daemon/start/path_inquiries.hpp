// What PID 1 wants to know of paths that units name, answered at once or, where a path may hang, by a child in its own time:
// see os/file/path_question.hpp. Who asks goes on with something else meanwhile.
#pragma once

#include "core/record.hpp"
#include "daemon/kernel.hpp"
#include "daemon/process/children.hpp"
#include "daemon/subsystem.hpp"
#include "os/file/path_inquiry.hpp"
#include "os/process/children.hpp"

#include <algorithm>
#include <chrono>
#include <expected>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mi::daemon {

class PathInquiries final : public Subsystem {
public:
    // How long a file system is waited for by what has no time limit of its own.
    static constexpr Span patience = std::chrono::seconds(5);
    // So many children may be left hanging on one file system (or on leases); then it is not asked again until one of them
    // is let go.
    static constexpr std::size_t most_given_up = 4;

    // The answers, in the order of the questions; or why there are none, in words that name the path and its file system.
    using Answer = std::expected<os::PathAnswers, std::string>;
    using Answered = std::function<void(Answer)>;

    // Until when a start waits for a file system: rather less long than its start-timeout, so that it can tell what it waited for.
    [[nodiscard]] static Instant patience_for(const core::Record& record, Instant now) {
        return now + (record.deadline == never ? patience : (record.deadline - now) * 3 / 4);
    }

    // `children`: where its children are registered; null in tests, where exited() is called instead.
    PathInquiries(Kernel& kernel, os::HangingMounts& hanging, Children* children = nullptr)
        : kernel_(kernel), hanging_(hanging), children_(children) {}

    // Calls `answered` once: before it returns where nothing can hang, else from the loop, at `until` at the latest.
    // True: it has been called.
    bool ask(std::vector<os::PathQuestion> questions, Instant until, Answered answered);
    // True: the process was one of its children.
    bool exited(pid_t child) { return given_up_.erase(child) + heard_out_.erase(child) > 0; }
    void exited(const os::Exit& exit) override { (void)exited(exit.pid); }
    [[nodiscard]] Instant next_deadline() const override;
    // Gives up those whose time is over.
    void due(Instant now) override;
    // Answers that are still to come.
    [[nodiscard]] std::size_t pending() const { return pending_.size(); }

private:
    struct Pending {
        os::PathInquiry inquiry;
        os::Untouched why;
        Instant until;
        Instant since;
        Answered answered;
        std::unique_ptr<loop::Watch> watch{};
    };
    void heard(std::list<Pending>::iterator at);

    Kernel& kernel_;
    os::HangingMounts& hanging_;
    Children* children_;
    std::list<Pending> pending_;
    std::map<pid_t, std::string> given_up_;  // killed, and not ended yet; with where they hang
    std::map<pid_t, std::string> heard_out_; // they end by themselves
};

} // namespace mi::daemon
