// Writing to somebody who may be slow, and is not to be waited for.
#pragma once

#include <string>

namespace mi::os {

// Writes of `text` what there is room for, and removes it. `ours`: the description is ours alone and non-blocking; one that
// others have, too, is only written to as much as poll(2) promises. False: nobody reads any more, or never can.
[[nodiscard]] bool write_ready(int fd, bool ours, std::string& text);

} // namespace mi::os
