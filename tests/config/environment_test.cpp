// The dialect of environment files, line by line, beside those of systemd's EnvironmentFile= and of `docker run --env-file`: what
// is read is as the table says, and the table is that of miniinit-unit(5).
#include "config/syntax.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace mi::config {

namespace {

// What becomes of A (or whatever is set): its value, or, after a '!', what happens instead.
struct Row {
    std::string_view line, here, systemd, docker;
};
const Row rows[] = {
    {"A=1", "1", "1", "1"},
    {" A=1", "1", "1", "1"},
    {"A = 1", "1", "1", "!refused"},
    {"A=", "", "", ""},
    {"A=x y", "x y", "x y", "x y"},
    {"A=  x  ", "x", "x", "  x  "},
    {"A=1\r\n", "1", "1", "1"},
    {"A=1\nA=2", "2", "2", "2"},
    {"a.b-c=1", "1", "!left out", "1"},
    {"2A=1", "1", "!left out", "1"},
    {"export A=1", "1", "!left out", "!refused"},
    {"# A=1", "!a comment", "!a comment", "!a comment"},
    {"; A=1", "!a comment", "!a comment", "!refused"},
    {"A=x # y", "x", "x # y", "x # y"},
    {"A=x#y", "x#y", "x#y", "x#y"},
    {"A='x  y'", "x  y", "x  y", "'x  y'"},
    {"A=\"x  y\"", "x  y", "x  y", "\"x  y\""},
    {"A='x' y", "x y", "xy", "'x' y"},
    {"A=x'y'", "xy", "x'y'", "x'y'"},
    {"A='x\ny'", "x\ny", "x\ny", "'x"},
    {"A=\"x\\\"y\"", "x\"y", "x\"y", "\"x\\\"y\""},
    {"A=\"x\\ny\"", "x\\ny", "x\\ny", "\"x\\ny\""},
    {"A=x\\ny", "xny", "xny", "x\\ny"},
    {"A=x\\\ny", "xy", "xy", "x\\"},
    {"A=$B", "$B", "$B", "$B"},
    {"A='x", "!refused", "x", "'x"},
    {"A", "!refused", "!left out", "!the caller\\(aqs A"},
    {"=1", "!refused", "!left out", "!refused"},
    {"A B=1", "!refused", "!left out", "!refused"},
};

// As it is written in mdoc(7), a line end as an arrow.
std::string in_mdoc(std::string_view text) {
    std::string out;
    for (char c : text) {
        switch (c) {
        case '\\': out += "\\e"; break;
        case '"': out += "\\(dq"; break;
        case '\'': out += "\\(aq"; break;
        case '-': out += "\\-"; break;
        case ' ': out += "\\ "; break;
        case '\n': out += "\\(CR"; break;
        case '\r': break;
        default: out += c;
        }
    }
    return out;
}

std::string cell(std::string_view value) {
    if (value.starts_with('!'))
        return std::string(value.substr(1));
    return value.empty() ? "(empty)" : "Li " + in_mdoc(value);
}

std::string page_line(const Row& row) {
    std::string_view line = row.line;
    const bool carriage = line.ends_with("\r\n");
    if (carriage)
        line.remove_suffix(2);
    return ".It Li " + (line.starts_with(';') ? "\\&" : std::string()) + in_mdoc(line) + (carriage ? "\\er\\en" : "") +
           " Ta " + cell(row.here) + " Ta " + cell(row.systemd) + " Ta " + cell(row.docker);
}

} // namespace

TEST_CASE("every line of the table of dialects is read as the table says") {
    for (const Row& row : rows) {
        CAPTURE(row.line);
        const Environment read = parse_environment(std::string(row.line) + "\n");
        if (row.here == "!refused") {
            CHECK(read.problems.size() == 1);
            CHECK(read.variables.empty());
        } else if (row.here.starts_with('!')) {
            CHECK(read.problems.empty());
            CHECK(read.variables.empty());
        } else {
            CHECK(read.problems.empty());
            REQUIRE(read.variables.size() == 1);
            CHECK(read.variables[0].second == row.here);
        }
    }
}

TEST_CASE("with systemd's syntax every line is read as systemd reads it") {
    for (const Row& row : rows) {
        CAPTURE(row.line);
        const Environment read = parse_systemd_environment(row.line);
        CHECK(read.problems.empty());
        if (row.systemd.starts_with('!')) {
            CHECK(read.variables.empty());
        } else {
            REQUIRE(read.variables.size() == 1);
            CHECK(read.variables[0].second == row.systemd);
        }
    }
}

TEST_CASE("a line that systemd passes over takes nothing of the next one with it") {
    const Environment read = parse_systemd_environment("A\n=1\n# B=1 \\\nC=\nD='x' \"y\" \\\n z \nE=1");
    REQUIRE(read.variables.size() == 3);
    CHECK(read.variables[0] == std::pair<std::string, std::string>("C", ""));
    CHECK(read.variables[1] == std::pair<std::string, std::string>("D", "xy z"));
    CHECK(read.variables[2] == std::pair<std::string, std::string>("E", "1"));
}

TEST_CASE("miniinit-unit(5) has the table of dialects, row by row") {
    std::ifstream file(SOURCE_DIR "/etc/man/miniinit-unit.5");
    const std::string page{std::istreambuf_iterator<char>(file), {}};
    std::string table;
    for (const Row& row : rows)
        table += page_line(row) + "\n";
    const std::string head = ".It Sy Line Ta Sy Here Ta Sy systemd Ta Sy Docker\n";
    const std::size_t begin = page.find(head);
    REQUIRE(begin != std::string::npos);
    const std::size_t from = begin + head.size();
    CHECK(page.substr(from, page.find(".El", from) - from) == table);
}

} // namespace mi::config
