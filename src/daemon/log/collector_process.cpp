#include "daemon/log/collector_process.hpp"

#include "os/spawn/spawn.hpp"

#include <unistd.h>

#include <chrono>
#include <utility>

namespace mi::daemon {

namespace {

constexpr unsigned most_failures = 8;                // before it is left alone for a moment
constexpr Span long_life = std::chrono::seconds(10); // after which a failure is the first one

} // namespace

Result<> CollectorProcess::equip() {
    if (estate_.memory)
        return {};
    auto estate = logd::make_estate();
    if (!estate)
        return std::unexpected(estate.error());
    estate_ = std::move(*estate);
    return {};
}

void CollectorProcess::equip_anew() {
    if (auto estate = logd::make_estate())
        estate_ = std::move(*estate);
}

Result<> CollectorProcess::start(int control) {
    os::Plan plan;
    plan.file = program_;
    plan.arguments = {"miniinit-logd"};
    plan.moves = {{os::null_device, 0},
                  {console_is_ours_ ? STDERR_FILENO : os::null_device, logd::console_error_fd},
                  {os::null_device, 2},
                  {control, logd::control_fd},
                  {estate_.memory.get(), logd::memory_fd},
                  {estate_.holding_read.get(), logd::holding_read_fd},
                  {estate_.holding_write.get(), logd::holding_write_fd}};
    if (console_is_ours_)
        plan.moves.push_back({STDOUT_FILENO, logd::console_output_fd});
    auto started = kernel_.start(plan);
    if (!started)
        return fault(started.error().code, "start the log collector:", started.error().text());
    pid_ = started->pid(); // should it come to nothing yet, that is an end like any other
    return {};
}

void CollectorProcess::trying(Instant now) {
    started_ = now;
    start_at_ = never;
}

bool CollectorProcess::may_start_again(Instant now) {
    failures_ = now - started_ > long_life ? 0 : failures_ + 1;
    return failures_ < most_failures;
}

void CollectorProcess::tell(state::ManagerImage& image) const {
    image.log_memory = estate_.memory.get();
    image.holding_read = estate_.holding_read.get();
    image.holding_write = estate_.holding_write.get();
    image.log_pid = pid_;
}

void CollectorProcess::restore(const state::ManagerImage& image) {
    estate_ = {Fd(image.log_memory), Fd(image.holding_read), Fd(image.holding_write)};
}

} // namespace mi::daemon
