#include "daemon/machine/boot_record.hpp"

#include "base/clock.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"
#include "os/mount/mounts.hpp"
#include "os/process/helper_child.hpp"
#include "wire/log_format.hpp"

#include <utility>

namespace mi::daemon {

namespace {

constexpr std::size_t largest = 4096;
constexpr std::string_view bad = "bad: ";

std::string_view take_word(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

} // namespace

std::string boot_id() {
    return std::string(trim(os::read_file("/proc/sys/kernel/random/boot_id", largest).value_or("")));
}

std::string boot_stamp() { return boot_id() + " " + wire::logs::stamp_of(wall_now()); }

std::string last_boot_words(std::string_view record, std::string_view end, std::string_view now) {
    const std::string_view id = take_word(record), when = take_word(record), slot = take_word(record),
                           state = trim(record);
    if (id.empty() || state.empty() || id == now)
        return {};
    const bool in_order = take_word(end) == id;
    (void)take_word(end); // when
    std::string words("the last boot (");
    words.append(when);
    if (slot != "-")
        words.append(" of ").append(slot);
    words += ") ";
    if (state.starts_with(bad))
        return words.append("failed: ")
            .append(state.substr(bad.size()))
            .append(in_order ? "" : "; and it did not end in order");
    if (!in_order)
        return words.append(state == "open" ? "did not get as far as to be good, and " : "")
            .append("did not end in order: the power failed, the kernel crashed, or the machine was reset");
    if (state == "open")
        return words.append("was ended (").append(trim(end)).append(") before it was a good one");
    return {};
}

void BootRecord::look() {
    const std::string& directory = context_.place.state_directory;
    if (!context_.place.system() || looked_ || os::HangingMounts().cover(directory))
        return;
    looked_ = true;
    auto text = [&](std::string_view name) {
        return os::read_file(directory + "/" + std::string(name), largest).value_or("");
    };
    words_ = last_boot_words(text(boot_record_name), text(boot_end_name), boot_id());
    context_.manager_moved = true;
    if (!words_.empty())
        context_.say(Priority::warning, words_);
}

void BootRecord::write(std::string state) {
    if (!context_.place.system())
        return;
    look(); // before it is written over
    wish_ = std::move(state);
    try_it();
}

// A root that is not writable yet, or never, has no record: there is another time, or no need.
void BootRecord::try_it() {
    const std::string& directory = context_.place.state_directory;
    if (child_ != 0 || wish_.empty() || os::HangingMounts().cover(directory))
        return;
    const std::string text =
        boot_stamp() + " " + (slot_.empty() ? "-" : slot_) + "\n" + std::exchange(wish_, {}).substr(0, 1024) + "\n";
    auto child = os::start_helper(
        "boot-record", [&] { return os::store_file(directory, std::string(boot_record_name), text) ? 0 : 1; });
    if (!child)
        return;
    child_ = *child;
    context_.children.expect(child_, *this);
}

void BootRecord::exited(const os::Exit&) {
    child_ = 0;
    try_it();
}

void BootRecord::restore(const state::ManagerImage& image) {
    words_ = image.last_boot;
    looked_ = !words_.empty();
}

} // namespace mi::daemon
