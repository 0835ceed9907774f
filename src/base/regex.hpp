// A POSIX extended regular expression (regex(7)) that only says whether it matches. The C++ library's matcher recurses on long
// lines.
#pragma once

#include <regex.h>

#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace mi {

class Regex {
public:
    // `flags`: REG_ICASE, REG_NEWLINE. The fault is the reason in words (regerror(3)).
    [[nodiscard]] static std::expected<Regex, std::string> compile(const std::string& pattern, int flags = 0);

    // Also for text with NULs. `flags`: REG_NOTBOL, REG_NOTEOL.
    [[nodiscard]] bool matches(std::string_view text, int flags = 0) const;

private:
    Regex() = default;
    struct Free {
        void operator()(regex_t* regex) const;
    };
    std::unique_ptr<regex_t, Free> regex_;
};

} // namespace mi
