#include "daemon/health/probe_launch.hpp"

#include <fcntl.h>

#include <cerrno>

namespace mi::daemon {

std::expected<void, NoStart> make_probe(Launch& launch, const core::HealthCheck& check, const std::string& program) {
    os::Plan& plan = launch.plan;
    // Its own standard streams, and nothing else: no terminal, and no file that the unit writes its output to.
    launch.out.reset();
    launch.err.reset();
    plan.moves.clear();
    plan.opens.clear();
    plan.terminal.reset();
    plan.moves.push_back({os::null_device, 0});
    auto pipe = log_pipe(launch, 1);
    if (!pipe)
        return std::unexpected(pipe.error());
    launch.out = std::move(*pipe);
    plan.moves.push_back({plan.moves.back().source, 2});
    if (check.probe == core::HealthCheck::Probe::command)
        return {};
    Fd own(::open(program.c_str(), O_PATH | O_CLOEXEC));
    if (!own)
        return std::unexpected(NoStart(Fault{errno, "open", program}));
    constexpr int first_free = 3;
    plan.moves.push_back({own.get(), first_free});
    plan.program = first_free;
    launch.theirs.push_back(std::move(own));
    return {};
}

} // namespace mi::daemon
