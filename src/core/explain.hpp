// Why a unit is as it is, in words for people.
#pragma once

#include "core/engine.hpp"

#include <string>
#include <vector>

namespace mi::core {

// "exit code 3", "signal SIGSEGV, core dumped", "signal SIGKILL, out of memory".
[[nodiscard]] std::string text(const ExitStatus& exit);

// Why the unit is in its state, as the part of a sentence: "dependency failed: db". Empty where there is nothing to say.
[[nodiscard]] std::string reason(const Engine& engine, UnitId id);

// A chain of sentences from the unit down to the root cause.
[[nodiscard]] std::vector<std::string> explain(const Engine& engine, UnitId id);

} // namespace mi::core
