#include "os/machine/input_buttons.hpp"

#include "base/directory.hpp"

#include <fcntl.h>
#include <linux/input.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mi::os {

namespace {

constexpr const char* place = "/dev/input";
constexpr std::size_t word_bits = 8;
using Keys = std::array<unsigned char, (KEY_MAX + word_bits) / word_bits>;

constexpr struct {
    std::uint16_t key;
    Button button;
} buttons[] = {
    {KEY_POWER, Button::power}, {KEY_POWER2, Button::power}, {KEY_SLEEP, Button::sleep}, {KEY_SUSPEND, Button::sleep}};

bool has(const Keys& keys, unsigned key) { return (keys[key / word_bits] >> key % word_bits & 1) != 0; }

// Makes the device report only our keys, because a keyboard has many others (EVIOCSMASK, Linux 4.4). Older kernels
// report all keys, and we skip the others.
void want_only_buttons(int device) {
    Keys wanted{};
    for (const auto& [key, button] : buttons)
        wanted[key / word_bits] = static_cast<unsigned char>(wanted[key / word_bits] | 1u << key % word_bits);
    const auto mask = [device](std::uint32_t type, const unsigned char* bits, std::size_t size) {
        input_mask what{};
        what.type = type;
        what.codes_size = static_cast<std::uint32_t>(size);
        what.codes_ptr = reinterpret_cast<std::uintptr_t>(bits);
        (void)::ioctl(device, EVIOCSMASK, &what);
    };
    const Keys none{};
    mask(EV_KEY, wanted.data(), wanted.size());
    for (std::uint32_t type : {EV_REL, EV_ABS, EV_MSC, EV_SW})
        mask(type, none.data(), none.size());
}

// Opens the device; empty if it has no such button.
Fd open_with_button(const std::string& path) {
    Fd device(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    Keys keys{};
    if (!device || ::ioctl(device.get(), EVIOCGBIT(EV_KEY, keys.size()), keys.data()) < 0)
        return {};
    for (const auto& [key, button] : buttons)
        if (has(keys, key)) {
            want_only_buttons(device.get());
            return device;
        }
    return {};
}

} // namespace

std::vector<Button> presses_in(std::span<const unsigned char> events) {
    std::vector<Button> pressed;
    for (; events.size() >= sizeof(input_event); events = events.subspan(sizeof(input_event))) {
        input_event event;
        std::memcpy(&event, events.data(), sizeof event);
        if (event.type != EV_KEY || event.value != 1) // 0: released; 2: held down
            continue;
        for (const auto& [key, button] : buttons)
            if (key == event.code)
                pressed.push_back(button);
    }
    return pressed;
}

InputButtons::InputButtons() : all_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (changes_.fd() < 0 || !add(changes_.fd(), 0))
        return;
    look();
}

bool InputButtons::add(int descriptor, std::uint64_t key) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = key;
    return all_ && ::epoll_ctl(all_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void InputButtons::look() {
    // A second watch of the same directory changes nothing.
    if (changes_.add(place, IN_CREATE | IN_ATTRIB | IN_DELETE | IN_ONLYDIR) >= 0) {
        if (parent_watch_ >= 0)
            changes_.remove(std::exchange(parent_watch_, -1));
    } else if (parent_watch_ < 0) {
        parent_watch_ = changes_.add("/dev", IN_CREATE | IN_ONLYDIR);
    }
    if (const auto entries = list_directory(place))
        for (const DirectoryEntry& entry : *entries)
            if (entry.name.starts_with("event"))
                look_at(entry.name);
}

void InputButtons::look_at(const std::string& name) {
    if (names_.contains(name))
        return;
    Fd device = open_with_button(std::string(place) + "/" + name);
    const int number = device.get();
    if (!device || !add(number, static_cast<std::uint64_t>(number)))
        return;
    names_[name] = number;
    devices_[number] = std::move(device);
}

void InputButtons::drain_changes() {
    changes_.drain();
    look();
}

std::vector<Button> InputButtons::take() {
    std::vector<Button> pressed;
    epoll_event ready[16];
    const int count = ::epoll_wait(all_.get(), ready, 16, 0);
    for (int i = 0; i < count; ++i) {
        const int number = static_cast<int>(ready[i].data.u64);
        if (number == 0) {
            drain_changes();
            continue;
        }
        unsigned char events[sizeof(input_event) * 64];
        ssize_t size = 0;
        while ((size = ::read(number, events, sizeof events)) > 0) {
            const std::vector<Button> more = presses_in({events, static_cast<std::size_t>(size)});
            pressed.insert(pressed.end(), more.begin(), more.end());
        }
        if (size == 0 || (errno != EAGAIN && errno != EINTR)) { // the device was unplugged
            devices_.erase(number);
            std::erase_if(names_, [number](const auto& name) { return name.second == number; });
        }
    }
    return pressed;
}

} // namespace mi::os
