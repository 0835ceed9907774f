// The words for how a machine is over.
#include "core/machine_end.hpp"

#include <doctest/doctest.h>

using namespace mi::core;

TEST_CASE("every way in which a machine may be over has its word") {
    using Kind = MachineEnd::Kind;
    CHECK(parse_machine_end("auto") == MachineEnd{Kind::automatic});
    CHECK(parse_machine_end("poweroff") == MachineEnd{Kind::poweroff});
    CHECK(parse_machine_end("reboot") == MachineEnd{Kind::reboot});
    CHECK(parse_machine_end("halt") == MachineEnd{Kind::halt});
    CHECK(parse_machine_end("pvpanic") == MachineEnd{Kind::pvpanic});
    CHECK(parse_machine_end("isa-debug-exit") == MachineEnd{Kind::isa_debug_exit, 0x501});
    CHECK(parse_machine_end("isa-debug-exit:0xf4") == MachineEnd{Kind::isa_debug_exit, 0xf4});
    CHECK(parse_machine_end("isa-debug-exit:244") == MachineEnd{Kind::isa_debug_exit, 0xf4});
}

TEST_CASE("what is no such word is refused") {
    for (const char* word : {"", "Auto", "off", "isa-debug-exit:", "isa-debug-exit:0x", "isa-debug-exit:0x10000",
                             "isa-debug-exit:-1", "isa-debug-exit:f4", "pvpanic:1", "halt "})
        CHECK_FALSE(parse_machine_end(word));
}
