#include "daemon/machine/buttons.hpp"

#include "os/process/process.hpp"

#include <algorithm>
#include <iterator>

namespace mi::daemon {

std::string other_button_keeper() {
    // comm has no more than 15 letters.
    constexpr std::string_view keepers[] = {"acpid", "elogind", "elogind-daemon", "systemd-logind"};
    for (pid_t pid : os::process_ids().value_or(std::vector<pid_t>{}))
        if (auto stat = os::process_stat(pid);
            stat && stat->state != 'Z' && std::ranges::find(keepers, stat->name) != std::end(keepers))
            return stat->name;
    return {};
}

void Buttons::open() {
    if (!context_.place.system())
        return;
    devices_.emplace();
    if (devices_->fd() >= 0)
        watch_ = context_.watch(devices_->fd(), [this] { heard(); });
}

void Buttons::heard() {
    context_.now = context_.kernel.now();
    for (os::Button button : devices_->take())
        pressed(button);
}

void Buttons::pressed(os::Button button) {
    const bool power = button == os::Button::power;
    const std::string& wish = power ? context_.settings.power_button : context_.settings.sleep_button;
    const std::string what = power ? "the power button was pressed" : "the sleep button was pressed";
    if (context_.engine.halting())
        return;
    if (const std::string other = other_button_keeper(); !other.empty())
        return context_.say(Priority::info, what + ", which is left to " + other);
    if (wish == "ignore")
        return context_.say(Priority::info, what + ", and ignored");
    constexpr std::pair<std::string_view, core::Ending> endings[] = {
        {"poweroff", core::Ending::poweroff}, {"reboot", core::Ending::reboot}, {"halt", core::Ending::halt}};
    context_.say(Priority::notice, what);
    for (const auto& [word, ending] : endings)
        if (wish == word)
            return shutdown_.begin(ending, 0);
    const core::UnitId unit = context_.graph().find(wish);
    if (unit == core::no_unit)
        return context_.say(Priority::err, what + ", and there is no unit " + wish);
    context_.apply({.kind = core::Event::Kind::start, .unit = unit});
}

} // namespace mi::daemon
