// The command line of miniinit, and the names of signals that it and others read.
#include "daemon/options.hpp"

#include <csignal>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/signals.hpp"
#include "doctest/doctest.h"

using namespace mi;
using namespace mi::daemon;
using namespace std::chrono_literals;

namespace {

// A command line that lives as long as what was read from it.
class Line {
public:
    Line(std::initializer_list<const char*> words) : words_(words.begin(), words.end()) {
        pointers_.push_back(program_.data());
        for (std::string& word : words_)
            pointers_.push_back(word.data());
        pointers_.push_back(nullptr);
    }
    std::expected<Options, std::string> read(bool system = false) {
        return parse_options(static_cast<int>(pointers_.size()) - 1, pointers_.data(), system);
    }

private:
    std::string program_ = "miniinit";
    std::vector<std::string> words_;
    std::vector<char*> pointers_;
};

std::string error_of(std::initializer_list<const char*> words) {
    Line line(words);
    auto options = line.read();
    return options ? "no error" : options.error();
}

std::string command_of(const Options& options) {
    std::string words;
    for (const char* word : options.command)
        words += (words.empty() ? "" : " ") + std::string(word);
    return words;
}

} // namespace

TEST_CASE("a command line without options is the command, and ends as execve wants it") {
    Line line{"nginx", "-g", "daemon off;"};
    auto options = line.read();
    REQUIRE(options);
    CHECK(command_of(*options) == "nginx -g daemon off;");
    CHECK(options->command.data()[options->command.size()] == nullptr);
    CHECK_FALSE(options->group);
    CHECK(options->grace == 5s);
    CHECK(options->mode == Mode::automatic);
}

TEST_CASE("-- ends the options") {
    Line line{"-g", "--", "-e", "--help"};
    auto options = line.read();
    REQUIRE(options);
    CHECK(options->group);
    CHECK_FALSE(options->help);
    CHECK(command_of(*options) == "-e --help");
}

TEST_CASE("no command is no error: the units run") {
    Line line{"--container", "--config", "/etc/shop.toml"};
    auto options = line.read();
    REQUIRE(options);
    CHECK(options->command.empty());
    CHECK(options->mode == Mode::container);
    CHECK(options->config == "/etc/shop.toml");
}

TEST_CASE("every option of a supervisor is read") {
    Line line{"--user",
              "--units",
              "a",
              "--units=b",
              "--control",
              "/c",
              "--log-dir",
              "/l",
              "--run-dir",
              "/r",
              "--state-dir",
              "/s",
              "--target",
              "rescue",
              "--resume",
              "7",
              "--log-level",
              "debug",
              "--allow-insecure-units"};
    auto options = line.read();
    REQUIRE(options);
    CHECK(options->mode == Mode::user);
    CHECK(options->units == std::vector<std::string>{"a", "b"});
    CHECK(options->control == "/c");
    CHECK(options->log_dir == "/l");
    CHECK(options->run_dir == "/r");
    CHECK(options->state_dir == "/s");
    CHECK(options->target == "rescue");
    CHECK(options->resume_fd == 7);
    CHECK(options->log_level == 7);
    CHECK(options->allow_insecure_units);
}

TEST_CASE("every option of an entrypoint is read, in its short and its long form") {
    Line line{"-r",      "TERM:SIGQUIT", "--rewrite-signal", "15:0",   "-rRTMIN+1:HUP",
              "-e",      "143",          "--remap-exit=0",   "-p",     "KILL",
              "--grace", "1500ms",       "--restart-on",     "SIGHUP", "--restart-on=10",
              "-g",      "app"};
    auto options = line.read();
    REQUIRE(options);
    CHECK(options->rewrites == std::vector<entry::SignalRewrite>{{15, 3}, {15, 0}, {35, 1}});
    CHECK(options->success_exits.count() == 2);
    CHECK(options->success_exits.test(143));
    CHECK(options->parent_death_signal == SIGKILL);
    CHECK(options->restart_on == std::bitset<256>((1u << SIGHUP) | (1u << SIGUSR1)));
    CHECK(options->grace == 1500ms);
    CHECK(command_of(*options) == "app");
}

TEST_CASE("a grace period is a number of seconds or has a unit") {
    const std::pair<const char*, Span> spans[] = {{"0", 0s},      {"7", 7s},  {"7s", 7s},
                                                  {"2min", 2min}, {"1h", 1h}, {"10ms", 10ms}};
    for (const auto& [text, span] : spans) {
        Line line{"--grace", text};
        auto options = line.read();
        REQUIRE_MESSAGE(options, text);
        CHECK(options->grace == span);
    }
}

TEST_CASE("what is wrong is said, with the option and its value") {
    CHECK(error_of({"--gruop"}) == "unknown option --gruop (did you mean --group?)");
    CHECK(error_of({"--frobnicate=9"}) == "unknown option --frobnicate");
    CHECK(error_of({"-x"}) == "unknown option -x");
    CHECK(error_of({"--config"}) == "--config needs a value");
    CHECK(error_of({"-r"}) == "-r needs a value");
    CHECK(error_of({"--group=yes"}) == "--group takes no value");
    CHECK(error_of({"--system=yes"}) == "--system takes no value");
    CHECK(error_of({"--grace", "soon"}) == "--grace: \"soon\" is not a duration (500ms, 5s, 2min)");
    CHECK(error_of({"-e", "256"}) == "--remap-exit: \"256\" is not an exit code (0 to 255)");
    CHECK(error_of({"-p", "FOO"}) == "--parent-death-signal: \"FOO\" is not a signal");
    CHECK(error_of({"--resume", "-1"}) == "--resume: \"-1\" is not a descriptor");
    CHECK(error_of({"--check-snapshot", "x"}) == "--check-snapshot: \"x\" is not a descriptor");
    for (const char* rewrite : {"TERM", "TERM:", ":TERM", "TERM:FOO", "0:TERM", "KILL:TERM", "CHLD:TERM", "65:1"})
        CHECK_MESSAGE(error_of({"-r", rewrite}).starts_with("--rewrite-signal: "), rewrite);
    for (const char* signal : {"KILL", "STOP", "CHLD", "CONT", "FOO", "0", "300", ""})
        CHECK_MESSAGE(error_of({"--restart-on", signal}).starts_with("--restart-on: "), signal);
    CHECK(error_of({"--log-level", "loud"}).starts_with("--log-level: \"loud\" is not a level"));
}

TEST_CASE("the init of a machine keeps the kernel's words and is stopped by nothing") {
    Line line{"single", "--gruop",   "quiet", "--target", "rescue", "--grace=soon",
              "-z",     "--version", "--",    "3",        "--help"};
    auto options = line.read(true);
    REQUIRE(options);
    CHECK(options->kernel_words == std::vector<std::string>{"single", "quiet", "3", "--help"});
    CHECK(options->command.empty());
    CHECK(options->target == "rescue");
    CHECK_FALSE(options->version);
    CHECK(options->complaints == std::vector<std::string>{"unknown option --gruop (did you mean --group?)",
                                                          "--grace: \"soon\" is not a duration (500ms, 5s, 2min)",
                                                          "unknown option -z",
                                                          "--version is not for the init of a machine"});
}

TEST_CASE("told to be a container's, the init of a machine takes the words as its command") {
    Line plain{"--container", "ci", "--fast"};
    auto options = plain.read(true);
    REQUIRE(options);
    CHECK(command_of(*options) == "ci --fast");
    CHECK(options->kernel_words.empty());

    Line marked{"quiet", "--container", "--", "ci", "--fast"};
    options = marked.read(true);
    REQUIRE(options);
    CHECK(command_of(*options) == "ci --fast");
    CHECK(options->kernel_words == std::vector<std::string>{"quiet"});
}

TEST_CASE("help names every option that is for people") {
    for (const char* name : {"--group",
                             "--rewrite-signal",
                             "--remap-exit",
                             "--restart-on",
                             "--parent-death-signal",
                             "--grace",
                             "--system",
                             "--container",
                             "--user",
                             "--config",
                             "--units",
                             "--allow-insecure-units",
                             "--target",
                             "--control",
                             "--log-dir",
                             "--run-dir",
                             "--state-dir",
                             "--log-level",
                             "--version",
                             "--help"})
        CHECK_MESSAGE(help_text().contains(name), name);
}

TEST_CASE("a signal is read by name, with and without SIG, in any case, and by number") {
    const std::pair<const char*, int> names[] = {
        {"TERM", 15},  {"SIGTERM", 15}, {"sigterm", 15}, {"15", 15},  {"HUP", 1},      {"CHLD", 17},       {"CLD", 17},
        {"IOT", 6},    {"POLL", 29},    {"IO", 29},      {"SYS", 31}, {"PWR", 30},     {"STKFLT", 16},     {"32", 32},
        {"RTMIN", 34}, {"RTMIN+3", 37}, {"RTMAX", 64},   {"64", 64},  {"RTMAX-2", 62}, {"SIGRTMIN+30", 64}};
    for (const auto& [name, number] : names)
        CHECK_MESSAGE(signal_number(name) == number, name);
}

TEST_CASE("what is no signal is none") {
    for (const char* text : {"", "0", "65", "-1", "+15", "15 ", " TERM", "SIG", "SIGSIGTERM", "FOO", "RTMIN+31",
                             "RTMIN-1", "RTMIN+", "RTMAX-31", "RTMAX+1", "RTMIN+-1", "4294967311"})
        CHECK_MESSAGE(signal_number(text) == std::nullopt, text);
}

TEST_CASE("the name of a signal is read back as that signal") {
    for (int signal = 1; signal <= last_signal; ++signal)
        CHECK(signal_number(signal_name(signal)) == signal);
    CHECK(signal_name(15) == "SIGTERM");
    CHECK(signal_name(34) == "SIGRTMIN");
    CHECK(signal_name(37) == "SIGRTMIN+3");
    CHECK(signal_name(33) == "33");
}
