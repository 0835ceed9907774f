// What a shell can complete on a command line of minictl: from the tables of verbs and options, and, for names of units,
// from the init. The scripts of the shells (etc/completions) know nothing but how to ask, so they cannot fall behind.
#pragma once

#include "ctl/context.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::ctl {

// One thing that the last word can become.
struct Candidate {
    std::string word, help;
    bool operator==(const Candidate&) const = default;
};
struct Completions {
    std::vector<Candidate> candidates; // that begin as the last word does
    bool files = false;                // names of files too
};
// `words`: what stands after "minictl" up to the cursor; the last one, perhaps empty, is what is to be completed.
[[nodiscard]] Completions completions_of(const std::vector<std::string>& words);

} // namespace mi::ctl
