// Telling want from refusal.
#pragma once

#include <cerrno>

namespace mi {

// Whether something failed only because the system, or we, have nothing left of it right now: it is worth trying again.
[[nodiscard]] constexpr bool means_scarce(int code) {
    return code == EMFILE || code == ENFILE || code == ENOMEM || code == EAGAIN;
}

// Whether it fails in the same way until somebody changes something: it is not there, of another kind, or not allowed.
[[nodiscard]] constexpr bool means_refusal(int code) {
    return code == ENOENT || code == ENOTDIR || code == EISDIR || code == ELOOP || code == ENAMETOOLONG ||
           code == EACCES || code == EPERM || code == ENOEXEC || code == EINVAL || code == ENOTSUP;
}

} // namespace mi
