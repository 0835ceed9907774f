// The machine's power and sleep buttons, real ones and those that a host presses (QMP `system_powerdown`, `virsh shutdown`), do what
// `[manager] power-button` and `sleep-button` say. A machine without such a device pays for one descriptor.
#pragma once

#include "daemon/context.hpp"
#include "daemon/machine/shutdown.hpp"
#include "daemon/subsystem.hpp"
#include "os/machine/input_buttons.hpp"

#include <memory>
#include <optional>
#include <string>

namespace mi::daemon {

class Buttons final : public Subsystem {
public:
    Buttons(Context& context, Shutdown& shutdown) : context_(context), shutdown_(shutdown) {}

    // Of a machine only. Devices that come later are found by themselves.
    void open();

private:
    void heard();
    void pressed(os::Button button);

    Context& context_;
    Shutdown& shutdown_;
    std::optional<os::InputButtons> devices_;
    std::unique_ptr<loop::Watch> watch_;
};

// The program that runs and has the buttons for its business, so that we leave them to it; empty: there is none.
[[nodiscard]] std::string other_button_keeper();

} // namespace mi::daemon
