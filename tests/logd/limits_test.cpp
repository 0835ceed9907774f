// What a log may take: in age, in rate, all together, by importance.
#include <sys/un.h>

#include "logd/harness.hpp"
#include "wire/log_pack.hpp"

using namespace mi;
using namespace mi::logd::test;
using logs::Priority;
using logs::Source;

namespace {

// The number at the beginning of each notice of that kind, summed up.
unsigned long told(const std::vector<Entry>& entries, std::string_view what) {
    unsigned long sum = 0;
    for (const Entry& entry : entries)
        if (entry.source == Source::init && entry.text.find(what) != entry.text.npos)
            sum += std::stoul(entry.text);
    return sum;
}

std::uint64_t size_of_all(const fs::path& directory) {
    std::uint64_t size = 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        std::error_code gone; // removed by the one we watch, since it was listed
        const std::uint64_t of_file = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
        size += gone ? 0 : of_file;
    }
    return size;
}

} // namespace

TEST_CASE("a log is put aside with the first line after its age is reached, whatever its size") {
    Scratch scratch;
    const fs::path unit = scratch.path / "var/web";
    fs::create_directories(unit);
    const auto now =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
    auto begin_at = [&](std::chrono::seconds ago) {
        std::ofstream(unit / "current") << logs::stamp_of({(now - ago).count()}) << " info out: first\n";
    };
    bool rotated = false;
    SUBCASE("older") {
        begin_at(std::chrono::seconds(3700));
        rotated = true;
    }
    SUBCASE("younger") { begin_at(std::chrono::seconds(3500)); }
    FakeInit init({scratch.path / "var"}, {.rotate_age = 3600});
    init.start();
    logs::StreamId id = 0;
    Fd end = init.open_stream("web", Source::out, 0, &id);
    put(end, "second\n");
    REQUIRE(init.flush({id}));
    put(end, "third\n");
    REQUIRE(init.flush({id}));
    CHECK(files_of(scratch.path / "var", "web").size() == (rotated ? 2 : 1));
    CHECK(original(entries_of(scratch.path / "var", "web")) == "first\nsecond\nthird\n");
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("of all logs together the oldest rotated files go first, of whatever unit, and what is written to stays") {
    Scratch scratch;
    const fs::path var = scratch.path / "var";
    // Of other units, and of before: half of them compressed.
    for (int number = 0; number < 10; ++number) {
        const fs::path unit = var / (number % 2 == 0 ? "even" : "odd");
        fs::create_directories(unit);
        const std::string name = logs::rotated_name({1'000'000 + number});
        std::ofstream(unit / (number < 5 ? logs::packed_name(name) : name)) << std::string(10'000, '\n');
    }
    std::ofstream(var / "odd/notes.txt") << std::string(100'000, 'x'); // nobody's business
    FakeInit init({var}, {.rotate_size = 20'000, .rotate_keep = 100}, 75'000);
    init.start();
    logs::StreamId id = 0;
    Fd end = init.open_stream("web", Source::out, 0, &id);
    std::string all;
    auto write = [&](int lines) {
        for (int i = 0; i < lines; ++i) {
            const std::string line = std::to_string(all.size()) + std::string(150, 'x') + "\n";
            put(end, line);
            all += line;
        }
        REQUIRE(init.flush({id}));
    };
    write(60);
    // Nothing was rotated yet: nobody looked.
    CHECK(size_of_all(var) > 200'000);
    write(70);
    auto within = [&] { return size_of_all(var) - 100'000 <= 75'000 + 20'000; }; // with what is written to, as it grows
    CHECK(wait_until(within));
    CHECK(fs::exists(var / "odd" / logs::rotated_name({1'000'009})));
    CHECK_FALSE(fs::exists(var / "odd" / logs::packed_name(logs::rotated_name({1'000'001}))));
    CHECK_FALSE(fs::exists(var / "even" / logs::packed_name(logs::rotated_name({1'000'004}))));
    for (int round = 0; round < 30; ++round) {
        write(60);
        CHECK(wait_until(within));
    }
    CHECK(fs::exists(var / "odd/notes.txt"));
    const std::string left = original(entries_of(var, "web"));
    CHECK(left.size() > 30'000);
    CHECK(all.ends_with(left));
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("lines over the rate-limit are dropped and counted, and the log says how many; other units have their own") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"}, {.rate_limit = 50});
    init.start();
    logs::StreamId id = 0, other_id = 0, own_id = 0;
    Fd end = init.open_stream("web", Source::out, 0, &id), other = init.open_stream("db", Source::err, 0, &other_id);
    Fd own = init.open_stream("miniinit", Source::init, 0, &own_id);
    const auto began = Clock::now();
    for (int i = 0; i < 5000; ++i)
        put(end, "line " + std::to_string(i) + "\n");
    put(other, "calm\n");
    for (int i = 0; i < 200; ++i)
        put(own, "of the init\n");
    REQUIRE(init.flush({id, other_id, own_id}));
    CHECK(original(entries_of(scratch.path / "var", "db"), Source::err) == "calm\n");
    CHECK(entries_of(scratch.path / "var", "miniinit").size() == 200); // PID 1 has no limit
    // What was dropped is told when the next line is kept, or by itself.
    unsigned long kept = 0, dropped = 0;
    CHECK(wait_until([&] {
        auto entries = entries_of(scratch.path / "var", "web");
        dropped = told(entries, " lost here: more than its rate-limit");
        kept = 0;
        for (const Entry& entry : entries)
            kept += entry.source == Source::out ? 1 : 0;
        return kept + dropped == 5000;
    }));
    const auto seconds = static_cast<unsigned long>((Clock::now() - began) / std::chrono::seconds(1));
    CHECK(kept >= 50);
    CHECK(kept <= 50 * (seconds + 2));
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("level and rate-limit hold for what comes by syslog, too") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"}, {.rate_limit = 20, .rate_seconds = 3600, .level = Priority::notice});
    init.start();
    logs::StreamId id = 0;
    init.open_syslog(scratch.path / "log", &id);
    const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{AF_UNIX, {}};
    (scratch.path / "log").string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    for (int i = 0; i < 50; ++i)
        for (std::string_view text : {"<14>app: usual", "<13>app: noted"})
            REQUIRE(::send(socket.get(), text.data(), text.size(), 0) > 0);
    REQUIRE(init.flush({id}));
    CHECK(init.finish() == logd::exit_done);
    auto entries = entries_of(scratch.path / "var", "syslog");
    const auto count = [&](std::string_view text) {
        return std::ranges::count_if(entries, [&](const Entry& entry) { return entry.text == text; });
    };
    CHECK(count("app: usual") == 0);
    // Where an hour ends just then there are two of them.
    CHECK((count("app: noted") == 20 || count("app: noted") == 40));
    CHECK(count("app: noted") + static_cast<long>(told(entries, " lost here: more than its rate-limit")) == 50);
}

TEST_CASE("lines below the level of a log are not kept, those of the init are") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"}, {.level = Priority::warning});
    init.start();
    logs::StreamId id = 0, own_id = 0;
    Fd end = init.open_stream("web", Source::out, 0, &id), own = init.open_stream("web", Source::init, 0, &own_id);
    put(end, "usual\n<4>a warning\n<5>a notice\n<3>an error\n<7>" + std::string(100'000, 'x') + "\n<0>the end");
    for (const std::string& line : logs::init_lines("web", Priority::debug, "from the init"))
        put(own, line);
    REQUIRE(init.flush({id, own_id}));
    auto entries = entries_of(scratch.path / "var", "web");
    CHECK(original(entries) == "a warning\nan error\nthe end");
    CHECK(original(entries, Source::init) == "from the init\n");
    CHECK(init.finish() == logd::exit_done);
}
