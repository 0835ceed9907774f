// Sockets of units: what stays when a file changes, what goes, what a failure leaves.
#include "config/load.hpp"
#include "daemon/socket/sockets.hpp"
#include "os/scene.hpp"

#include <filesystem>

using namespace mi;
using namespace mi::daemon;

namespace {

// Sockets in a directory of their own; each is written "a", or with its other keys "a: mode = '0600'".
class Room {
public:
    Room() { units.fit(3); }
    core::Unit unit(const std::vector<std::string>& wanted, const std::string& name = "web") const {
        std::string toml = "[units.\"" + name + "\".service]\ncommand = '/bin/true'\n";
        for (const std::string& socket : wanted) {
            std::size_t colon = std::min(socket.find(": "), socket.size());
            toml += "[[units.\"" + name + "\".listen]]\nstream = '" + (scratch / socket.substr(0, colon)) + "'\n";
            if (colon < socket.size())
                toml += socket.substr(colon + 2) + "\n";
        }
        config::Loaded loaded = config::read_bundle(toml, "test.toml", {});
        for (const config::Problem& problem : loaded.problems)
            FAIL(config::brief(problem));
        return std::move(loaded.units.front());
    }
    // The fault, or nothing.
    std::string open(const std::vector<std::string>& names, core::UnitId id = 0) {
        auto opened = sockets.open(id, unit(names), accounts);
        return opened ? "" : opened.error().words;
    }
    // What is open, as "a b", by the names of the paths.
    std::string listed() const {
        std::string names;
        for (const OpenSocket& one : opened())
            names += (names.empty() ? "" : " ") + one.settings.address.substr(scratch.path().size() + 1);
        return names;
    }
    const std::vector<OpenSocket>& opened() const { return units[0].sockets; }
    std::vector<int> descriptors() const {
        std::vector<int> all;
        for (const OpenSocket& one : opened())
            all.push_back(one.socket.fd());
        return all;
    }
    // What is in the directory, sorted.
    std::string files() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(scratch.path()))
            names.push_back(entry.path().filename());
        std::sort(names.begin(), names.end());
        std::string line;
        for (const std::string& name : names)
            line += (line.empty() ? "" : " ") + name;
        return line;
    }

    os::Scratch scratch;
    os::Accounts accounts;
    os::HangingMounts hanging;
    UnitTable units;
    Sockets sockets{units, hanging};
};

} // namespace

TEST_CASE("what is open already stays the same socket, in the order of the file as it is now") {
    Room room;
    CHECK(room.open({"a", "b"}).empty());
    std::vector<int> before = room.descriptors();
    CHECK(room.open({"a", "b"}).empty());
    CHECK(room.descriptors() == before);
    CHECK(room.open({"b", "c", "a: name = 'first'"}).empty());
    CHECK(room.listed() == "b c a");
    CHECK(room.descriptors().front() == before[1]);
    CHECK(room.descriptors().back() == before[0]);
    CHECK(room.opened().back().settings.name == "first");
}

TEST_CASE("what the file no longer has is closed, and so is what it has changed") {
    Room room;
    CHECK(room.open({"a", "b"}).empty());
    auto inode = std::filesystem::status(room.scratch / "a").permissions();
    CHECK(room.open({"a: mode = '0600'"}).empty());
    CHECK(room.files() == "a");
    CHECK(std::filesystem::status(room.scratch / "a").permissions() != inode);
    CHECK(room.open({}).empty());
    CHECK(room.files().empty());
    CHECK(room.opened().empty());
}

TEST_CASE("a socket whose path somebody has removed is made anew") {
    Room room;
    CHECK(room.open({"a"}).empty());
    REQUIRE(::unlink((room.scratch / "a").c_str()) == 0);
    CHECK(room.open({"a"}).empty());
    CHECK(room.files() == "a");
    CHECK(room.opened().front().socket.reachable());
}

TEST_CASE("one that is lost is made again as it was opened, whatever the file says by now, and what cannot be stays") {
    Room room;
    CHECK(room.open({"a: mode = '0600'", "b"}).empty());
    CHECK(room.sockets.all_reachable(0));
    CHECK(room.sockets.remake_lost(0, room.accounts).empty());
    const int kept = room.descriptors()[1];
    REQUIRE(::unlink((room.scratch / "a").c_str()) == 0);
    CHECK_FALSE(room.sockets.all_reachable(0));
    std::vector<Sockets::Remade> remade = room.sockets.remake_lost(0, room.accounts);
    REQUIRE(remade.size() == 1);
    CHECK(remade[0].address == room.scratch / "a");
    CHECK_FALSE(remade[0].trouble);
    CHECK(room.sockets.all_reachable(0));
    CHECK(room.descriptors()[1] == kept);
    CHECK((std::filesystem::status(room.scratch / "a").permissions() & std::filesystem::perms::mask) ==
          std::filesystem::perms(0600));
    REQUIRE(::unlink((room.scratch / "a").c_str()) == 0);
    room.scratch.write("a", "precious");
    for (const bool again : {false, true}) {
        remade = room.sockets.remake_lost(0, room.accounts);
        REQUIRE(remade.size() == 1);
        CHECK(remade[0].trouble.value_or("").ends_with("File exists"));
        CHECK(remade[0].said == again);
    }
    CHECK(room.listed() == "a b");
    room.sockets.close(0);
    CHECK(room.files() == "a");
}

TEST_CASE("a failure names the socket and the step, opens nothing new, and leaves what was open") {
    Room room;
    CHECK(room.open({"a"}).empty());
    room.scratch.write("file", "precious");
    CHECK(room.open({"a", "b", "file"}) ==
          "cannot listen at " + (room.scratch / "file") + ": replace what is no socket: File exists");
    CHECK(room.listed() == "a");
    CHECK(room.files() == "a file");
    CHECK(room.open({"c: user = 'nosuchuser'"}) ==
          "cannot listen at " + (room.scratch / "c") + ": user \"nosuchuser\": no such user");
    CHECK(room.listed().empty());
    CHECK(room.files() == "file");
}

TEST_CASE("closing removes the paths of one unit") {
    Room room;
    CHECK(room.open({"a"}, 0).empty());
    CHECK(room.open({"b", "c"}, 1).empty());
    room.sockets.close(1);
    room.sockets.close(2); // which has none
    CHECK(room.files() == "a");
}

TEST_CASE("a descriptor is called by its name, else as its unit, and never with what separates names") {
    Room room;
    core::Unit unit = room.unit({"a", "b: name = 'http'"}, "web:1");
    CHECK(descriptor_name(unit, unit.listen[0]) == "web_1");
    CHECK(descriptor_name(unit, unit.listen[1]) == "http");
}

TEST_CASE("before file systems are mounted, only what nothing can cover is opened") {
    CHECK(opens_early({.address = "*:80"}));
    CHECK(opens_early({.address = "@name"}));
    CHECK(opens_early({.address = "/run/web"}));
    CHECK_FALSE(opens_early({.address = "/var/lib/web"}));
    CHECK_FALSE(opens_early({.address = "/running"}));
}
