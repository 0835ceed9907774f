// Converts init scripts with an LSB header: the unit runs the script with start and stop.
#pragma once

#include "convert/convert.hpp"

#include <string>
#include <string_view>

namespace mi::convert {

// True if the text is that of an init script.
[[nodiscard]] bool is_init_script(std::string_view text);

[[nodiscard]] Unit convert_script(const std::string& path, std::string_view text, const SearchPath& search_path,
                                  const Lookup& lookup);

} // namespace mi::convert
