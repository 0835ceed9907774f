// Describes a failure that the system or a file has caused: once, at the place where it is known, as an action and its
// object. A failure that only a mistake of ours can cause is an assertion, not a Fault.
#pragma once

#include <cstring>
#include <expected>
#include <string>
#include <string_view>

namespace mi {

// A failed action: `code` is an errno, or 0 if the words say everything.
struct Fault {
    int code = 0;
    std::string_view doing; // "open", "join cgroup": always a literal
    std::string about;      // the path, unit or key

    // One line for people: `open /etc/x: Permission denied`, or `DOING ABOUT` without an errno.
    [[nodiscard]] std::string text() const {
        std::string line(doing);
        if (!about.empty()) {
            line += ' ';
            line += about;
        }
        if (code != 0) {
            line += ": ";
            line += ::strerrordesc_np(code) != nullptr ? ::strerrordesc_np(code) : "unknown error";
        }
        return line;
    }
    bool operator==(const Fault&) const = default;
};

template <typename T = void>
using Result = std::expected<T, Fault>;

// Builds the error value of a function that returns a Result: `doing` failed on `about` with `code`.
[[nodiscard]] inline std::unexpected<Fault> fault(int code, std::string_view doing, std::string about = {}) {
    return std::unexpected(Fault{code, doing, std::move(about)});
}

} // namespace mi
