// Durations, sizes, command lines, environment files.
#include "config/syntax.hpp"

#include <doctest/doctest.h>

namespace mi::config {

using namespace std::chrono_literals;

TEST_CASE("durations are sums of numbers with units") {
    CHECK(parse_duration("500ms") == Span(500ms));
    CHECK(parse_duration("10s") == Span(10s));
    CHECK(parse_duration("2min") == Span(2min));
    CHECK(parse_duration("1h30min") == Span(90min));
    CHECK(parse_duration("1h 30min") == Span(90min));
    CHECK(parse_duration("1d") == Span(24h));
    CHECK(parse_duration("2w") == Span(24h * 14));
    CHECK(parse_duration("1.5s") == Span(1500ms));
    CHECK(parse_duration("0.000000001s") == Span(1));
    CHECK(parse_duration("100us") == Span(100us));
    CHECK(parse_duration("0") == Span(0));
    CHECK(parse_duration("0s") == Span(0));
    for (const char* wrong : {"",
                              " ",
                              "5",
                              "s",
                              "-1s",
                              "+1s",
                              "1x",
                              "1m",
                              "1s ",
                              " 1s",
                              "1..5s",
                              "1.s",
                              ".5s",
                              "1e3s",
                              "1S",
                              "101000y",
                              "5201w99999d",
                              "99999999999999999999s",
                              "9223372036854775807w",
                              "1h30",
                              "10 s"})
        CHECK_MESSAGE(!parse_duration(wrong), wrong);
}

TEST_CASE("a duration is written so that it reads back") {
    CHECK(duration_text(90min) == "1h30min");
    CHECK(duration_text(100ms) == "100ms");
    CHECK(duration_text(Span(0)) == "0");
    for (Span span : {Span(1), Span(1500ms), Span(25h), Span(24h * 700 + 1us)})
        CHECK(parse_duration(duration_text(span)) == span);
}

TEST_CASE("sizes are powers of 1024") {
    CHECK(parse_size("4096") == 4096u);
    CHECK(parse_size("64K") == 65536u);
    CHECK(parse_size("64KiB") == 65536u);
    CHECK(parse_size("10M") == 10u << 20);
    CHECK(parse_size("1G") == 1u << 30);
    CHECK(parse_size("2T") == 2ull << 40);
    CHECK(parse_size("18446744073709551615") == ~0ull);
    for (const char* wrong : {"", "K", "-1", "1k", "1KB", "1 K", "1.5G", "18446744073709551616", "99999999999T", "1P"})
        CHECK_MESSAGE(!parse_size(wrong), wrong);
}

TEST_CASE("modes are octal and percentages have their sign") {
    CHECK(parse_mode("0644") == 0644u);
    CHECK(parse_mode("755") == 0755u);
    CHECK(parse_mode("07777") == 07777u);
    for (const char* wrong : {"", "8", "10000", "-1", "0x1", "0644 "})
        CHECK_MESSAGE(!parse_mode(wrong), wrong);
    CHECK(parse_percent("150%") == 150u);
    CHECK(!parse_percent("150"));
    CHECK(!parse_percent("%"));
}

TEST_CASE("a command line is split as a shell splits it, and nothing is expanded") {
    using core::Command;
    CHECK(split_command("/bin/a b  c") == Command{"/bin/a", "b", "c"});
    CHECK(split_command("a 'b c' \"d e\"") == Command{"a", "b c", "d e"});
    CHECK(split_command("a b\\ c '' \"\"") == Command{"a", "b c", "", ""});
    CHECK(split_command("a \"x\\\"y\\$z\\n\"") == Command{"a", "x\"y$z\\n"});
    CHECK(split_command("a 'x\\y'z") == Command{"a", "x\\yz"});
    CHECK(split_command("a $HOME ~ * ;b") == Command{"a", "$HOME", "~", "*", ";b"});
    CHECK(split_command(" \t\n").value().empty());
    CHECK(split_command("a 'b").error() == "unterminated single quote");
    CHECK(split_command("a \"b").error() == "unterminated double quote");
    CHECK(split_command("a \"b\\\"").error() == "unterminated double quote");
    CHECK(split_command("a \\").error() == "backslash at the end");
}

namespace {

std::string variables(std::string_view text) {
    std::string all;
    for (const auto& [name, value] : parse_environment(text).variables)
        all += name + "=<" + value + "> ";
    return all;
}

} // namespace

TEST_CASE("environment files have KEY=VALUE lines, comments and quotes, and no expansion") {
    CHECK(variables("A=1\nB=two words\n") == "A=<1> B=<two words> ");
    CHECK(variables("# c\n; c\n\n  \nA=1") == "A=<1> ");
    CHECK(variables("A=  x  \t\nB=\n") == "A=<x> B=<> ");
    CHECK(variables("A='x y # z'\nB=\"a\\\"b\\$c\\d\"\n") == "A=<x y # z> B=<a\"b$c\\d> ");
    CHECK(variables("A=x # comment\nB=x#y\nC= # nothing\nD=#x\n") == "A=<x> B=<x#y> C=<> D=<#x> ");
    CHECK(variables("A='one\ntwo'\nB=3\n") == "A=<one\ntwo> B=<3> ");
    CHECK(variables("A=one\\\ntwo\nB=a\\ \n") == "A=<onetwo> B=<a > ");
    CHECK(variables("A=$HOME ${X} `x`\n") == "A=<$HOME ${X} `x`> ");
    CHECK(variables("export A=1\n  export\tB=2\n") == "A=<1> B=<2> ");
    CHECK(variables("A=1\r\nB='2'\r\n") == "A=<1> B=<2> ");
    CHECK(variables("A=1\nB=2\nA=3\n") == "A=<3> B=<2> ");
    CHECK(variables("\xef\xbb\xbf"
                    "A=1\n") == "A=<1> ");
    CHECK(variables("A='x'\"y\"z\n") == "A=<xyz> ");
    CHECK(variables("A=''  \nB=\" \"\n") == "A=<> B=< > ");
}

TEST_CASE("a bad line of an environment file is named and the others stand") {
    Environment environment = parse_environment("A=1\nnonsense\n$B=x\nC D=y\nE=2\nF='open\nG=3\n");
    REQUIRE(environment.problems.size() == 4);
    CHECK(environment.problems[0] == EnvironmentProblem{2, "expected KEY=VALUE"});
    CHECK(environment.problems[1] == EnvironmentProblem{3, "`$B` cannot be the name of a variable"});
    CHECK(environment.problems[2] == EnvironmentProblem{4, "`C D` cannot be the name of a variable"});
    CHECK(environment.problems[3] == EnvironmentProblem{6, "F: unterminated single quote"});
    CHECK(environment.variables.size() == 2);
}

TEST_CASE("the name of a variable is what execve takes and nobody means otherwise") {
    for (const char* name :
         {"A", "_", "discovery.type", "node-name", "2B", "npm_config_//registry.npmjs.org/:_authToken", "BASH_FUNC_x%%",
          "ProgramFiles(x86)", "\xc3\xa4"})
        CHECK_MESSAGE(is_variable_name(name), name);
    for (const char* name : {"", "A B", "A=B", "A\tB", "'A'", "\"A\"", "$A", "`A`", "A\\", "A\n", "\x7f"})
        CHECK_MESSAGE(!is_variable_name(name), name);
    CHECK(is_shell_variable_name("A_1"));
    for (const char* name : {"", "1A", "a.b", "a-b"})
        CHECK_MESSAGE(!is_shell_variable_name(name), name);
}

} // namespace mi::config
