// Lines on the console: which, how, and what becomes of them where it is slow or gone.
#include <doctest/doctest.h>

#include "harness.hpp"
#include "logd/echo.hpp"
#include "logd/run.hpp"

#include <atomic>
#include <thread>

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
    echo.use({.device = device.path, .level = Priority::warning});
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
    echo.use({});
    echo.take("web", line("err out: no more"));
    echo.flush();
    CHECK(device.read().empty());
}

TEST_CASE("a slow console holds up nobody, and is told how many lines it has missed") {
    Device device;
    Echo echo;
    echo.use({.device = device.path, .level = Priority::debug});
    std::string shown;
    unsigned all = 0;
    for (; all < 20'000; ++all) {
        echo.take("web", line("info out: number " + std::to_string(all)));
        echo.flush();
    }
    CHECK(echo.waits_for()[0] >= 0);
    while (echo.waits_for()[0] >= 0) {
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
    echo.use({.device = device.path, .level = Priority::debug});
    device.end.reset();
    echo.take("web", line("info out: nobody reads"));
    echo.flush();
    CHECK(echo.waits_for()[0] == -1);
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

namespace {

// Pipes in the places where the collector finds the output of a container, as long as this lives.
struct Output {
    explicit Output(bool apart = true) {
        for (std::size_t i = 0; i < 2; ++i) {
            int ends[2];
            REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
            read_ends[i] = Fd(ends[0]);
            write_ends[i] = Fd(ends[1]);
            REQUIRE(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
            before[i] = Fd(::fcntl(numbers[i], F_DUPFD_CLOEXEC, 20));
        }
        for (std::size_t i = 0; i < 2; ++i)
            REQUIRE(::dup2(write_ends[apart ? i : 0].get(), numbers[i]) == numbers[i]);
    }
    ~Output() {
        for (std::size_t i = 0; i < 2; ++i) {
            if (before[i])
                ::dup2(before[i].get(), numbers[i]);
            else
                ::close(numbers[i]);
        }
    }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    [[nodiscard]] std::string read(std::size_t which = 0) const {
        std::string all;
        char bytes[4096];
        for (ssize_t n; (n = ::read(read_ends[which].get(), bytes, sizeof bytes)) > 0;)
            all.append(bytes, static_cast<std::size_t>(n));
        return all;
    }
    static constexpr int numbers[] = {logd::console_output_fd, logd::console_error_fd};
    Fd read_ends[2], write_ends[2], before[2];
};

Echo::Settings own(logs::ConsoleFormat format) {
    return {.device = std::string(logs::own_output), .level = Priority::info, .format = format, .colour = true};
}

} // namespace

TEST_CASE("in a container lines go where they came from, whole and in the format that is asked for") {
    using enum logs::ConsoleFormat;
    const std::string lines = line("info out: said \xff\x01\"") + line("err err+: complained") +
                              line("debug out: fine") + line("notice syslog.mail: sent") + line("info health: probed") +
                              line("err kernel: oops");
    std::string shown[6];
    for (const auto format : {brief, iso, json}) {
        const Output output;
        Echo echo;
        echo.use(own(format));
        echo.take("web", lines);
        echo.announce(stamp.substr(0, logs::stamp_size), Priority::warning, "the init says");
        echo.flush();
        for (const std::size_t i : {0u, 1u})
            shown[2 * static_cast<std::size_t>(format) + i] = output.read(i);
    }
    CHECK(shown[0] == "web: said ??\"\n");
    CHECK(shown[1] == "web: complained\nweb: sent\nminiinit: the init says\n");
    const std::string at(stamp);
    CHECK(shown[2] == at + "web info out: said ??\"\n");
    CHECK(shown[3] == at + "web err err+: complained\n" + at + "web notice syslog: sent\n" + at +
                          "miniinit warning init: the init says\n");
    CHECK(shown[4] ==
          "{\"time\":\"2026-11-22T04:10:01.123456Z\",\"unit\":\"web\",\"priority\":\"info\",\"stream\":\"out\","
          "\"text\":\"said \xef\xbf\xbd\\u0001\\\"\",\"base64\":\"c2FpZCD/ASI=\"}\n");
    CHECK(shown[5].starts_with(
        "{\"time\":\"2026-11-22T04:10:01.123456Z\",\"unit\":\"web\",\"priority\":\"err\",\"stream\":\"err\","
        "\"unended\":true,\"text\":\"complained\"}\n"));
    CHECK(shown[5].ends_with(
        "\"unit\":\"miniinit\",\"priority\":\"warning\",\"stream\":\"init\",\"text\":\"the init says\"}\n"));
}

TEST_CASE("one output for both keeps the order of lines") {
    const Output output(false);
    Echo echo;
    echo.use(own(logs::ConsoleFormat::brief));
    echo.take("web", line("info out: 1") + line("info err: 2") + line("info out: 3"));
    echo.flush();
    CHECK(output.read() == "web: 1\nweb: 2\nweb: 3\n");
}

TEST_CASE("the longest line that there is finds room in every format") {
    for (const auto format : {logs::ConsoleFormat::brief, logs::ConsoleFormat::json}) {
        const Output output;
        Echo echo;
        echo.use(own(format));
        std::string shown;
        for (unsigned i = 0; i < 3; ++i) {
            echo.take("web", line("info out: " + std::string(logs::longest_text, '\xff')));
            for (echo.flush(); echo.waits_for()[0] >= 0; echo.flush())
                shown += output.read();
        }
        shown += output.read();
        CHECK(std::ranges::count(shown, '\n') == 3);
        CHECK(shown.ends_with(format == logs::ConsoleFormat::json ? "\"}\n" : "???\n"));
        CHECK(shown.size() > 3 * logs::longest_text);
    }
}

TEST_CASE(
    "a reader of the output that is slower than services misses nothing; one that does not read is not waited for") {
    const Output output;
    Echo echo;
    echo.use(own(logs::ConsoleFormat::brief));
    constexpr unsigned all = 100'000;
    std::string shown;
    std::atomic<bool> over = false;
    std::thread reader([&] {
        while (!over) {
            shown += output.read();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    });
    for (unsigned i = 0; i < all; ++i)
        echo.take("web", line("info out: number " + std::to_string(i)));
    echo.flush_last();
    CHECK(echo.waits_for()[0] == -1);
    over = true;
    reader.join();
    shown += output.read();
    unsigned next = 0;
    std::size_t at = 0;
    for (std::string one; shown.compare(at, (one = "web: number " + std::to_string(next) + "\n").size(), one) == 0;
         ++next)
        at += one.size();
    CHECK(next == all);
    CHECK(at == shown.size());

    CHECK(echo.take_trouble().empty());
    for (unsigned i = 0; i < all; ++i) // this ends
        echo.take("web", line("info out: number " + std::to_string(i)));
    CHECK(echo.take_trouble().starts_with("the output is not read"));
    CHECK(echo.take_trouble().empty());
    shown = output.read();
    for (echo.flush(); echo.waits_for()[0] >= 0; echo.flush())
        shown += output.read();
    shown += output.read();
    const auto arrived = static_cast<unsigned>(std::ranges::count(shown, '\n')) - 1;
    CHECK(arrived > 10'000);
    CHECK(shown.ends_with("miniinit: " + std::to_string(all - arrived) + " more lines are in the logs\n"));
    CHECK(echo.take_trouble() ==
          "the output is read again; " + std::to_string(all - arrived) + " lines were left out there");
}
