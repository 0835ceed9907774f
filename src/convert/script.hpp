// Init scripts with an LSB header: units that run the script with start and stop.
#pragma once

#include "convert/convert.hpp"

#include <string>
#include <string_view>

namespace mi::convert {

// Whether a file that is no unit file is an init script.
[[nodiscard]] bool is_init_script(std::string_view text);

[[nodiscard]] Unit convert_script(const std::string& path, std::string_view text, const SearchPath& search_path,
                                  const Lookup& lookup);

} // namespace mi::convert
