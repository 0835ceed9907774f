// The standard streams of a command that `run` waits for: what it writes is shown as it comes into its log, and what we get is
// passed on to it.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "ctl/context.hpp"
#include "ctl/logs/log_follow.hpp"

#include <memory>
#include <optional>
#include <string>

namespace mi::ctl {

// Our standard input for a unit: a FIFO that is the unit's.
class PassedInput {
public:
    [[nodiscard]] static Result<PassedInput> make();
    ~PassedInput();
    PassedInput(PassedInput&& other) noexcept;
    PassedInput& operator=(PassedInput&&) = delete;

    // Where the unit is to read.
    [[nodiscard]] const std::string& path() const { return path_; }

    // What has to be waited for: until this is readable or writable, or only for a moment, `patience` (milliseconds).
    struct Wish {
        int fd = -1; // none
        short events = 0;
        int patience = -1;
    };
    [[nodiscard]] Wish wish() const;
    // Passes on what there is.
    void pass();

private:
    PassedInput(std::string directory, Fd to);
    void remove();

    std::string directory_, path_; // empty: gone
    Fd to_;                        // none: all is passed on, or nobody reads any more
    std::string waiting_;          // read, and not passed on yet
    bool read_ = false;            // there is a reader, or there was one
    bool ended_ = false;           // ours has
};

// What a unit writes, on our standard output and error.
class ShownOutput {
public:
    // From now on, in the log directory.
    [[nodiscard]] static Result<ShownOutput> start(const Context& context, const std::string& directory,
                                                   const std::string& unit);
    [[nodiscard]] int descriptor() const { return follower_.descriptor(); }
    // Shows what has come; to be called when the descriptor is readable, and at the end. False: nobody reads any more.
    bool show();
    // Shows the rest, when the unit has ended. A collector that has much to do may be behind by more than an answer waits for
    // it: that a unit has `failed` is in its log after what it wrote, and of another one's log it is waited until that rests.
    bool finish(bool failed);

private:
    ShownOutput(const Context& context, Follower follower) : context_(&context), follower_(std::move(follower)) {}

    const Context* context_;
    Follower follower_;
    bool told_of_ = false; // the init has said something of it there
};

// Sends the request, and waits for its one answer with the streams at work.
[[nodiscard]] std::expected<wire::Progress, Failure> run_with_streams(Client& client, const wire::Run& request,
                                                                      ShownOutput* output, PassedInput* input);

} // namespace mi::ctl
