// How a failure of the outside world is told: once, where it is known, as an action and its object.
// What only our own mistake could cause is an assertion, not a Fault.
#pragma once

#include <cstring>
#include <expected>
#include <string>
#include <string_view>

namespace mi {

// What the outside world refused: `code` is an errno, or 0 when the words say it all.
struct Fault {
    int code = 0;
    std::string_view doing; // "open", "join cgroup": always a literal
    std::string about;      // the path, unit or key it was done to

    // One line for people: `open /etc/x: Permission denied`, or `DOING ABOUT` where there is no errno.
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

// The failure `code` of `doing` done to `about`, ready to be returned from a function that gives a Result.
[[nodiscard]] inline std::unexpected<Fault> fault(int code, std::string_view doing, std::string about = {}) {
    return std::unexpected(Fault{code, doing, std::move(about)});
}

} // namespace mi
