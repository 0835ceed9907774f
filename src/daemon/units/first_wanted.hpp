// What is wanted at the start besides the target: in a container, or as a user's manager.
#pragma once

#include "core/graph.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::daemon {

// The units that are to run where no target was named, and `target` is the one that would be brought up. If there is no
// such target: all that are enabled. If it is the shipped one (in /usr/lib/miniinit), which cannot know of them: the enabled
// units of the bundle, which say what a container is for. If somebody has written that target: none, as it says what is to run.
[[nodiscard]] std::vector<std::string> first_wanted(const core::Graph& graph, std::string_view target);

} // namespace mi::daemon
