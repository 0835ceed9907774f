// The kernel's messages: records taken apart, and through a real collector. A SEQPACKET socket stands for /dev/kmsg: each
// read gives one record there, too.
#include <doctest/doctest.h>

#include "harness.hpp"
#include "logd/kernel_record.hpp"

using namespace mi;
using namespace mi::logd::test;
using logd::parse_kernel_record;
using logs::Priority;
using logs::Source;

namespace {

struct Kernel {
    Kernel() {
        int pair[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
        ours = Fd(pair[0]);
        device = Fd(pair[1]);
    }
    void say(std::string_view record) const {
        REQUIRE(::send(ours.get(), record.data(), record.size(), 0) == static_cast<ssize_t>(record.size()));
    }
    Fd ours, device;
};

std::vector<std::string> lines_in(const fs::path& file) {
    std::vector<std::string> lines;
    std::string all = read_file(file);
    for (std::size_t at = 0, end; (end = all.find('\n', at)) != std::string::npos; at = end + 1)
        lines.push_back(all.substr(at + logs::stamp_size + 1, end - at - logs::stamp_size - 1));
    return lines;
}

std::string unescaped(std::string_view text) {
    std::string room(text.size(), '\0');
    return std::string(logd::unescape_kernel(text, room));
}

} // namespace

TEST_CASE("a record of the kernel has its number, time, priority and facility; the dictionary is left out") {
    auto record = parse_kernel_record("6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n DEVICE=+x\n");
    REQUIRE(record);
    CHECK(record->sequence == 339);
    CHECK(record->micros == 5'140'900);
    CHECK(record->priority == Priority::info);
    CHECK(record->facility == logs::facility_kern);
    CHECK(record->text == "NET: Registered");
    record = parse_kernel_record("30,12,3,-,caller=T1;udevd[7]: hello");
    REQUIRE(record);
    CHECK(record->priority == Priority::info);
    CHECK(record->facility == logs::facility_daemon);
    record = parse_kernel_record("4000,1,1,c;x\n");
    REQUIRE(record);
    CHECK(record->facility == logs::facility_user);
    for (std::string_view bad : {"", ";", "6,1;x", "6,1,2", "a,1,2,-;x", "6,-1,2,-;x", "6,1,-2,-;x"})
        CHECK_FALSE(parse_kernel_record(bad));
}

TEST_CASE("the kernel's escapes are undone, and what only looks like one stays") {
    CHECK(unescaped("a\\x0ab\\x5cx09 \\xc3\\xa9") == "a\nb\\x09 \xc3\xa9");
    CHECK(unescaped("\\x0\\xg0\\x\\") == "\\x0\\xg0\\x\\");
}

TEST_CASE("the kernel's messages are lines of the unit kernel, each once, and those that are missing are told") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    Kernel kernel;
    const logs::StreamId id = init.open_source("kernel", Source::kernel, std::move(kernel.device));
    kernel.say("5,0,0,-;Linux version 6.1\n");
    kernel.say("6,1,1000,-;two\\x0alines\n SUBSYSTEM=x\n");
    CHECK(init.flush({id}));
    kernel.say("6,0,0,-;known already\n");
    kernel.say("3,5,2000,-;later\n");
    kernel.say("no record\n");
    CHECK(init.flush({id}));
    const std::vector<std::string> expected{
        "notice kernel: Linux version 6.1", "info kernel: two", "info kernel: \tlines",
        "warning kernel: 3 messages of the kernel are lost here: it had to overwrite them", "err kernel: later"};
    CHECK(lines_in(scratch.path / "var/kernel/current") == expected);
    // The next collector is given the device from its beginning.
    init.kill_collector();
    kernel.say("3,5,2000,-;later\n");
    kernel.say("30,6,3000,-;a daemon's\n");
    init.start();
    CHECK(init.flush({id}));
    auto lines = lines_in(scratch.path / "var/kernel/current");
    REQUIRE(lines.size() == 6);
    CHECK(lines[5] == "info kernel.daemon: a daemon's");
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("messages of the time before are stamped with when they came") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    Kernel kernel;
    const logs::StreamId id = init.open_source("kernel", Source::kernel, std::move(kernel.device));
    timespec up{}, now{};
    ::clock_gettime(CLOCK_MONOTONIC, &up);
    ::clock_gettime(CLOCK_REALTIME, &now);
    kernel.say("6,0,0,-;at boot\n");
    kernel.say("6,1," + std::to_string(up.tv_sec * 1'000'000L + 1'000'000'000'000L) + ",-;from the future\n");
    CHECK(init.flush({id}));
    auto entries = entries_of(scratch.path / "var", "kernel");
    REQUIRE(entries.size() == 2);
    const std::int64_t boot = (now.tv_sec - up.tv_sec) * 1'000'000L;
    CHECK(std::abs(entries[0].at.micros - boot) < 10'000'000);
    CHECK(entries[1].at.micros >= now.tv_sec * 1'000'000L);
    CHECK(entries[1].at.micros < now.tv_sec * 1'000'000L + 60'000'000);
    CHECK(init.finish() == logd::exit_done);
}
