#include "wire/facts.hpp"

#include "base/signals.hpp"

namespace mi::wire {

std::optional<Exit> told(const core::ExitStatus& exit) {
    using Kind = core::ExitStatus::Kind;
    if (exit.kind == Kind::none)
        return std::nullopt;
    Exit said{exit.kind, exit.number, exit.core, exit.oom, {}};
    said.text =
        exit.kind == Kind::signal ? "signal " + signal_name(exit.number) : "exit code " + std::to_string(exit.number);
    if (exit.core)
        said.text += ", core dumped";
    if (exit.oom)
        said.text += ", out of memory";
    return said;
}

} // namespace mi::wire
