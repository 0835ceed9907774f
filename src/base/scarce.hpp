// Telling want from refusal.
#pragma once

#include <cerrno>

namespace mi {

// Whether something failed only because the system, or we, have nothing left of it right now: it is worth trying again.
[[nodiscard]] constexpr bool means_scarce(int code) {
    return code == EMFILE || code == ENFILE || code == ENOMEM || code == EAGAIN;
}

} // namespace mi
