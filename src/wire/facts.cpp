#include "wire/facts.hpp"

#include "core/explain.hpp"

namespace mi::wire {

std::optional<Exit> told(const core::ExitStatus& exit) {
    if (exit.kind == core::ExitStatus::Kind::none)
        return std::nullopt;
    return Exit{exit.kind, exit.number, exit.core, exit.oom, core::text(exit)};
}

} // namespace mi::wire
