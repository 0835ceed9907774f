// Power and sleep buttons: input devices (Documentation/input/event-codes.rst of the kernel) that say they have such a key, those
// that are plugged in later, too. Of other keys, which a keyboard with a power key has, nothing is read.
#pragma once

#include "base/fd.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace mi::os {

enum class Button : std::uint8_t { power, sleep };

// What is pressed in events as the kernel writes them (struct input_event), in their order.
[[nodiscard]] std::vector<Button> presses_in(std::span<const unsigned char> events);

class InputButtons {
public:
    InputButtons();
    // All in one: readable when a button was pressed or devices have come or gone; -1: none can be had.
    [[nodiscard]] int fd() const { return all_.get(); }
    // Looks for devices that are new.
    void look();
    // What was pressed since the last time. Never waits.
    [[nodiscard]] std::vector<Button> take();
    [[nodiscard]] std::size_t count() const { return devices_.size(); }

private:
    void look_at(const std::string& name);
    [[nodiscard]] bool add(int descriptor, std::uint64_t key) const;
    void drain_changes();

    Fd all_;     // epoll(7)
    Fd changes_; // inotify(7) on /dev/input, and on /dev as long as that is not there
    int parent_watch_ = -1;
    std::map<int, Fd> devices_; // by descriptor
    std::map<std::string, int> names_;
};

} // namespace mi::os
