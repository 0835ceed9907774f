#include "base/regex.hpp"

namespace mi {

void Regex::Free::operator()(regex_t* regex) const {
    ::regfree(regex);
    delete regex;
}

std::expected<Regex, std::string> Regex::compile(const std::string& pattern, int flags) {
    auto compiled = std::make_unique<regex_t>();
    const int code = ::regcomp(compiled.get(), pattern.c_str(), REG_EXTENDED | REG_NOSUB | flags);
    if (code != 0) { // then there is nothing to free
        char why[256];
        ::regerror(code, compiled.get(), why, sizeof why);
        return std::unexpected(why);
    }
    Regex made;
    made.regex_.reset(compiled.release());
    return made;
}

bool Regex::matches(std::string_view text, int flags) const {
    regmatch_t whole{0, static_cast<regoff_t>(text.size())};
    return ::regexec(regex_.get(), text.data(), 1, &whole, REG_STARTEND | flags) == 0;
}

} // namespace mi
