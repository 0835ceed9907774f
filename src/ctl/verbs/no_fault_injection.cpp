#include "ctl/verbs/verbs.hpp"

namespace mi::ctl {

const Verb* fault_verb(std::string_view) { return nullptr; }

} // namespace mi::ctl
