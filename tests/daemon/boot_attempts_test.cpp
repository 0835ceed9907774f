#include "daemon/machine/boot_attempts.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace mi;
using namespace mi::daemon;

namespace {

// A state directory, and boots that begin with it.
struct Disk {
    std::string path;
    Disk() {
        char name[] = "/tmp/miniinit-attempts-XXXXXX";
        path = ::mkdtemp(name);
    }
    ~Disk() { std::filesystem::remove_all(path); }
    [[nodiscard]] std::string text() const {
        std::ifstream file(path + "/boot-attempts");
        std::stringstream all;
        all << file.rdbuf();
        return all.str();
    }
    void put(const std::string& words) const { std::ofstream(path + "/boot-attempts") << words; }
};

// Collects what the writer has done, as PID 1 does it.
std::optional<BootAttempts::Written> collect(BootAttempts& attempts) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, 0);
    return pid > 0 ? attempts.exited(pid, WIFEXITED(status) ? WEXITSTATUS(status) : -1) : std::nullopt;
}

bool boot_fails(const std::string& directory, bool counts = true) {
    BootAttempts attempts(directory);
    const bool rescue = attempts.begin(3, counts);
    attempts.storage_changed();
    if (counts)
        collect(attempts);
    return rescue;
}

} // namespace

TEST_CASE("after three boots that missed their target the fourth goes to rescue, and the fifth tries again") {
    Disk disk;
    CHECK(!boot_fails(disk.path));
    CHECK(disk.text() == "1\n");
    CHECK(!boot_fails(disk.path));
    CHECK(!boot_fails(disk.path));
    CHECK(disk.text() == "3\n");
    CHECK(boot_fails(disk.path));
    CHECK(disk.text() == "0\n");
    CHECK(!boot_fails(disk.path));
}

TEST_CASE("a boot that reaches its target takes the count back") {
    Disk disk;
    disk.put("2\n");
    BootAttempts attempts(disk.path);
    CHECK(!attempts.begin(3, true));
    attempts.storage_changed();
    attempts.clear(); // while it is being counted: what follows is written after it
    REQUIRE(collect(attempts));
    REQUIRE(collect(attempts));
    CHECK(disk.text() == "0\n");
}

TEST_CASE("a boot with a target of its own is not counted and not overridden") {
    Disk disk;
    disk.put("7\n");
    CHECK(!boot_fails(disk.path, false));
    CHECK(disk.text() == "7\n");
}

TEST_CASE("without a limit nothing is read and nothing is written") {
    Disk disk;
    disk.put("7\n");
    BootAttempts attempts(disk.path);
    CHECK(!attempts.begin(0, true));
    attempts.clear();
    CHECK(disk.text() == "7\n");
}

TEST_CASE("a state directory that comes with a later mount is counted in, and may say that it is enough") {
    Disk disk;
    const std::string later = disk.path + "/var/miniinit";
    std::ofstream(disk.path + "/var") << "in the way"; // nothing can be written there yet
    BootAttempts attempts(later);
    CHECK(!attempts.begin(3, true));
    attempts.storage_changed();
    auto written = collect(attempts);
    REQUIRE(written);
    CHECK(!written->trouble.empty());
    std::filesystem::remove(disk.path + "/var");
    std::filesystem::create_directories(later);
    std::ofstream(later + "/boot-attempts") << "3\n";
    attempts.storage_changed();
    written = collect(attempts);
    REQUIRE(written);
    CHECK(written->too_many);
    CHECK(written->trouble.empty());
}

TEST_CASE("it is cleared where it was counted, whatever has been mounted over that since") {
    Disk disk;
    const std::string state = disk.path + "/state";
    std::filesystem::create_directories(state);
    BootAttempts attempts(state);
    CHECK(!attempts.begin(3, true));
    attempts.storage_changed();
    REQUIRE(collect(attempts));
    std::filesystem::rename(state, disk.path + "/hidden");
    std::filesystem::create_directories(state);
    attempts.clear();
    REQUIRE(collect(attempts));
    std::ifstream hidden(disk.path + "/hidden/boot-attempts");
    std::string word;
    hidden >> word;
    CHECK(word == "0");
}

TEST_CASE(
    "failed boots of another system that shares the directory do not count, and are none any more after one of this") {
    Disk disk;
    disk.put("3\nb\n");
    BootAttempts attempts(disk.path, "a");
    CHECK(!attempts.begin(3, true));
    attempts.storage_changed();
    REQUIRE(collect(attempts));
    CHECK(disk.text() == "1\na\n");
    CHECK(attempts.number() == 1);
    BootAttempts other(disk.path, "b");
    CHECK(!other.begin(3, true));
    other.storage_changed();
    REQUIRE(collect(other));
    CHECK(disk.text() == "1\nb\n");
    disk.put("3\n"); // of a program that knew of no such word
    CHECK(BootAttempts(disk.path, "b").begin(3, false) == false);
    CHECK(BootAttempts::parse("3\n", "b") == 3);
    CHECK(BootAttempts::parse("3\nb\n") == 0);
}

TEST_CASE("which boot in a row this is can be told before and after it was counted, and once the count is taken back") {
    Disk disk;
    disk.put("2\n");
    BootAttempts attempts(disk.path);
    CHECK(!attempts.begin(3, true));
    attempts.storage_changed();
    REQUIRE(collect(attempts));
    CHECK(attempts.number() == 3);
    attempts.clear();
    REQUIRE(collect(attempts));
    CHECK(attempts.at_rest());
    CHECK(attempts.number() == 3);
}

TEST_CASE("too many boots stay counted, where that is asked for, until what follows from it is done") {
    Disk disk;
    disk.put("3\n");
    for (int boot = 0; boot < 2; ++boot) { // the power fails before boot-bad has ended: the next boot knows as much
        BootAttempts attempts(disk.path);
        CHECK(attempts.begin(3, true, true));
        attempts.storage_changed();
        CHECK(attempts.at_rest());
        CHECK(attempts.number() == 3);
        CHECK(disk.text() == "3\n");
    }
    const std::string later = disk.path + "/var"; // it comes with a mount only
    std::ofstream(later) << "in the way";
    BootAttempts attempts(later);
    CHECK(!attempts.begin(3, true, true));
    attempts.storage_changed();
    REQUIRE(collect(attempts));
    std::filesystem::remove(later);
    std::filesystem::create_directories(later);
    std::ofstream(later + "/boot-attempts") << "3\n";
    attempts.storage_changed();
    const auto written = collect(attempts);
    REQUIRE(written);
    CHECK(written->too_many);
    CHECK(attempts.number() == 3);
    attempts.clear();
    REQUIRE(collect(attempts));
    std::ifstream file(later + "/boot-attempts");
    std::string word;
    file >> word;
    CHECK(word == "0");
}

TEST_CASE("nonsense in the file counts as none") {
    for (const char* text : {"", "x", "-1", "3 4", "99999999999", "0x3"})
        CHECK_MESSAGE(BootAttempts::parse(text) == 0, text);
    CHECK(BootAttempts::parse("3\n") == 3);
    Disk disk;
    ::mkdir((disk.path + "/boot-attempts").c_str(), 0755); // what is there is no file: never too many
    CHECK(!boot_fails(disk.path));
}
