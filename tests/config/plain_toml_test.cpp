#include "config/plain_toml.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace mi::config;

namespace {

std::string at(const Place& place) { return std::to_string(place.line) + ":" + std::to_string(place.column); }

// All that a tree says, a line each.
void tell(std::string& lines, const Node& node, const std::string& indent) {
    lines += indent + node.key + " at " + at(node.key_place) + ", kind " + std::to_string(static_cast<int>(node.kind)) +
             " at " + at(node.place) + (node.truth ? " true" : "") + (node.in_line ? " in line" : "") + " " +
             std::to_string(node.integer) + " <" + node.text + ">\n";
    for (const Node& item : node.items)
        tell(lines, item, indent + "  ");
}

std::string told(const Node& node) {
    std::string lines;
    tell(lines, node, "");
    return lines;
}

std::string by_library(std::string_view text) {
    Reading reading;
    reading.add_file("test.toml", text);
    const Node tree = parse_whole_toml(reading, 0, text);
    return reading.failed() ? "wrong: " + reading.first_error().message : told(tree);
}

std::string read_plainly(std::string_view text) {
    const std::optional<Node> tree = read_plain_toml(0, text);
    return tree ? told(*tree) : "not plain";
}

} // namespace

TEST_CASE("a unit as people write it is read as the library reads it, places and all") {
    for (const char* text : {
             "",
             "\n\n# nothing\n",
             "description = \"Shop\"",
             "  requires = [ 'a', \"b\" , ]  # both\n\twants = []\n[service]\ncommand = \"/bin/shop --port 8080\"\n",
             "[service] # of all\ntype = \"notify\"\ncommand = [\n    \"/bin/shop\", # the shop\n    "
             "\"-v\"\n]\nrestart-limit = 0\n"
             "[process]\numask = '0022'\nnice = -5\nenvironment = { TZ = \"UTC\", LANG = 'C' }\nno-new-privileges = "
             "true\n",
             "[[listen]]\nstream = \"8080\"\n  [[listen]]\nfifo = '/run/x'\nbacklog = 1234567890\n",
             "[service]\nscript = '''\necho a\n  echo \"b\"\n'''\nrestart = \"no\"\n",
             "[service]\nscript = \"\"\"echo a\necho b\"\"\" # end\nz = [[1, 2], [3]]\na = {b = {c = [1]}}\n",
             "limits = { nofile = [\"1\", 2], core = 0 }\n[ service ]\n[[ listen ]]\n[[listen]]\n",
             "-1 = false\n1 = 0\nA_b-c = -7\n",
         }) {
        CAPTURE(text);
        CHECK(read_plainly(text) == by_library(text));
    }
}

TEST_CASE("what is not plain beyond doubt is left to the library") {
    for (const char* text : {
             "a.b = 1",
             "\"a\" = 1",
             "[a.b]",
             "[units.\"x\"]",
             "a = \"\\t\"",
             "a = \"\xc3\xa4\"",
             "# \xc3\xa4",
             "a = 1.5",
             "a = 0x10",
             "a = 01",
             "a = +1",
             "a = 1_000",
             "a = 2026-11-22",
             "a = 10:00:00",
             "a = inf",
             "a = \"x",
             "a = 'x",
             "a = \"\"\"x",
             "a = '''x''''",
             "a = 1\r\n",
             "a = 1\na = 2",
             "[a]\n[a]",
             "a = 1\n[a]",
             "[[a]]\n[a]",
             "[a]\n[[a]]",
             "a = [{}]\n[[a]]",
             "a = {b = 1, b = 2}",
             "a = {b = 1,}",
             "a = {b = 1\n}",
             "a = [1",
             "a = [1 2]",
             "a = [,]",
             "a = ",
             "a",
             "= 1",
             "[",
             "[]",
             "[a",
             "[[a]",
             "[a] b = 1",
             "a = 1 b = 2",
             "a = 1000000000000000000",
             "a = [[[[[1]]]]]",
             "a = \x01",
             "a = \"\x7f\"",
             "a = -",
             "a = -0",
         }) {
        CAPTURE(text);
        CHECK(read_plainly(text) == "not plain");
    }
}

TEST_CASE("all units and examples that the project ships are read alike, and most of them plainly") {
    std::size_t plain = 0, all = 0;
    for (const char* place : {"/units", "/etc/examples"})
        for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(SOURCE_DIR) + place)) {
            if (entry.path().extension() != ".toml")
                continue;
            std::ifstream file(entry.path());
            std::stringstream text;
            text << file.rdbuf();
            CAPTURE(entry.path().string());
            const std::string read = read_plainly(text.str());
            ++all;
            plain += read != "not plain" ? 1 : 0;
            if (read != "not plain")
                CHECK(read == by_library(text.str()));
        }
    MESSAGE(plain, " of ", all);
    CHECK(all > 40);
    CHECK(plain * 4 > all * 3);
}
