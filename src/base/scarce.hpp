// Distinguishes errors that may pass from errors that stay.
#pragma once

#include <cerrno>

namespace mi {

// Whether the error only means that the system, or this process, has no resources left at the moment: a retry may
// succeed.
[[nodiscard]] constexpr bool means_scarce(int code) {
    return code == EMFILE || code == ENFILE || code == ENOMEM || code == EAGAIN;
}

// Whether the error stays until an administrator changes something: the object does not exist, is of another kind, or
// access is denied.
[[nodiscard]] constexpr bool means_refusal(int code) {
    return code == ENOENT || code == ENOTDIR || code == EISDIR || code == ELOOP || code == ENAMETOOLONG ||
           code == EACCES || code == EPERM || code == ENOEXEC || code == EINVAL || code == ENOTSUP;
}

} // namespace mi
