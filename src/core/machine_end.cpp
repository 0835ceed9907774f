#include "core/machine_end.hpp"

#include "base/text.hpp"

namespace mi::core {

std::optional<MachineEnd> parse_machine_end(std::string_view text) {
    using Kind = MachineEnd::Kind;
    constexpr struct {
        std::string_view word;
        Kind kind;
    } words[] = {{"auto", Kind::automatic},
                 {"poweroff", Kind::poweroff},
                 {"reboot", Kind::reboot},
                 {"halt", Kind::halt},
                 {"isa-debug-exit", Kind::isa_debug_exit},
                 {"pvpanic", Kind::pvpanic}};
    for (const auto& [word, kind] : words)
        if (word == text)
            return MachineEnd{kind};
    constexpr std::string_view with_port = "isa-debug-exit:";
    if (!text.starts_with(with_port))
        return std::nullopt;
    text.remove_prefix(with_port.size());
    const bool hexadecimal = text.starts_with("0x");
    const auto port = to_number<std::uint16_t>(text.substr(hexadecimal ? 2 : 0), hexadecimal ? 16 : 10);
    return port ? std::optional(MachineEnd{Kind::isa_debug_exit, *port}) : std::nullopt;
}

} // namespace mi::core
