// Lines on the console: which, how, and what becomes of them where it is slow or gone.
#include <doctest/doctest.h>

#include "harness.hpp"
#include "logd/echo.hpp"

using namespace mi;
using namespace mi::logd::test;
using logd::Echo;
using logs::Priority;

namespace {

constexpr std::string_view stamp = "2026-11-22T04:10:01.123456Z ";

std::string line(std::string_view rest) { return std::string(stamp) + std::string(rest) + '\n'; }

// A fifo, as a console that is opened by its name.
struct Device {
    Device() {
        path = scratch.path / "console";
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        open();
    }
    ~Device() { (void)::signal(SIGPIPE, before); }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    void open() {
        end = Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        REQUIRE(end);
    }
    [[nodiscard]] std::string read() const {
        std::string all;
        char bytes[4096];
        for (ssize_t n; (n = ::read(end.get(), bytes, sizeof bytes)) > 0;)
            all.append(bytes, static_cast<std::size_t>(n));
        return all;
    }
    Scratch scratch;
    std::string path;
    Fd end;
    sighandler_t before = ::signal(SIGPIPE, SIG_IGN); // as the collector does
};

} // namespace

TEST_CASE("what is important enough is shown, with its unit, but for what the init and the kernel show themselves") {
    Device device;
    Echo echo;
    echo.take("web", line("emerg out: nobody asked for this yet"));
    echo.use(device.path, Priority::warning);
    echo.take("web", line("info out: usual") + line("warning out: look") + line("err err: at\tthis"));
    echo.take("db", line("crit syslog.auth: db[7]: no") + line("err init: said by the init") +
                        line("emerg kernel: said by the kernel") + line("err out+: half"));
    echo.flush();
    CHECK(device.read() == "web: look\r\nweb: at\tthis\r\ndb: db[7]: no\r\ndb: half\r\n");
    echo.take("web", line("err out: \x1b[2Jclear\x07\x7f") + line("err out: " + std::string(5000, 'x')));
    echo.flush();
    CHECK(device.read() == "web: ?[2Jclear??\r\nweb: " + std::string(1000, 'x') + "…\r\n");
    echo.take("web", line("err out: \x9b"
                          "2J\xc2\x9b"
                          "2J \xc3\xbc\xe2\x82 \u202e") +
                         line("err out: " + std::string(999, 'x') + "€"));
    echo.flush();
    CHECK(device.read() == "web: ?2J?2J \xc3\xbc?? ?\r\nweb: " + std::string(999, 'x') + "…\r\n");
    echo.use("", Priority::debug);
    echo.take("web", line("err out: no more"));
    echo.flush();
    CHECK(device.read().empty());
}

TEST_CASE("a slow console holds up nobody, and is told how many lines it has missed") {
    Device device;
    Echo echo;
    echo.use(device.path, Priority::debug);
    std::string shown;
    unsigned all = 0;
    for (; all < 20'000; ++all) {
        echo.take("web", line("info out: number " + std::to_string(all)));
        echo.flush();
    }
    CHECK(echo.waits_for() >= 0);
    while (echo.waits_for() >= 0) {
        shown += device.read();
        echo.flush();
    }
    echo.take("web", line("info out: the last"));
    echo.flush();
    shown += device.read();
    unsigned next = 0;
    while (shown.starts_with("web: number " + std::to_string(next) + "\r\n"))
        shown.erase(0, shown.find('\n') + 1), ++next;
    CHECK(next > 3000);
    CHECK(shown == "miniinit: " + std::to_string(all - next) + " more lines are in the logs\r\nweb: the last\r\n");
}

TEST_CASE("a console that is hung up, or was not there, is opened when there is something to show again") {
    Device device;
    Echo echo;
    echo.use(device.path, Priority::debug);
    device.end.reset();
    echo.take("web", line("info out: nobody reads"));
    echo.flush();
    CHECK(echo.waits_for() == -1);
    device.open();
    echo.take("web", line("info out: one"));
    echo.flush();
    CHECK(device.read() == "web: one\r\n");
    device.end.reset();
    echo.take("web", line("info out: lost"));
    echo.flush();
    device.open();
    echo.take("web", line("info out: two"));
    echo.flush();
    CHECK(device.read() == "web: two\r\n");
}
