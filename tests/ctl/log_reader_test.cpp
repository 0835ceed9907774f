// `minictl logs`: reading, merging, following. Files are written here as the collector does it.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "ctl/logs/log_follow.hpp"
#include "ctl/logs/log_reader.hpp"
#include "ctl/logs/logs.hpp"
#include "ctl/run.hpp"
#include "wire/log_pack.hpp"

using namespace mi;
using namespace mi::ctl;
namespace fs = std::filesystem;
namespace wl = mi::wire::logs;

namespace {

constexpr std::int64_t start = 1'795'320'000'000'000; // 2026-11-22T04:00:00Z

class Store {
public:
    Store() {
        std::string name = (fs::temp_directory_path() / "logs-test-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Store() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    // A line `second` seconds after the start.
    void add(const std::string& unit, double second, const std::string& text,
             wl::Priority priority = wl::Priority::info, bool unended = false, const std::string& directory = "var",
             wl::Source source = wl::Source::out, wl::Facility facility = wl::facilities) {
        fs::path place = path / directory / wl::directory_name(unit);
        fs::create_directories(place);
        std::string stamp = wl::stamp_of({start + static_cast<std::int64_t>(second * 1e6)});
        char prefix[wl::longest_prefix];
        std::string line(prefix, wl::write_prefix(stamp, priority, source, unended, prefix, facility));
        std::ofstream(place / "current", std::ios::app | std::ios::binary) << line << text << '\n';
    }
    void rotate(const std::string& unit, double second) {
        fs::path place = path / "var" / unit;
        fs::rename(place / "current", place / wl::rotated_name({start + static_cast<std::int64_t>(second * 1e6)}));
    }
    // The compressed form of the last rotated file, and where it is.
    fs::path pack(const std::string& unit, bool remove = true) {
        std::vector<fs::path> files;
        for (const auto& entry : fs::directory_iterator(path / "var" / unit))
            if (wl::parse_rotated_name(entry.path().filename().string()))
                files.push_back(entry.path());
        std::sort(files.begin(), files.end());
        REQUIRE(!files.empty());
        std::ifstream in(files.back(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        struct stat status{};
        REQUIRE(::stat(files.back().c_str(), &status) == 0);
        wl::Packer packer;
        const fs::path packed = files.back().parent_path() / wl::packed_name(files.back().filename().string());
        std::ofstream out(packed, std::ios::binary);
        out << packer.head(status.st_ino);
        for (std::size_t at = 0; at < text.size();) {
            std::size_t size = std::min(wl::pack_frame_text, text.size() - at);
            size = std::string_view(text).substr(at, size).rfind('\n') + 1;
            out << packer.frame(std::string_view(text).substr(at, size));
            at += size;
        }
        out << packer.foot();
        if (remove)
            fs::remove(files.back());
        return packed;
    }
    std::vector<std::string> directories() const { return {path / "var", path / "run"}; }
    std::vector<UnitLog> open(std::vector<std::string> patterns = {}) const {
        std::vector<std::string> complaints;
        auto logs = open_logs(directories(), patterns, complaints);
        CHECK(complaints.empty());
        return logs;
    }
    fs::path path;
};

std::string at(double second) { return wl::stamp_of({start + static_cast<std::int64_t>(second * 1e6)}); }

std::vector<std::string> read_all(std::vector<UnitLog> logs, const Range& range = {}, bool backwards = false) {
    std::vector<std::string> lines;
    Merge merge(logs, range, backwards);
    while (auto line = merge.next())
        lines.push_back(std::string(line->unit) + ": " + std::string(line->line.text));
    return lines;
}

// `minictl logs` with these words, and the exit code; of the store, if they do not say otherwise.
int logs(const Store& store, std::vector<std::string> words) {
    if (std::ranges::find(words, "-D") == words.end() && std::ranges::find(words, "--root") == words.end())
        for (const std::string& directory : store.directories())
            words.insert(words.end(), {"-D", directory});
    words.insert(words.begin(), {"minictl", "logs"});
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    return run(static_cast<int>(words.size()), argv.data());
}

// What `minictl logs` prints, and its exit code.
std::pair<std::string, int> run_logs(const Store& store, const std::vector<std::string>& words) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], 1);
        ::close(2);
        ::setenv("TZ", "UTC", 1);
        ::_exit(logs(store, words));
    }
    ::close(ends[1]);
    std::string out;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        out.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return {out, WEXITSTATUS(status)};
}

} // namespace

TEST_CASE("logs of several units are merged in time order, over rotated files, and backwards is the exact reverse") {
    Store store;
    store.add("web", 1, "w1");
    store.add("db", 2, "d1");
    store.add("web", 3, "w2");
    store.rotate("web", 3.5);
    store.add("web", 4, "w3");
    store.add("db", 4, "d2");
    store.add("web", 5, "w4");
    std::vector<std::string> expected{"web: w1", "db: d1", "web: w2", "db: d2", "web: w3", "web: w4"};
    CHECK(read_all(store.open()) == expected);
    std::reverse(expected.begin(), expected.end());
    CHECK(read_all(store.open(), {}, true) == expected);
    CHECK(read_all(store.open({"d*"})) == std::vector<std::string>{"db: d1", "db: d2"});
}

TEST_CASE("a range is what reading everything and comparing gives, wherever it begins and ends, compressed or not") {
    Store store;
    std::mt19937 random(5);
    bool packed = false;
    SUBCASE("plain") {}
    SUBCASE("compressed") { packed = true; }
    std::vector<std::pair<double, std::string>> all;
    double now = 0;
    fs::create_directories(store.path / "var/web");
    std::ofstream file(store.path / "var/web/current", std::ios::binary);
    for (int i = 0; i < 4000; ++i) {
        now += static_cast<double>(random() % 3);
        std::string text = std::to_string(i) + std::string(random() % 200, 'x');
        if (i % 1000 == 500)
            text += std::string(60'000, 'y');
        all.emplace_back(now, text);
        file << at(now) << " info out: " << text << '\n';
        if (i == 2000) {
            file.close();
            store.rotate("web", now + 0.5);
            if (packed)
                (void)store.pack("web", random() % 2 == 0); // while it is made both are there
            file.open(store.path / "var/web/current", std::ios::binary);
        }
    }
    file.close();
    for (int round = 0; round < 40; ++round) {
        Range range;
        double since = static_cast<double>(random() % 4500) - 100, until = since + static_cast<double>(random() % 900);
        if (round % 4 != 0)
            range.since = WallTime{start + static_cast<std::int64_t>(since * 1e6)};
        if (round % 5 != 0)
            range.until = WallTime{start + static_cast<std::int64_t>(until * 1e6)};
        std::vector<std::string> expected;
        for (const auto& [second, text] : all)
            if ((!range.since || second >= since) && (!range.until || second <= until))
                expected.push_back("web: " + text);
        REQUIRE(read_all(store.open(), range) == expected);
        std::reverse(expected.begin(), expected.end());
        REQUIRE(read_all(store.open(), range, true) == expected);
    }
}

TEST_CASE("finding a moment in a large file reads a few blocks of it") {
    Store store;
    fs::create_directories(store.path / "var/web");
    std::ofstream file(store.path / "var/web/current", std::ios::binary);
    for (int i = 0; i < 100'000; ++i)
        file << at(i) << " info out: line " << i << '\n';
    file.close();
    auto logs = store.open();
    Around around = find_moment(logs[0].files[0], {start + 77'777'000'000});
    CHECK(around.behind - around.before <= 64 * 1024);
    std::string first(27, ' ');
    std::ifstream in(store.path / "var/web/current", std::ios::binary);
    in.seekg(around.before);
    in.read(first.data(), 27);
    CHECK(first < at(77'777));
    in.seekg(around.behind);
    in.read(first.data(), 27);
    CHECK(first >= at(77'777));
}

TEST_CASE("finding a moment in a compressed file reads a few of its frames") {
    Store store;
    fs::create_directories(store.path / "var/web");
    std::ofstream file(store.path / "var/web/current", std::ios::binary);
    for (int i = 0; i < 200'000; ++i)
        file << at(i) << " info out: line " << i << '\n';
    file.close();
    store.rotate("web", 200'001);
    const fs::path packed = store.pack("web");
    { // A frame that is not on the way is damaged, and nobody notices.
        std::fstream spoilt(packed, std::ios::in | std::ios::out | std::ios::binary);
        spoilt.seekp(static_cast<std::streamoff>(fs::file_size(packed) / 20));
        spoilt << "spoilt";
    }
    auto logs = store.open();
    REQUIRE(logs[0].files[0].open());
    const std::int64_t size = logs[0].files[0].size;
    CHECK(size > 8'000'000);
    CHECK(fs::file_size(packed) < 2'000'000);
    Around around = find_moment(logs[0].files[0], {start + 177'777'000'000});
    CHECK(around.behind - around.before <= 64 * 1024);
    auto lines = read_all(store.open(), {WallTime{start + 177'777'000'000}, WallTime{start + 177'779'000'000}});
    CHECK(lines == std::vector<std::string>{"web: line 177777", "web: line 177778", "web: line 177779"});
}

TEST_CASE("a compressed file that is damaged, cut off, somebody else's or none at all: the rest is shown, and what is "
          "missing") {
    Store store;
    for (int i = 0; i < 20'000; ++i)
        store.add("web", i, "line " + std::to_string(i));
    store.rotate("web", 20'001);
    const fs::path packed = store.pack("web");
    store.add("web", 20'002, "the last");
    std::ifstream in(packed, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    const auto all = read_all(store.open());
    CHECK(all.size() == 20'001);
    auto write = [&](std::string_view text) { std::ofstream(packed, std::ios::binary | std::ios::trunc) << text; };
    auto complaints = [](const std::vector<std::string>& lines) {
        return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
            return line.starts_with("web: damaged log: ") && line.find(".log.zst") != line.npos;
        });
    };
    SUBCASE("damaged in the middle") {
        bytes[bytes.size() / 2] ^= 0x20;
        write(bytes);
        auto lines = read_all(store.open());
        CHECK(complaints(lines) == 1);
        CHECK(lines.size() > 10'000);
        CHECK(lines.front() == all.front());
        CHECK(lines.back() == "web: the last");
        // Also where only a part of it is wanted.
        CHECK(read_all(store.open(), {WallTime{start + 19'999'000'000}, {}}) ==
              std::vector<std::string>{"web: line 19999", "web: the last"});
        CHECK(run_logs(store, {"-p", "err", "web"}).first.find("cannot be read\n") != std::string::npos);
    }
    SUBCASE("cut off") {
        write(std::string_view(bytes).substr(0, bytes.size() * 2 / 3));
        auto lines = read_all(store.open());
        CHECK(complaints(lines) == 1);
        CHECK(lines.size() > 10'000);
        CHECK(lines[lines.size() - 2].ends_with("ends too early"));
        CHECK(lines.back() == "web: the last");
    }
    SUBCASE("without its table") {
        write(std::string_view(bytes).substr(0, bytes.rfind("\x5e\x2a\x4d\x18")));
        CHECK(read_all(store.open()) == all);
    }
    SUBCASE("no zstd at all, or of a format that nobody uses any more") {
        for (const std::string& text :
             {std::string("something\n"), std::string(), std::string("\x25\xb5\x2f\xfd", 4) + std::string(3000, 'x')}) {
            write(text);
            auto lines = read_all(store.open());
            CHECK(lines.back() == "web: the last");
            CHECK(complaints(lines) == 1);
        }
    }
    SUBCASE("any byte of it") {
        std::mt19937 random(7);
        for (int round = 0; round < 200; ++round) {
            std::string spoilt = bytes;
            for (int i = 0; i < 3; ++i)
                spoilt[random() % spoilt.size()] = static_cast<char>(random());
            if (round % 3 == 0)
                spoilt.resize(random() % spoilt.size());
            write(spoilt);
            CHECK(read_all(store.open()).back() == "web: the last");
        }
    }
}

TEST_CASE("a torn end, foreign lines and an empty file are no trouble") {
    Store store;
    store.add("web", 1, "one");
    std::ofstream(store.path / "var/web/current", std::ios::app) << "something else\n\n"
                                                                 << at(2) << " info out: two\n"
                                                                 << at(3) << " info out: not yet wri";
    fs::create_directories(store.path / "var/empty");
    std::ofstream(store.path / "var/empty/current") << "";
    std::ofstream(store.path / "var/a file") << "no directory";
    fs::create_directories(store.path / "var/nothing");
    std::vector<std::string> expected{"web: one", "web: something else", "web: ", "web: two"};
    CHECK(read_all(store.open()) == expected);
    std::reverse(expected.begin(), expected.end());
    CHECK(read_all(store.open(), {}, true) == expected);
}

TEST_CASE("lines are chosen by facility, and a service's own are of daemon") {
    Store store;
    const auto add = [&](double second, const std::string& text, wl::Source source, wl::Facility facility) {
        store.add("web", second, text, wl::Priority::info, false, "var", source, facility);
    };
    add(1, "own", wl::Source::out, wl::facilities);
    add(2, "user", wl::Source::syslog, wl::facility_user);
    add(3, "auth", wl::Source::syslog, *wl::facility_of("auth"));
    add(4, "kern", wl::Source::kernel, wl::facility_kern);
    add(5, "local7", wl::Source::syslog, *wl::facility_of("local7"));
    const auto of = [&](const std::string& words) { return run_logs(store, {"--facility", words, "-o", "cat"}).first; };
    CHECK(of("auth") == "auth\n");
    CHECK(of("daemon,kern,local7") == "own\nkern\nlocal7\n");
    CHECK(of("user") == "user\n");
    CHECK(of("cron").empty());
    CHECK(run_logs(store, {"--facility", "auth,nonsense"}).second == 2);
}

TEST_CASE("the options choose and shape the lines") {
    Store store;
    for (int i = 0; i < 30; ++i)
        store.add(i % 2 == 0 ? "web" : "db", i, "line " + std::to_string(i),
                  i % 10 == 0 ? wl::Priority::err : wl::Priority::info);
    store.add("early", -5, "in run", wl::Priority::debug, false, "run", wl::Source::init);
    CHECK(run_logs(store, {"-n", "2"}).first == "Nov 22 04:00:28 web: line 28\nNov 22 04:00:29 db: line 29\n");
    CHECK(run_logs(store, {"-n", "2", "-r", "db"}).first ==
          "Nov 22 04:00:29 db: line 29\nNov 22 04:00:27 db: line 27\n");
    CHECK(run_logs(store, {"-p", "err", "-o", "cat"}).first == "line 0\nline 10\nline 20\n");
    CHECK(run_logs(store, {"-g", "line 1[0-2]$", "-o", "cat"}).first == "line 10\nline 11\nline 12\n");
    CHECK(run_logs(store, {"--grep=LINE 1"}).first.empty());
    CHECK(run_logs(store, {"-g", "^LiNe", "-n1"}).first.empty());
    CHECK(run_logs(store, {"--since", "2026-11-22T04:00:10Z", "--until", "2026-11-22 04:00:11", "-o", "cat"}).first ==
          "line 10\nline 11\n");
    CHECK(run_logs(store, {"early"}).first == "Nov 22 03:59:55 early[init]: in run\n");
    CHECK(run_logs(store, {"early", "-o", "iso"}).first == "2026-11-22T03:59:55.000000Z early debug init: in run\n");
    CHECK(run_logs(store, {"early", "--json"}).first ==
          "{\"time\":\"2026-11-22T03:59:55.000000Z\",\"unit\":\"early\",\"priority\":\"debug\",\"stream\":\"init\","
          "\"text\":\"in run\"}\n");
    CHECK(run_logs(store, {"nosuch"}).second == 4);
    CHECK(run_logs(store, {"web"}).second == 0);
    CHECK(run_logs(store, {"-n", "x"}).second == 2);
    CHECK(run_logs(store, {"-g", "("}).second == 2);
    CHECK(run_logs(store, {"--nonsense"}).second == 2);
    CHECK(run_logs(store, {"--since", "whenever"}).second == 2);
    CHECK(run_logs(store, {"--root", store.path, "web"}).second == 4);
    CHECK(run_logs(store, {"-D", store.path / "var", "-o", "cat", "-n1"}).first == "line 29\n");
}

TEST_CASE("cat gives back what was written") {
    Store store;
    store.add("web", 1, "Pass", wl::Priority::info, true);
    store.add("web", 2, "word:", wl::Priority::info);
    store.add("web", 3, std::string("a\0b\xff", 4), wl::Priority::info);
    store.add("web", 4, "end", wl::Priority::info, true);
    CHECK(run_logs(store, {"web", "-o", "cat"}).first == std::string("Password:\na\0b\xff\nend", 18));
}

TEST_CASE("JSON is valid for any text, and exact") {
    wl::Line line{{start}, wl::Priority::info, wl::Source::err, true, "say \"hi\" \\ \t\x01 \xe2\x82\xac"};
    CHECK(show_line({}, LogOutput::json, "web", line) ==
          "{\"time\":\"2026-11-22T04:00:00.000000Z\",\"unit\":\"web\",\"priority\":\"info\",\"stream\":\"err\","
          "\"unended\":true,"
          "\"text\":\"say \\\"hi\\\" \\\\ \\t\\u0001 \xe2\x82\xac\"}\n");
    line.text = "\xff"
                "a\xc0\x80";
    CHECK(show_line({}, LogOutput::json, "web", line)
              .find("\"text\":\"\xef\xbf\xbd"
                    "a\xef\xbf\xbd\xef\xbf\xbd\",\"base64\":\"/2HAgA==\"") != std::string::npos);
}

TEST_CASE("on a terminal a service cannot send escape sequences, and priorities have colours") {
    wl::Line line{{start}, wl::Priority::err, wl::Source::out, false, "\033[2Jboo\ttab"};
    CHECK(show_line({}, LogOutput::cat, "web", line) == "\033[2Jboo\ttab\n");
    CHECK(show_line({.terminal = true}, LogOutput::cat, "web", line) == "?[2Jboo\ttab\n");
    std::string painted = show_line({.terminal = true, .colours = true}, LogOutput::brief, "web", line);
    CHECK(painted.find("\033[31m?[2Jboo\ttab\033[0m") != std::string::npos);
    // Of one byte, of two, with a letter of two beside it; and in the name of a directory that somebody made.
    line.text = "\x9b\xc2\x9b\xc3\xbc\xc2\u202e";
    CHECK(show_line({.terminal = true}, LogOutput::cat, "web", line) == "??\xc3\xbc??\n");
    CHECK(show_line({.terminal = true}, LogOutput::brief,
                    "w\xc2\x9b"
                    "b\x1b[2J",
                    line)
              .find("w?b?[2J: ??") != std::string::npos);
}

TEST_CASE("moments are understood as people write them") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    WallTime now{start + 90 * 1'000'000};
    auto seconds = [&](const char* text) -> double {
        auto moment = parse_moment(text, now);
        return moment ? static_cast<double>(moment->micros - start) / 1e6 : -1e18;
    };
    CHECK(seconds("2026-11-22T04:10:01Z") == 601);
    CHECK(seconds("2026-11-22T04:10:01.5Z") == 601.5);
    CHECK(seconds("2026-11-22 04:10") == 600);
    CHECK(seconds("2026-11-22") == -4 * 3600);
    CHECK(seconds("04:01") == 60);
    CHECK(seconds("04:01:30") == 90);
    CHECK(seconds("now") == 90);
    CHECK(seconds("today") == -4 * 3600);
    CHECK(seconds("yesterday") == -28 * 3600);
    CHECK(seconds("-1min") == 30);
    CHECK(seconds("-90") == 0);
    CHECK(seconds("1h 30min ago") == 90 - 5400);
    for (const char* bad : {"", "x", "25:99", "2026-13-01", "5 parsecs ago", "-", "ago", "04:10Z", "2026-11-22x"})
        CHECK_MESSAGE(!parse_moment(bad, now), bad);
    ::unsetenv("TZ");
    ::tzset();
}

namespace {

// Collects what a follower hands over until it has `count` lines; each wait must be woken by a change.
std::vector<std::string> follow(Follower& follower, std::size_t count) {
    std::vector<std::string> lines;
    while (true) {
        follower.read(
            [&](const LogLine& line) { lines.push_back(std::string(line.unit) + ": " + std::string(line.line.text)); });
        if (lines.size() >= count)
            return lines;
        pollfd one{follower.descriptor(), POLLIN, 0};
        if (::poll(&one, 1, 5'000) != 1)
            return lines;
        REQUIRE(follower.wait());
    }
}

} // namespace

TEST_CASE("following shows every line once: through rotation, new units, and a move to another directory") {
    Store store;
    bool packed = false;
    SUBCASE("plain") {}
    SUBCASE("rotated files are compressed at once") { packed = true; }
    store.add("web", 1, "seen");
    auto present = store.open();
    store.add("web", 2, "between");
    auto follower = Follower::start(store.directories(), {}, present);
    REQUIRE(follower);
    CHECK(follow(*follower, 1) == std::vector<std::string>{"web: between"});

    store.add("web", 3, "third");
    CHECK(follow(*follower, 1) == std::vector<std::string>{"web: third"});

    store.add("web", 4, "before rotation");
    store.rotate("web", 4.5);
    if (packed)
        (void)store.pack("web");
    store.add("web", 5, "after rotation");
    CHECK(follow(*follower, 2) == std::vector<std::string>{"web: before rotation", "web: after rotation"});
    store.rotate("web", 5.5);
    if (packed)
        (void)store.pack("web");
    store.add("web", 6, "again");
    store.rotate("web", 6.5);
    if (packed)
        (void)store.pack("web");
    store.add("web", 7, "and again");
    CHECK(follow(*follower, 2) == std::vector<std::string>{"web: again", "web: and again"});

    store.add("late", 8, "new unit", wl::Priority::info, false, "run");
    CHECK(follow(*follower, 1) == std::vector<std::string>{"late: new unit"});
    // The collector moves it.
    fs::create_directories(store.path / "var/late");
    fs::copy(store.path / "run/late/current", store.path / "var/late/current");
    fs::remove_all(store.path / "run/late");
    store.add("late", 9, "moved");
    CHECK(follow(*follower, 1) == std::vector<std::string>{"late: moved"});

    // Half a line waits for the rest.
    std::ofstream half(store.path / "var/web/current", std::ios::app);
    half << at(10) << " info out: half" << std::flush;
    CHECK(follow(*follower, 0).empty());
    half << " and half\n" << std::flush;
    CHECK(follow(*follower, 1) == std::vector<std::string>{"web: half and half"});
}

TEST_CASE("following waits for a log directory that is not there yet") {
    Store store;
    auto follower = Follower::start(store.directories(), {"web"}, {});
    REQUIRE(follower);
    CHECK(follow(*follower, 0).empty());
    store.add("other", 1, "not wanted");
    store.add("web", 1, "first");
    CHECK(follow(*follower, 1) == std::vector<std::string>{"web: first"});
}

TEST_CASE("`logs -f` shows the last lines and then goes on, asleep in between") {
    Store store;
    for (int i = 0; i < 20; ++i)
        store.add("web", i, std::to_string(i));
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], 1);
        ::_exit(logs(store, {"-f", "-o", "cat", "-n", "3"}));
    }
    ::close(ends[1]);
    auto read_bytes = [&](std::size_t count) {
        std::string out;
        char c = 0;
        pollfd one{ends[0], POLLIN, 0};
        while (out.size() < count && ::poll(&one, 1, 5'000) == 1 && ::read(ends[0], &c, 1) == 1)
            out += c;
        return out;
    };
    CHECK(read_bytes(9) == "17\n18\n19\n");
    store.add("web", 30, "new");
    CHECK(read_bytes(4) == "new\n");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);
}
