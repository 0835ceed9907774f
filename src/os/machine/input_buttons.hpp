// Power and sleep buttons: input devices that report such a key (kernel Documentation/input/event-codes.rst), including
// those that are plugged in later. Other keys of such a device, which may be a keyboard, are ignored.
#pragma once

#include "base/fd.hpp"
#include "os/file/inotify.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace mi::os {

enum class Button : std::uint8_t { power, sleep };

// The buttons pressed in events of the kernel (struct input_event), in order.
[[nodiscard]] std::vector<Button> presses_in(std::span<const unsigned char> events);

class InputButtons {
public:
    InputButtons();
    // Readable when a button was pressed, or a device was added or removed; -1: not available.
    [[nodiscard]] int fd() const { return all_.get(); }
    // Opens new devices.
    void look();
    // The buttons pressed since the last call. Never waits.
    [[nodiscard]] std::vector<Button> take();
    [[nodiscard]] std::size_t count() const { return devices_.size(); }

private:
    void look_at(const std::string& name);
    [[nodiscard]] bool add(int descriptor, std::uint64_t key) const;
    void drain_changes();

    Fd all_;          // epoll(7)
    Inotify changes_; // on /dev/input, and on /dev while that does not exist
    int parent_watch_ = -1;
    std::map<int, Fd> devices_; // by descriptor
    std::map<std::string, int> names_;
};

} // namespace mi::os
