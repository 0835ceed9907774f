// What one step of the conversion returns: keys, remarks, and which directives it has dealt with.
#pragma once

#include "convert/convert.hpp"
#include "convert/toml.hpp"
#include "convert/unit_file.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

struct Output {
    struct Said {
        Table table; // where the remark stands as a comment
        Remark remark;
    };

    UnitToml toml;
    std::vector<Said> remarks;
    std::vector<const Assignment*> taken; // the directives that were read; a directive that no step takes is reported
    std::string fault;                    // why there can be no unit

    void say(const Assignment& about, Table table, Weight weight, std::string_view why);
    // A remark about a file, or about a line of it that is no directive.
    void say(const std::string& file, std::uint32_t line, Weight weight, std::string_view why);
    void add(Output more);
};

// The unit that all steps together have made. `files`: what it was made from.
[[nodiscard]] Unit finish(Output output, std::string name, std::vector<std::string> files);

} // namespace mi::convert
