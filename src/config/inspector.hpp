// Reading units with somebody looking on, who sees the places of their values: for what can be wrong with a unit beside the
// text itself (`minictl verify --root DIR`).
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
    // Told of each unit as it is read; what it finds goes into the reading. `tree`: what the unit's files say, merged. Of a
    // template without an instance it still has the placeholders.
    virtual void look(Reading& reading, const Node& tree, const core::Unit& unit) = 0;
};

// As those of load.hpp. A null inspector is nobody.
[[nodiscard]] Loaded load(const Source& source, Inspector* inspector);
[[nodiscard]] Loaded load_one(const Source& source, std::string_view name, Inspector* inspector);
[[nodiscard]] Loaded read_file(const Source& source, const std::string& path, Inspector* inspector);

} // namespace mi::config
