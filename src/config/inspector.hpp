// Reads units with an observer that sees the places of their values, to check more than the text itself (`minictl
// verify --root DIR`).
#pragma once

#include "config/document.hpp"
#include "config/load.hpp"

namespace mi::config {

class Inspector {
public:
    Inspector() = default;
    Inspector(const Inspector&) = delete;
    Inspector& operator=(const Inspector&) = delete;
    virtual ~Inspector() = default;
    // Called for each unit as it is read; adds its problems to the reading. `tree`: the merged content of the unit's
    // files. For a template without an instance it still has the placeholders.
    virtual void look(Reading& reading, const Node& tree, const core::Unit& unit) = 0;
};

// The same functions as in load.hpp. A null inspector means none.
[[nodiscard]] Loaded load(const Source& source, Inspector* inspector);
[[nodiscard]] Loaded load_one(const Source& source, std::string_view name, Inspector* inspector);
[[nodiscard]] Loaded read_file(const Source& source, const std::string& path, Inspector* inspector);

} // namespace mi::config
