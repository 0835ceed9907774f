#include "daemon/machine/boot_attempts.hpp"

#include "base/text.hpp"
#include "os/file/runtime.hpp"
#include "os/mount/mounts.hpp"
#include "os/process/helper_child.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mi::daemon {

namespace {
constexpr char file[] = "boot-attempts";
constexpr std::size_t largest = 512;
constexpr int one_too_many = 255; // no errno is as great
} // namespace

std::uint32_t BootAttempts::parse(std::string_view text, std::string_view slot) {
    text = trim(text);
    const std::size_t line = text.find('\n');
    if (line != std::string_view::npos && text.substr(line + 1) != slot)
        return 0;
    const auto count = to_number<std::uint32_t>(text.substr(0, line));
    return count && *count <= 1'000'000 ? *count : 0;
}

bool BootAttempts::begin(std::uint32_t limit, bool counts, bool keeps) {
    limit_ = limit;
    keeps_ = keeps;
    if (limit == 0)
        return false;
    if (!os::HangingMounts().cover(directory_)) {
        auto text = os::read_file(directory_ + "/" + file, largest);
        before_ = text ? parse(*text, slot_) : 0;
        clean_ = before_ == 0 && (text || text.error().code == ENOENT);
    }
    if (!counts)
        return false;
    const bool too_many = before_ >= limit;
    wish_ = !too_many ? Wish::count : keeps ? Wish::nothing : Wish::clear;
    return too_many;
}

void BootAttempts::storage_changed() {
    if (wish_ != Wish::nothing)
        try_it();
}

std::uint32_t BootAttempts::number() const {
    if (!os::HangingMounts().cover(directory_))
        if (auto text = os::read_file(directory_ + "/" + file, largest))
            if (const std::uint32_t count = parse(*text, slot_); count > 0)
                return count;
    return number_ > 0 ? number_ : before_ + 1;
}

void BootAttempts::clear() {
    if (limit_ == 0)
        return;
    number_ = number();
    wish_ = clean_ ? Wish::nothing : Wish::clear;
    if (wish_ == Wish::clear)
        try_it();
}

void BootAttempts::try_it() {
    if (child_ != 0)
        return; // its end is followed by the next
    if (!place_ && !os::HangingMounts().cover(directory_))
        place_ = Fd(::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    // Most of the early tries come before the root is made writable, and need no child to find out.
    if (const char* place = place_ ? directory_.c_str() : "/"; ::access(place, W_OK) != 0 && errno == EROFS)
        return place_.reset();
    doing_ = wish_;
    const auto child = os::start_helper("boot-attempts", [this] { return write(doing_); }, place_.get());
    if (!child)
        return; // there will be another time
    child_ = *child;
    if (made_)
        made_(*child);
    clean_ = false;
}

// In a child, which may take its time.
int BootAttempts::write(Wish wish) const {
    const bool there = place_ && ::fchdir(os::helper_fd) == 0;
    if (!there) {
        if (auto made = os::make_directory(directory_); !made)
            return std::clamp(made.error().code, 1, 254);
        if (::chdir(directory_.c_str()) != 0)
            return std::clamp(errno, 1, 254);
    }
    std::uint32_t count = 0;
    if (wish == Wish::count) {
        auto text = os::read_file(file, largest);
        if (!text && text.error().code != ENOENT)
            return std::clamp(text.error().code, 1, 254);
        count = (text ? parse(*text, slot_) : 0) + 1;
    }
    const bool too_many = count > limit_;
    if (too_many && keeps_)
        return one_too_many;
    // A machine that fails soon after this has to find the new name when it comes up again.
    const std::string text = std::to_string(too_many ? 0 : count) + "\n" + (slot_.empty() ? "" : slot_ + "\n");
    if (auto stored = os::store_file(".", file, text); !stored)
        return std::clamp(stored.error().code, 1, 254);
    return too_many ? one_too_many : 0;
}

std::optional<BootAttempts::Written> BootAttempts::exited(pid_t pid, int code) {
    if (child_ == 0 || pid != child_)
        return std::nullopt;
    child_ = 0;
    Written written{.too_many = code == one_too_many, .trouble = {}};
    if (code == 0 || code == one_too_many) {
        const Wish done = std::exchange(doing_, Wish::nothing);
        clean_ = done == Wish::clear || (written.too_many && !keeps_);
        if (wish_ == done)
            wish_ = Wish::nothing;
        if (clean_)
            place_.reset();
        if (wish_ != Wish::nothing)
            try_it();
        return written;
    }
    place_.reset(); // it may be another one later
    if (wish_ != std::exchange(doing_, Wish::nothing))
        try_it();
    // Before the root is made writable that is as it should be: there will be another time.
    if (code != EROFS)
        written.trouble = "cannot count boots: " + directory_ + "/" + file + ": " +
                          (code < 0                             ? "the writer was killed"
                           : ::strerrordesc_np(code) != nullptr ? ::strerrordesc_np(code)
                                                                : "unknown error");
    return written;
}

} // namespace mi::daemon
