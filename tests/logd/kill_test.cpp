// The collector killed: at random moments under load, before and after each of its system calls, and at any
// instruction. Every line must arrive exactly once, in order.
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <climits>
#include <cstdlib>
#include <random>

#include "logd/harness.hpp"
#include "logd/shared.hpp"

using namespace mi;
using namespace mi::logd::test;
using logs::Source;

namespace {

// Forking under a sanitizer takes so long that only some of the moments are tried.
#if defined(__SANITIZE_ADDRESS__)
constexpr long stride = 11;
#else
constexpr long stride = 1;
#endif

const std::string writer_program = BINARY_DIR "/programs/log_writer";

pid_t start_writer(const std::vector<std::string>& arguments, const Fd& out, const Fd& err) {
    std::vector<char*> argv{const_cast<char*>(writer_program.c_str())};
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_t child = ::fork();
    if (child == 0) {
        ::dup2(out.get(), 1);
        ::dup2(err.get(), 2);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    return child;
}

unsigned long number_from(const char* name, unsigned long usual) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::strtoul(text, nullptr, 10) : usual;
}

// Checks that `text` is lines FIRST, FIRST+STEP, … of a log_writer with that tag; gives how many.
unsigned long count_lines(const std::string& text, const std::string& tag, unsigned long first, unsigned long step) {
    unsigned long count = 0;
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1, ++count) {
        char number[16];
        std::snprintf(number, sizeof number, " %09lu ", first + count * step);
        if (text.compare(at, tag.size() + 11, tag + number) != 0) {
            MESSAGE("expected " << tag << number << ", found " << text.substr(at, 40));
            return ULONG_MAX;
        }
    }
    return count;
}

} // namespace

TEST_CASE("a million lines from fifty writers arrive exactly once and in order while the collector is killed again and "
          "again") {
    REQUIRE_MESSAGE(::access(writer_program.c_str(), X_OK) == 0, "build the target log_writer");
    Scratch scratch(true);
    constexpr unsigned long writers = 50;
    const unsigned long each = number_from("MINIINIT_LOG_LINES", 1'000'000) / writers;
    FakeInit init({scratch.path / "var"}, {.rotate_size = 1'000'000, .rotate_keep = 1000});
    init.start();
    std::vector<pid_t> children;
    const char* modes[] = {"block", "line", "both"};
    for (unsigned long i = 0; i < writers; ++i) {
        const std::string unit = "writer" + std::to_string(i);
        Fd out = init.open_stream(unit, Source::out), err = init.open_stream(unit, Source::err);
        children.push_back(
            start_writer({unit, std::to_string(each), std::to_string(30 + i * 2), modes[i % 3]}, out, err));
    }
    std::mt19937 random(static_cast<unsigned>(::getpid()));
    unsigned kills = 0;
    while (!init.expect_all_ended(static_cast<int>(random() % (kills < 10 ? 8 : 80)))) {
        init.kill_collector();
        init.start();
        ++kills;
        REQUIRE(kills < 10'000);
    }
    MESSAGE("killed " << kills << " times");
    CHECK(kills >= 5);
    for (pid_t child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        CHECK(status == 0); // neither killed by SIGPIPE nor failed
    }
    CHECK(init.finish() == logd::exit_done);
    for (unsigned long i = 0; i < writers; ++i) {
        const std::string unit = "writer" + std::to_string(i);
        auto entries = entries_of(scratch.path / "var", unit);
        const bool both = i % 3 == 2;
        CHECK(count_lines(original(entries, Source::out), unit, 0, both ? 2 : 1) == (both ? (each + 1) / 2 : each));
        CHECK(count_lines(original(entries, Source::err), unit, 1, 2) == (both ? each / 2 : 0));
        bool in_order =
            std::is_sorted(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.at < b.at; });
        CHECK(in_order);
    }
}

namespace {

// One service's life in small: two streams, unfinished lines, a line over the limit, a rotation, PID 1's own lines.
struct Story {
    explicit Story(const fs::path& path)
        : directory(path / "var"), init({directory}, {.rotate_size = 60'000, .rotate_keep = 100}) {}

    void prepare() {
        out = init.open_stream("web", Source::out);
        err = init.open_stream("web", Source::err);
        own = init.open_stream("miniinit", Source::init);
        put(out, text_out);
        put(err, text_err);
        for (auto [unit, words] :
             {std::pair{"web", "one"}, std::pair{"", "two"}, std::pair{"db", "three"}, std::pair{"web", "four"}})
            for (const std::string& line : logs::init_lines(unit, logs::Priority::info, words))
                put(own, line);
        out.reset();
        err.reset();
        own.reset();
    }
    bool as_expected() const {
        auto web = entries_of(directory, "web");
        bool good = original(web, Source::out) == text_out && original(web, Source::err) == text_err &&
                    original(web, Source::init) == "one\nfour\n" &&
                    original(entries_of(directory, "miniinit"), Source::init) == "two\n" &&
                    original(entries_of(directory, "db"), Source::init) == "three\n";
        return good;
    }

    std::string text_out = "first\nsecond\n" + std::string(55'000, 'x') + "\nunfinished";
    std::string text_err = "error\n\n\nagain\nand";
    fs::path directory;
    FakeInit init;
    Fd out, err, own;
};

// Lets a traced collector go on until it has made `calls` system call stops (two for each call), then kills it.
// False: it went on to the end without making that many.
bool run_until_call(FakeInit& init, long calls) {
    int status = 0;
    ::waitpid(init.pid, &status, 0);
    while (calls-- > 0) {
        ::ptrace(PTRACE_SYSCALL, init.pid, 0, 0);
        ::waitpid(init.pid, &status, 0);
        if (!WIFSTOPPED(status))
            return init.pid = 0, false;
    }
    ::kill(init.pid, SIGKILL);
    ::waitpid(init.pid, &status, 0);
    init.pid = 0;
    return true;
}

#if !defined(__SANITIZE_ADDRESS__) // its instructions are too many
// The same, but goes `steps` single instructions on after the stop number `calls`.
bool run_until_instruction(FakeInit& init, long calls, long steps) {
    int status = 0;
    ::waitpid(init.pid, &status, 0);
    for (long i = 0; i < calls + steps; ++i) {
        ::ptrace(i < calls ? PTRACE_SYSCALL : PTRACE_SINGLESTEP, init.pid, 0, 0);
        ::waitpid(init.pid, &status, 0);
        if (!WIFSTOPPED(status))
            return init.pid = 0, false;
    }
    ::kill(init.pid, SIGKILL);
    ::waitpid(init.pid, &status, 0);
    init.pid = 0;
    return true;
}
#endif

void be_traced() {
    ::ptrace(PTRACE_TRACEME, 0, 0, 0);
    ::raise(SIGSTOP);
}

} // namespace

TEST_CASE("killed before or after any one of its system calls, the next collector finishes exactly what is missing") {
    long calls = 1;
    for (bool more = true; more; calls += stride) {
        Scratch scratch;
        Story story(scratch.path);
        story.prepare();
        story.init.before_run = be_traced;
        story.init.start();
        story.init.send(logs::Finish{}); // so that it comes to an end by itself
        more = run_until_call(story.init, calls);
        story.init.before_run = nullptr;
        story.init.start();
        REQUIRE(story.init.expect_all_ended());
        CHECK(story.init.finish() == logd::exit_done);
        if (!story.as_expected())
            FAIL("killed at stop " << calls);
    }
    MESSAGE(calls << " stops");
    CHECK(calls > 50);
}

TEST_CASE(
    "killed in the middle of a write to a file, the next collector takes back what was written and writes it anew") {
    std::mt19937 random(4);
    int torn = 0;
    long calls = 1;
    for (bool more = true; more; calls += stride) {
        Scratch scratch;
        Story story(scratch.path);
        story.prepare();
        story.init.before_run = be_traced;
        story.init.start();
        story.init.send(logs::Finish{});
        more = run_until_call(story.init, calls);
        // A write to a file cannot be interrupted from here, so its middle is made: the file ends inside it.
        logd::Record record{};
        REQUIRE(::pread(story.init.memory(), &record, sizeof record, offsetof(logd::Shared, record)) == sizeof record);
        const std::string unit(record.target_size > 0 ? std::string(record.target, record.target_size)
                                                      : std::string(record.unit, record.unit_size));
        const fs::path file = story.directory / unit / "current";
        if (more && wire::enumerator_of<logd::Step>(record.step) == logd::Step::writing && record.pending != 0 &&
            fs::file_size(file) == record.offset + record.size) {
            fs::resize_file(file, record.offset + random() % record.size);
            ++torn;
        }
        story.init.before_run = nullptr;
        story.init.start();
        REQUIRE(story.init.expect_all_ended());
        CHECK(story.init.finish() == logd::exit_done);
        if (!story.as_expected())
            FAIL("killed at stop " << calls);
    }
    MESSAGE(torn << " torn writes");
#if !defined(__SANITIZE_ADDRESS__)
    CHECK(torn > 5);
#endif
}

TEST_CASE("killed twice, at any two of its system calls, too") {
    std::mt19937 random(2);
    for (int round = 0; round < 60 / stride; ++round) {
        Scratch scratch;
        Story story(scratch.path);
        story.prepare();
        story.init.before_run = be_traced;
        for (int kills = 0; kills < 3; ++kills) {
            story.init.start();
            story.init.send(logs::Finish{});
            (void)run_until_call(story.init, static_cast<long>(random() % 120));
        }
        story.init.before_run = nullptr;
        story.init.start();
        REQUIRE(story.init.expect_all_ended());
        CHECK(story.init.finish() == logd::exit_done);
        if (!story.as_expected())
            FAIL("killed in round " << round);
    }
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("killed at instructions in between, too") {
    std::mt19937 random(3);
    for (int round = 0; round < 120; ++round) {
        Scratch scratch;
        Story story(scratch.path);
        story.prepare();
        story.init.before_run = be_traced;
        story.init.start();
        story.init.send(logs::Finish{});
        long calls = static_cast<long>(20 + random() % 120), steps = static_cast<long>(random() % 400);
        (void)run_until_instruction(story.init, calls, steps);
        story.init.before_run = nullptr;
        story.init.start();
        REQUIRE(story.init.expect_all_ended());
        CHECK(story.init.finish() == logd::exit_done);
        if (!story.as_expected())
            FAIL("killed " << steps << " instructions after stop " << calls);
    }
}
#endif

TEST_CASE("killed at any system call of a move to a better directory, nothing is lost or doubled") {
    for (bool memory : {false, true}) {
        long calls = 1;
        for (bool more = true; more; calls += 3 * stride) {
            Scratch scratch;
            fs::path var = scratch.path / "blocked/var";
            std::ofstream(scratch.path / "blocked") << "";
            std::vector<std::string> directories{var};
            if (!memory)
                directories.push_back(scratch.path / "run");
            FakeInit init(directories, {.rotate_size = 4000, .rotate_keep = 100});
            init.start();
            std::string expected[2];
            for (int unit = 0; unit < 2; ++unit) {
                logs::StreamId id = 0;
                Fd end = init.open_stream("unit" + std::to_string(unit), Source::out, 0, &id);
                for (int i = 0; i < 150; ++i) {
                    std::string line = "line " + std::to_string(i) + " of " + std::to_string(unit) + "\n";
                    expected[unit] += line;
                    put(end, line);
                    if (i % 50 == 0)
                        REQUIRE(init.flush({id}));
                }
            }
            REQUIRE(init.expect_all_ended());
            init.kill_collector();
            fs::remove(scratch.path / "blocked");
            init.before_run = be_traced;
            init.start(); // finds the better directory and moves
            init.send(logs::Finish{});
            more = run_until_call(init, calls);
            init.before_run = nullptr;
            init.start();
            REQUIRE(init.flush({}));
            CHECK(init.finish() == logd::exit_done);
            for (int unit = 0; unit < 2; ++unit)
                if (original(entries_of(var, "unit" + std::to_string(unit))) != expected[unit])
                    FAIL((memory ? "memory, " : "directory, ") << "killed at stop " << calls);
        }
        MESSAGE(calls << " stops");
        CHECK(calls > 40);
    }
}

TEST_CASE("an estate that makes no sense is refused, not followed") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.before_run = [] { // garbage in the record
        std::string garbage(64 * 1024, '\xa5');
        (void)::pwrite(logd::memory_fd, garbage.data(), garbage.size(), 8);
    };
    init.start();
    int status = 0;
    REQUIRE(::waitpid(init.pid, &status, 0) == init.pid);
    init.pid = 0;
    CHECK(WEXITSTATUS(status) == logd::exit_estate_unusable);
}
