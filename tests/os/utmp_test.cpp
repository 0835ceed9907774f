// Records of boot, runlevel and shutdown.
#include "os/machine/utmp.hpp"
#include "os/scene.hpp"

#include <utmpx.h>

#include <cstring>
#include <string>
#include <vector>

using namespace mi;
using os::MachineEvent;

namespace {

std::vector<utmpx> records(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    CHECK(bytes.size() % sizeof(utmpx) == 0);
    std::vector<utmpx> all(bytes.size() / sizeof(utmpx));
    std::memcpy(all.data(), bytes.data(), bytes.size());
    return all;
}

} // namespace

TEST_CASE("boot, runlevel and shutdown are recorded: the latest of each kind, and all of them where there is a file "
          "for that") {
    os::Scratch scratch;
    const os::RecordFiles files{scratch / "utmp", scratch / "wtmp"};
    CHECK(os::record_machine_event(MachineEvent::boot, 0, files));
    CHECK_FALSE(std::filesystem::exists(files.past)); // nobody has made one
    scratch.write("wtmp", "");
    CHECK(os::record_machine_event(MachineEvent::boot, 0, files));
    CHECK(os::record_machine_event(MachineEvent::runlevel, '1', files));
    CHECK(os::record_machine_event(MachineEvent::runlevel, '3', files));
    auto present = records(files.present);
    REQUIRE(present.size() == 2);
    CHECK(present[0].ut_type == BOOT_TIME);
    CHECK(std::string(present[0].ut_user) == "reboot");
    CHECK(present[1].ut_type == RUN_LVL);
    CHECK(present[1].ut_pid == '3' + 256 * '1');
    CHECK(present[0].ut_tv.tv_sec <= present[1].ut_tv.tv_sec); // the machine was booted before
    CHECK(os::record_machine_event(MachineEvent::shutdown, 0, files));
    const auto past = records(files.past);
    REQUIRE(past.size() == 4);
    CHECK(std::string(past[3].ut_user) == "shutdown");
    CHECK(std::string(past[3].ut_line) == "~");
    CHECK(records(files.present).size() == 2);
}

TEST_CASE("a record that cannot be written names the file") {
    const auto done = os::record_machine_event(MachineEvent::boot, 0, {"/no/such/utmp", "/no/such/wtmp"});
    REQUIRE_FALSE(done);
    CHECK(done.error().text().find("/no/such/utmp") != std::string::npos);
}
