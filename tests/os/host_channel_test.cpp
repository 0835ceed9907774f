// What a virtual machine tells its host, and what its host lays down for it.
#include "base/clock.hpp"
#include "base/directory.hpp"
#include "os/machine/credential.hpp"
#include "os/machine/host_channel.hpp"
#include "os/machine/input_buttons.hpp"
#include "scene.hpp"

#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <doctest/doctest.h>

#include <fstream>

using namespace mi;
using namespace mi::os;

TEST_CASE("an address of the host is a port of vsock or a device") {
    CHECK(parse_host_address("vsock:2:1234") == HostAddress{.cid = 2, .port = 1234});
    CHECK(parse_host_address("vsock-stream:2:1234") == HostAddress{.cid = 2, .port = 1234, .type = SOCK_STREAM});
    CHECK(parse_host_address("serial:/dev/ttyS1") == HostAddress{.device = "/dev/ttyS1"});
    for (const char* text :
         {"", "vsock:2", "vsock:2:", "vsock:x:1", "serial:ttyS1", "serial:", "/run/socket", "unix:/run/x"})
        CHECK_FALSE(parse_host_address(text));
}

TEST_CASE("a port of virtio-serial is found by its name, where nobody makes links") {
    Scratch scratch;
    std::filesystem::create_directories(scratch / "vport3p1");
    std::filesystem::create_directories(scratch / "vport3p2");
    std::ofstream(scratch / "vport3p1/name") << "org.other\n";
    std::ofstream(scratch / "vport3p2/name") << "org.state\n";
    CHECK(device_at("/dev/virtio-ports/org.state", scratch.path()) == "/dev/vport3p2");
    CHECK(device_at("/dev/virtio-ports/org.none", scratch.path()) == "/dev/virtio-ports/org.none");
    CHECK(device_at("/dev/ttyS1", scratch.path()) == "/dev/ttyS1");
}

TEST_CASE("lines go through a device in their order, and nothing waits for one that takes none") {
    Fd host(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    REQUIRE(host);
    REQUIRE(::grantpt(host.get()) == 0);
    REQUIRE(::unlockpt(host.get()) == 0);
    HostChannel channel(HostAddress{.device = ::ptsname(host.get())});
    channel.add("READY=1\nSTATUS=up");
    channel.add("STOPPING=1");
    CHECK(channel.attempt());
    CHECK_FALSE(channel.waiting());
    // The terminal passes each write on in its own time.
    constexpr std::string_view all = "READY=1\nSTATUS=up\nSTOPPING=1\n";
    std::string heard;
    for (pollfd one{host.get(), POLLIN, 0}; heard.size() < all.size() && ::poll(&one, 1, 10'000) == 1;) {
        char text[256];
        const ssize_t size = ::read(host.get(), text, sizeof text);
        REQUIRE(size > 0);
        heard.append(text, static_cast<std::size_t>(size));
    }
    CHECK(heard == all);
    for (int i = 0; i < 100; ++i) // more than there is room for
        channel.add(std::string(4000, 'x'));
    CHECK_FALSE(channel.attempt());
    CHECK(channel.waiting());
    CHECK(channel.trouble().find(::ptsname(host.get())) != std::string::npos);
}

TEST_CASE("a device that is not there yet is waited for, and not long") {
    HostChannel channel(HostAddress{.device = "/dev/nowhere"});
    CHECK(channel.attempt()); // there is nothing to be told
    channel.add("READY=1");
    CHECK_FALSE(channel.attempt());
    CHECK(channel.trouble().find("/dev/nowhere") != std::string::npos);
    channel.finish(std::chrono::milliseconds(50));
    CHECK(channel.waiting());
    channel.give_up();
    CHECK(channel.attempt());
    HostChannel nobody;
    nobody.add("READY=1");
    CHECK_FALSE(nobody.wanted());
    CHECK(nobody.attempt());
}

namespace {

// In a table of one structure.
std::string credential_in_table(const std::string& table, std::string_view name) {
    std::string found;
    credentials_in_smbios(table, [&](std::string_view each, std::string_view value) {
        if (each == name)
            found = value;
    });
    return found;
}

} // namespace

TEST_CASE("credentials of the firmware: SMBIOS type 11, fw_cfg, and the kernel command line before them") {
    const std::string table = std::string("\x0b\x05\x00\x11\x03", 5) + "hello" + '\0' +
                              "io.systemd.credential:vmm.notify_socket=vsock:2:99" + '\0' +
                              "io.systemd.credential:vmm.notify_socket_more=x" + '\0' + '\0';
    CHECK(credential_in_table(table, "vmm.notify_socket") == "vsock:2:99");
    CHECK(credential_in_table(table, "vmm.notify").empty());
    CHECK(credential_in_table(table.substr(0, 1), "vmm.notify_socket").empty());
    CHECK(credential_in_table("\x01" + table.substr(1), "vmm.notify_socket").empty());
    Scratch scratch;
    CHECK(machine_credential("a", {}, scratch.path()).empty());
    std::filesystem::create_directories(scratch / "qemu_fw_cfg/by_name/opt/io.systemd.credentials/vmm.notify_socket");
    std::ofstream(scratch / "qemu_fw_cfg/by_name/opt/io.systemd.credentials/vmm.notify_socket/raw") << "vsock:2:7\n";
    CHECK(machine_credential("vmm.notify_socket", {}, scratch.path()) == "vsock:2:7");
    std::filesystem::create_directories(scratch / "dmi/tables");
    std::ofstream(scratch / "dmi/tables/DMI", std::ios::binary) << table;
    CHECK(machine_credential("vmm.notify_socket", {}, scratch.path()) == "vsock:2:99");
    CHECK(machine_credential("vmm.notify_socket", {"ro", "systemd.set_credential=vmm.notify_socket:vsock:2:1"},
                             scratch.path()) == "vsock:2:1");
}

TEST_CASE("of what an input device tells, a press of a power or sleep key counts") {
    const auto event = [](int type, int code, int value) {
        input_event one{};
        one.type = static_cast<std::uint16_t>(type);
        one.code = static_cast<std::uint16_t>(code);
        one.value = value;
        return one;
    };
    const input_event events[] = {event(EV_KEY, KEY_A, 1),     event(EV_KEY, KEY_POWER, 1),
                                  event(EV_SYN, 0, 0),         event(EV_KEY, KEY_POWER, 2),
                                  event(EV_KEY, KEY_POWER, 0), event(EV_REL, KEY_POWER, 1),
                                  event(EV_KEY, KEY_SLEEP, 1), event(EV_KEY, KEY_SUSPEND, 1)};
    const std::span<const unsigned char> bytes(reinterpret_cast<const unsigned char*>(events), sizeof events);
    CHECK(presses_in(bytes) == std::vector<Button>{Button::power, Button::sleep, Button::sleep});
    CHECK(presses_in(bytes.first(sizeof(input_event) * 2 - 1)).empty());
    CHECK(presses_in({}).empty());
}

TEST_CASE("looking for buttons costs one descriptor where there are none, and never waits") {
    InputButtons buttons;
    CHECK(buttons.fd() >= 0);
    CHECK(buttons.take().empty());
}
