// What the condition `ac-power` asks.
#include "os/machine/power_supply.hpp"

#include "os/scene.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace mi::os;

namespace {

// A stand-in for /sys/class/power_supply.
struct Supplies {
    std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("supplies-" + std::to_string(::getpid()));
    Supplies() { std::filesystem::create_directories(directory); }
    Supplies(const Supplies&) = delete;
    Supplies& operator=(const Supplies&) = delete;
    ~Supplies() { std::filesystem::remove_all(directory); }
    void say(const char* supply, const char* file, const char* text) const {
        std::filesystem::create_directories(directory / supply);
        std::ofstream(directory / supply / file) << text << "\n";
    }
    [[nodiscard]] bool mains() const { return on_mains(directory); }
};

} // namespace

TEST_CASE("a machine is on mains when one of its supplies is, and where it tells nothing") {
    const Supplies supplies;
    CHECK(on_mains(supplies.directory / "nowhere"));
    CHECK(supplies.mains());
    supplies.say("mouse", "type", "Battery");
    supplies.say("mouse", "scope", "Device");
    CHECK(supplies.mains());
    supplies.say("BAT0", "type", "Battery");
    CHECK_FALSE(supplies.mains());
    supplies.say("AC", "type", "Mains");
    supplies.say("AC", "online", "0");
    CHECK_FALSE(supplies.mains());
    supplies.say("ucsi", "type", "USB");
    supplies.say("ucsi", "online", "1");
    CHECK(supplies.mains());
}
