// Explains the state of a unit in words for people.
#pragma once

#include "core/engine.hpp"

#include <string>
#include <vector>

namespace mi::core {

// "exit code 3", "signal SIGSEGV, core dumped", "signal SIGKILL, out of memory".
[[nodiscard]] std::string text(const ExitStatus& exit);

// Why the unit is in its state, as the part of a sentence: "dependency failed: db". Empty where there is nothing to say.
[[nodiscard]] std::string reason(const Engine& engine, UnitId id);

// A probe of [health], as people call it: "tcp 127.0.0.1:80". What is to be said of those that failed, as the part of a sentence.
[[nodiscard]] std::string probe_text(const HealthCheck& check);
[[nodiscard]] std::string probe_report(const Unit& unit, const Record& record);

// Of a unit that ended: what it ended with the last time, as the part of a sentence: "last with exit code 3".
[[nodiscard]] std::string last_end(const Engine& engine, UnitId id);

// The other unit that this reason speaks of: what it waits for, what has failed it, what it gave way to; no_unit: none.
[[nodiscard]] UnitId cause(const Engine& engine, UnitId id);

// The unit, its cause, the cause of that, and so on down to the root cause: each unit once.
[[nodiscard]] std::vector<UnitId> chain(const Engine& engine, UnitId id);

// Why the unit is in its state, as a whole sentence: "web is waiting: it requires db, which is starting."
[[nodiscard]] std::string sentence(const Engine& engine, UnitId id);

// The sentences of the chain, from the unit down to the root cause.
[[nodiscard]] std::vector<std::string> explain(const Engine& engine, UnitId id);

} // namespace mi::core
