// Completes a command line of minictl for a shell, from the tables of verbs and options and, for names of units, from
// the init. The scripts for the shells (etc/completions) only ask, so they never become outdated.
#pragma once

#include "ctl/context.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::ctl {

// One possible completion of the last word.
struct Candidate {
    std::string word, help;
    bool operator==(const Candidate&) const = default;
};
struct Completions {
    std::vector<Candidate> candidates; // all that begin with the last word
    bool files = false;                // also offer file names
};
// `words`: the words after "minictl" up to the cursor; the last one, which may be empty, is completed.
[[nodiscard]] Completions completions_of(const std::vector<std::string>& words);

} // namespace mi::ctl
