// The standard streams of a command that `run` waits for: shows the lines that it writes into its log, and passes our
// standard input to it.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "ctl/context.hpp"
#include "ctl/logs/log_follow.hpp"

#include <memory>
#include <optional>
#include <string>

namespace mi::ctl {

// Passes our standard input to a unit through a FIFO.
class PassedInput {
public:
    [[nodiscard]] static Result<PassedInput> make();
    ~PassedInput();
    PassedInput(PassedInput&& other) noexcept;
    PassedInput& operator=(PassedInput&&) = delete;

    // The path that the unit must open for reading.
    [[nodiscard]] const std::string& path() const { return path_; }

    // The condition to wait for: `fd` is readable or writable, or `patience` milliseconds have passed.
    struct Wish {
        int fd = -1; // none
        short events = 0;
        int patience = -1;
    };
    [[nodiscard]] Wish wish() const;
    // Passes on the available bytes.
    void pass();

private:
    PassedInput(std::string directory, Fd to);
    void remove();

    std::string directory_, path_; // empty: removed
    Fd to_;                        // empty: everything is passed on, or the reader has gone
    std::string waiting_;          // bytes read, but not passed on yet
    bool read_ = false;            // the unit has opened the FIFO
    bool ended_ = false;           // our standard input has ended
};

// Shows the unit's output on our standard output and error.
class ShownOutput {
public:
    // Starts at the present end of the log in the log directory.
    [[nodiscard]] static Result<ShownOutput> start(const Context& context, const std::string& directory,
                                                   const std::string& unit);
    [[nodiscard]] int descriptor() const { return follower_.descriptor(); }
    // Shows the new lines; call it when the descriptor is readable, and at the end. False: our reader has gone.
    bool show();
    // Shows the rest when the unit has ended. A busy collector may be late, for at most 3 seconds: if the unit has
    // `failed`, waits for the init's message about it, which follows its output in the log; otherwise waits until no
    // more lines arrive.
    bool finish(bool failed);

private:
    ShownOutput(const Context& context, Follower follower) : context_(&context), follower_(std::move(follower)) {}

    const Context* context_;
    Follower follower_;
    bool told_of_ = false; // the init's message about the unit was in the log
};

// Sends the request, and serves the streams until its answer arrives.
[[nodiscard]] std::expected<wire::Progress, Failure> run_with_streams(Client& client, const wire::Run& request,
                                                                      ShownOutput* output, PassedInput* input);

} // namespace mi::ctl
