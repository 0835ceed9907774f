// A program that crashes is executed anew and finds what it has left: with real signals, in a process of its own.
#include "os/crash/crash.hpp"
#include "os/scene.hpp"

#include <map>
#include <sstream>

namespace mi::os {

namespace {

// What the program has told, by word, after doing as `kind` says; `ended` is its wait status.
struct Told : std::map<std::string, std::string> {
    int ended = -1;
};

Told crash(const std::string& kind, const std::string& file = program("crash_program")) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], 1);
        if (::chdir("/usr") == 0)
            ::execl(file.c_str(), "crasher", kind.c_str(), file.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(ends[1]);
    std::string text;
    char bytes[4096];
    for (ssize_t got = 0; (got = ::read(ends[0], bytes, sizeof bytes)) > 0;)
        text.append(bytes, static_cast<std::size_t>(got));
    ::close(ends[0]);
    Told told;
    ::waitpid(child, &told.ended, 0);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        told[line.substr(0, line.find(' '))] = line.substr(std::min(line.size(), line.find(' ') + 1));
    return told;
}

#ifdef __SANITIZE_ADDRESS__
constexpr bool sanitized = true; // its allocator never refuses, and it needs descriptors to start
#else
constexpr bool sanitized = false;
#endif

} // namespace

TEST_CASE("after any fault the same process is executed anew, with what it had open, and knows what has happened") {
    struct Case {
        const char* kind;
        int signal;
        const char* text;
    };
    std::vector<Case> cases{{"abort", SIGABRT, ""},
                            {"assert", SIGABRT, "assertion failed: as it was asked for"},
                            {"segv", SIGSEGV, ""},
                            {"bus", SIGBUS, ""},
                            {"ill", SIGILL, ""},
                            {"fpe", SIGFPE, ""},
                            {"stack-overflow", SIGSEGV, ""},
                            {"exception", SIGABRT, "St12out_of_range"}};
    if (!sanitized)
        cases.push_back({"bad-alloc", SIGABRT, "out of memory"});
    for (const Case& one : cases) {
        CAPTURE(one.kind);
        Told told = crash(one.kind);
        CHECK(told.ended == 0);
        CHECK(told["signal"] == std::to_string(one.signal));
        CHECK(told["text"] == one.text);
        CHECK(told["crashes"] == "1");
        CHECK(told["deliberate"] == "0");
        CHECK(told["trust"] == "0");
        CHECK(told["sent"] == "0");
        CHECK(std::stoi("0" + told["callers"]) > 0);
        CHECK(told["state"] == "hello");
        CHECK(told["descriptor"] == "open");
        CHECK(told["pending"] == "yes");
        CHECK(told["faults"] == "free");
        CHECK(told["name"] == "crash_program");
        CHECK(told["here"] == "/usr");
    }
}

TEST_CASE("the address of a fault is told") { CHECK(crash("segv")["address"] == "10"); }

TEST_CASE("a fault of a child that borrows our memory ends the child alone") {
    Told told = crash("child");
    CHECK(told.ended == 0);
    CHECK(told["child"] == std::to_string(128 + SIGILL));
    CHECK(told["crashes"] == "0");
}

TEST_CASE("a fault of the handler itself costs the report, not the process") {
    Told told = crash("twice");
    CHECK(told.ended == 0);
    CHECK(told["state"] == "hello");
    CHECK(told["descriptor"] == "open");
}

TEST_CASE("descriptors are kept though there is none left to look for them with") {
    if (sanitized)
        return;
    Told told = crash("full");
    CHECK(told["signal"] == std::to_string(SIGABRT));
    CHECK(told["descriptor"] == "open");
}

TEST_CASE("a program that was removed meanwhile can still be executed") {
    Scratch scratch;
    std::string copy = scratch / "crash_program";
    std::filesystem::copy(program("crash_program"), copy);
    Told told = crash("removed", copy);
    CHECK(told["crashes"] == "1");
    CHECK_FALSE(std::filesystem::exists(copy));
}

TEST_CASE("a signal of another process is met when that is convenient, and its sender is named") {
    Told told = crash("sent");
    CHECK(told["signal"] == std::to_string(SIGSEGV));
    CHECK(told["sent"] == "1");
    CHECK(told["sender"].ends_with(" crash_program"));
    CHECK(told["callers"] == "0");
}

TEST_CASE("a loop that does not see to such a signal is not waited for when there is a second") {
    Told told = crash("ignored");
    CHECK(told["sent"] == "1");
    CHECK(told["crashes"] == "1");
    CHECK(told["callers"] != "0");
}

TEST_CASE("with one crash too many in a minute less is trusted, and then nothing") {
    Told told = crash("for-ever");
    CHECK(told["crashes"] == "5"); // three are borne, one makes a caretaker, and that one crashes, too
    CHECK(told["trust"] == "2");
}

TEST_CASE("executed anew on purpose, it is no crash") {
    Told told = crash("on-purpose");
    CHECK(told["deliberate"] == "1");
    CHECK(told["reexecs"] == "1");
    CHECK(told["crashes"] == "0");
    CHECK(told["state"] == "hello");
    CHECK(told["descriptor"] == "open");
}

TEST_CASE("a program that cannot be executed leaves us as we were, with nothing open for our children") {
    Told told = crash("no-program");
    CHECK(told["fault"] == "execute the new program: Permission denied");
    CHECK(told["reexecs"] == "0");
    CHECK(told["deliberate"] == "0");
    CHECK(told["faults"] == "free");
    CHECK(told["descriptor"] == "close-on-exec");
}

TEST_CASE("how children ended that a caretaker has collected is told in order, of the latest") {
    CrashPage page;
    CHECK(collected_exits(page).empty());
    note_collected(page, 10, 7 << 8);
    note_collected(page, 11, SIGSEGV | 0x80);
    CHECK(collected_exits(page) ==
          std::vector<Exit>{{10, Exit::Kind::exited, 7, false}, {11, Exit::Kind::killed, SIGSEGV, true}});
    for (int pid = 100; pid < 100 + 2 * static_cast<int>(CrashPage::most_collected); ++pid)
        note_collected(page, pid, 0);
    const std::vector<Exit> last = collected_exits(page);
    REQUIRE(last.size() == CrashPage::most_collected);
    CHECK(last.front().pid == 100 + static_cast<int>(CrashPage::most_collected));
    CHECK(last.back().pid == 99 + 2 * static_cast<int>(CrashPage::most_collected));
}

TEST_CASE("only crashes of the last minute are counted as such") {
    CrashPage page;
    page.crashes = 10;
    const Instant now{std::chrono::seconds(1000)};
    for (std::size_t i = 0; i < CrashPage::most_times; ++i)
        page.times[i] = (now - std::chrono::seconds(15 * i)).since_boot.count();
    CHECK(recent_crashes(page, now) == 4);
}

} // namespace mi::os
