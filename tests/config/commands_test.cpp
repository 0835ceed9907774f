// Commands that are written as if a shell were to read them.
#include "config/commands.hpp"
#include "config/load.hpp"
#include "config/syntax.hpp"
#include "directory.hpp"

#include <doctest/doctest.h>

namespace mi::config {

namespace {

// What is said of a unit with `line` in its [service].
std::string said(const std::string& line) {
    TestDirectory directory;
    directory.write("etc/web.toml", "[service]\n" + line + "\n");
    std::string all;
    for (const Problem& problem : load(directory.source()).problems)
        all += std::to_string(problem.line) + ":" + std::to_string(problem.column) + " " + problem.message + " (" +
               problem.suggestion + ")\n";
    return all;
}

} // namespace

TEST_CASE("a word that only a shell would take for more than a word is found") {
    struct Row {
        const char* command;
        const char* word;
    };
    const Row rows[] = {
        {"echo a && echo b", "&&"},
        {"echo a || echo b", "||"},
        {"a | b", "|"},
        {"a ; b", ";"},
        {"a; b", "a;"},
        {"a &", "&"},
        {"a > file", ">"},
        {"a >> file", ">>"},
        {"a >/dev/null", ">/dev/null"},
        {"a 2>&1", "2>&1"},
        {"a &>log", "&>log"},
        {"a < file", "<"},
        {"a 2</dev/null", "2</dev/null"},
        {"~/bin/run", "~/bin/run"},
        {"a ~", "~"},
        {"a ~web/x", "~web/x"},
        {"echo $HOME", "$HOME"},
        {"echo x${HOME}y", "x${HOME}y"},
        {"a --port=$PORT", "--port=$PORT"},
        {"a $(b)", "$(b)"},
        {"a `b`", "`b`"},
        {"A=1 b", "A=1"},
        {"sh -c echo $HOME", "$HOME"},
    };
    for (const Row& row : rows)
        CHECK_MESSAGE(shell_word(row.command) == row.word, row.command);
    for (const char* quiet :
         {"a '&&' b", "a \"|\" b", "a \\; b", "a '$HOME'", "a \\$HOME", "sh -c \"echo $HOME && b\"", "sh -c 'a; b > c'",
          "a x>y", "a b~", "a '~/x'", "a $1", "a $", "a cost=5$", "a --x=y", "a b&c", "a http://x/?a=1&b=2", ""})
        CHECK_MESSAGE(shell_word(quiet) == "", quiet);
}

TEST_CASE("a command that needs a shell is a warning that names what has one, and the unit is valid") {
    CHECK(said("command = \"echo $HOME && echo done\"") ==
          "2:11 `command`: no shell reads this, so \"$HOME\" is passed on as it stands (`script` is run by a shell)\n");
    CHECK(said("command = [\"echo\", \"a\", \"&&\", \"echo\"]") ==
          "2:25 `command`: no shell reads this, so \"&&\" is passed on as it stands (`script` is run by a shell)\n");
    const std::string hooks = " is passed on as it stands ([\"/bin/sh\", \"-c\", \"…\"] is run by a shell, as `script` "
                              "is)\n";
    CHECK(said("command = \"a\"\npre-start = [\"b\", \"c >d\"]") ==
          "3:19 `pre-start`: no shell reads this, so \">d\"" + hooks);
    CHECK(said("command = \"a\"\npost-stop = \"rm ~/x\"") ==
          "3:13 `post-stop`: no shell reads this, so \"~/x\"" + hooks);
    CHECK(said("command = \"a\"\nstop-command = [[\"b\", \"$PIDS\"]]") ==
          "3:23 `stop-command`: no shell reads this, so \"$PIDS\"" + hooks);
    CHECK(said("command = \"a\"\nreload-command = \"kill $MAINPID\"") ==
          "3:18 `reload-command`: no shell reads this, so \"$MAINPID\"" + hooks);
    TestDirectory directory;
    directory.write("etc/web.toml", "[service]\ncommand = \"a | b\"\n");
    CHECK(load(directory.source()).units.at(0).fault == "");
}

TEST_CASE("words of an array were in quotes, so only what can hardly be meant otherwise is a warning") {
    for (const char* quiet :
         {"[\"/bin/sh\", \"-c\", \"a && b > $C\"]", "[\"find\", \".\", \"-exec\", \"rm\", \"{}\", \";\"]",
          "[\"awk\", \"{print $NF}\"]", "[\"grep\", \"^$x\"]", "[\"a\", \";\"]", "[\"a\", \"x $HOME y\"]",
          "[\"a\", \"<none>/x\"]", "[\"a\", \"b~\"]"})
        CHECK_MESSAGE(said(std::string("command = ") + quiet) == "", quiet);
    for (const char* loud : {"[\"a\", \"|\", \"b\"]", "[\"a\", \">\", \"b\"]", "[\"a\", \"2>&1\"]", "[\"~/a\"]",
                             "[\"a\", \"$HOME\"]", "[\"a\", \"--port=${PORT}\"]"})
        CHECK_MESSAGE(said(std::string("command = ") + loud) != "", loud);
}

TEST_CASE("the words of a transient unit have been in a shell already") {
    TestDirectory directory;
    directory.write("transient/run-1.toml", "[service]\ncommand = [\"echo\", \"&&\", \"$HOME\"]\n");
    Source source = directory.source();
    source.transient = directory.path("transient");
    const Loaded loaded = load(source);
    CHECK(loaded.units.size() == 1);
    CHECK(loaded.problems.empty());
}

TEST_CASE("a duration that is written as people write it is told as it is written here") {
    CHECK(duration_meant("5 minutes") == "5min");
    CHECK(duration_meant("1 Hour, 30 m") == "1h30min");
    CHECK(duration_meant("90") == "90s");
    CHECK(duration_meant("1.5 days") == "1.5d");
    CHECK(duration_meant("500 msec") == "500ms");
    CHECK(duration_meant("10sec") == "10s");
    for (const char* none : {"", "soon", "5 parsecs", "-1s", "1000y", "minutes 5", "1..5s"})
        CHECK_MESSAGE(duration_meant(none) == "", none);
}

TEST_CASE("a script that has a unit of systemd in it is none") {
    CHECK(said("script = \"\"\"\ncat >/x <<END\n[Unit]\nDescription=x\nEND\n\"\"\"") == "");
    TestDirectory directory;
    directory.write("etc/a.toml",
                    "; comment\n[Service]\nExecStart = /usr/bin/a\n[Install]\nWantedBy=multi-user.target\n");
    directory.write("etc/b.toml", "[Service]\ncommand = [\"/x\"]\n");
    const Loaded loaded = load(directory.source());
    REQUIRE(loaded.units.size() == 2);
    CHECK(loaded.units[0].fault.find("a.toml:2:1: this is a unit of systemd") != std::string::npos);
    CHECK(loaded.units[1].fault.find("unknown table [Service] (did you mean [service]?)") != std::string::npos);
}

} // namespace mi::config
