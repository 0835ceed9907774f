#include "base/duration.hpp"

#include "base/text.hpp"

namespace mi {

std::optional<Span> span_of(std::string_view text) {
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9')
        ++digits;
    std::optional<std::uint32_t> number = to_number<std::uint32_t>(text.substr(0, digits));
    const std::string_view unit = text.substr(digits);
    if (!number)
        return std::nullopt;
    if (unit.empty() || unit == "s")
        return std::chrono::seconds(*number);
    if (unit == "ms")
        return std::chrono::milliseconds(*number);
    if (unit == "min" || unit == "m")
        return std::chrono::minutes(*number);
    if (unit == "h")
        return std::chrono::hours(*number);
    return std::nullopt;
}

} // namespace mi
