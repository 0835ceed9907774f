// Conditions, each held against the real thing.
#include "daemon/units/conditions.hpp"
#include "os/scene.hpp"

#include <cerrno>

using namespace mi;
using namespace mi::daemon;
using core::Condition;
using Kind = core::Condition::Kind;

namespace {

std::optional<std::string> missing(const std::vector<Condition>& conditions, const Circumstances& circumstances,
                                   const std::string& path = "") {
    const Condition* found = unmet(conditions, circumstances, os::answer_anyway(questions_of(conditions, path)));
    return found == nullptr ? std::nullopt : std::optional(words_of(*found));
}

bool met(Kind kind, const std::string& argument, const Circumstances& circumstances = {}) {
    bool plain = !missing({{kind, false, argument}}, circumstances);
    bool negated = !missing({{kind, true, argument}}, circumstances);
    CHECK(plain != negated);
    return plain;
}

} // namespace

TEST_CASE("conditions on paths") {
    os::Scratch scratch;
    std::string file = scratch.write("file", "x");
    CHECK(met(Kind::path_exists, file));
    CHECK(met(Kind::path_exists, scratch.path()));
    CHECK_FALSE(met(Kind::path_exists, scratch / "none"));
    CHECK_FALSE(met(Kind::path_missing, file));
    CHECK(met(Kind::path_missing, scratch / "none"));
    CHECK(met(Kind::directory_not_empty, scratch.path()));
    CHECK_FALSE(met(Kind::directory_not_empty, file));
    CHECK_FALSE(met(Kind::directory_not_empty, scratch / "none"));
    std::filesystem::create_directory(scratch / "empty");
    CHECK_FALSE(met(Kind::directory_not_empty, scratch / "empty"));
    std::filesystem::create_symlink("nowhere", scratch / "dangling");
    CHECK_FALSE(met(Kind::path_exists, scratch / "dangling"));
}

TEST_CASE("conditions on patterns of paths") {
    os::Scratch scratch;
    std::filesystem::create_directory(scratch / "web.d");
    scratch.write("web.d/10-main.conf", "x");
    scratch.write("web.d/.hidden.conf", "x");
    CHECK(met(Kind::path_matches, scratch / "web.d/*.conf"));
    CHECK(met(Kind::path_matches, scratch / "w?b.[a-d]/10-*"));
    CHECK(met(Kind::path_matches, scratch / "*/10-main.conf"));
    CHECK(met(Kind::path_matches, scratch / "web.d/.h*"));
    CHECK(met(Kind::path_matches, scratch / "web.d/10-main.conf"));
    CHECK_FALSE(met(Kind::path_matches, scratch / "web.d/*hidden*"));
    CHECK_FALSE(met(Kind::path_matches, scratch / "web.d/*.toml"));
    CHECK_FALSE(met(Kind::path_matches, scratch / "none.d/*"));
    CHECK_FALSE(met(Kind::path_matches, scratch / "*/*/*"));
    std::filesystem::create_symlink("nowhere", scratch / "web.d/dangling");
    CHECK(met(Kind::path_matches, scratch / "web.d/dang*")); // as ls(1) shows it
}

TEST_CASE("programs are not looked up once a path is not as it should be, and the path is what is told") {
    os::Scratch scratch;
    const std::string there = scratch.write("file", "x"), none = scratch / "none";
    auto code = [](const Condition& path) {
        return os::answer_anyway(questions_of({path, {Kind::program, false, "sh"}}, "/bin:/usr/bin")).back().code;
    };
    CHECK(code({Kind::path_exists, false, there}) == 0);
    CHECK(code({Kind::path_exists, false, none}) == ECANCELED);
    CHECK(code({Kind::path_exists, true, there}) == ECANCELED);
    CHECK(code({Kind::path_missing, false, there}) == ECANCELED);
    CHECK(code({Kind::path_missing, false, none}) == 0);
    CHECK(code({Kind::path_missing, true, there}) == 0);
    for (bool negated : {false, true})
        CHECK(missing({{Kind::path_exists, false, none}, {Kind::program, negated, "sh"}}, {}, "/bin:/usr/bin") ==
              "path-exists = " + none);
}

TEST_CASE("conditions on the kernel command line are about whole words, or a key with any value") {
    Circumstances boot{.kernel_words = {"quiet", "root=/dev/sda", "rescue2"}};
    CHECK(met(Kind::kernel_command_line, "quiet", boot));
    CHECK(met(Kind::kernel_command_line, "root", boot));
    CHECK(met(Kind::kernel_command_line, "root=/dev/sda", boot));
    CHECK_FALSE(met(Kind::kernel_command_line, "root=/dev/sdb", boot));
    CHECK_FALSE(met(Kind::kernel_command_line, "rescue", boot));
    CHECK_FALSE(met(Kind::kernel_command_line, "qui", boot));
}

TEST_CASE("conditions on where we are") {
    CHECK(met(Kind::container, "true", {.container = true}));
    CHECK_FALSE(met(Kind::container, "true", {.container = false}));
    CHECK(met(Kind::container, "false", {.container = false}));
    CHECK(met(Kind::first_boot, "true", {.first_boot = true}));
    CHECK_FALSE(met(Kind::first_boot, "false", {.first_boot = true}));
}

TEST_CASE("a capability is known by its short and its long name, in any case") {
    bool kill = met(Kind::capability, "CAP_KILL");
    CHECK(met(Kind::capability, "kill") == kill);
    CHECK(met(Kind::capability, "cap_kill") == kill);
    CHECK_FALSE(met(Kind::capability, "nonsense"));
}

TEST_CASE("all have to hold, and the first that does not is named") {
    Circumstances here{.container = true};
    Condition good{Kind::container, false, "true"};
    CHECK_FALSE(missing({}, here));
    CHECK_FALSE(missing({good, {Kind::path_exists, false, "/"}}, here));
    CHECK(missing({good, {Kind::path_exists, false, "/no/such"}, {Kind::path_exists, false, "/none"}}, here) ==
          "path-exists = /no/such");
    CHECK(missing({{Kind::path_exists, true, "/"}}, here) == "!path-exists = /");
}

TEST_CASE("a program is looked up where services find theirs, and named last of what is missing") {
    os::Scratch scratch;
    std::filesystem::create_directory(scratch / "bin");
    const std::string tool = scratch.write("bin/tool", "#!/bin/sh\n");
    scratch.write("bin/data", "x");
    std::filesystem::permissions(tool, std::filesystem::perms(0755));
    const std::string path = "/no/such:" + (scratch / "bin");
    CHECK_FALSE(missing({{Kind::program, false, "tool"}}, {}, path));
    CHECK_FALSE(missing({{Kind::program, false, tool}}, {}));
    CHECK(missing({{Kind::program, false, "tool"}}, {}, "/no/such") == "program = tool");
    CHECK(missing({{Kind::program, false, "data"}}, {}, path) == "program = data"); // cannot be executed
    CHECK(missing({{Kind::program, true, "tool"}}, {}, path) == "!program = tool");
    CHECK(missing({{Kind::program, false, "none"}, {Kind::path_exists, false, "/none"}}, {}, path) ==
          "path-exists = /none");
}
