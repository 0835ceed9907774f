// The table of `top`, the keys it is told by, and how wide letters are.
#include "ctl/text/terminal.hpp"
#include "ctl/top/keys.hpp"
#include "ctl/top/top_table.hpp"
#include "ctl_world.hpp"

using namespace mi;
using namespace mi::ctl;
using core::Phase;
using mi::test::unit;

namespace {

wire::UnitStatus used(const std::string& name, std::int64_t cpu, std::int64_t memory) {
    wire::UnitStatus status = unit(name, Phase::up, 42);
    status.cpu_usec = cpu;
    status.memory_bytes = memory;
    status.tasks = 3;
    status.since_monotonic = 1'000'000;
    return status;
}

std::string names(const TopTable& table) {
    std::string all;
    for (const TopRow& row : table.told({}).units)
        all += (all.empty() ? "" : " ") + row.unit;
    return all;
}

std::vector<Key> keys(std::string_view bytes, bool paused = true) {
    KeyReader reader;
    reader.add(bytes);
    std::vector<Key> all;
    while (auto key = reader.next(paused))
        all.push_back(*key);
    return all;
}

} // namespace

TEST_CASE("what a unit uses of a processor is what it has used since the look before") {
    TopTable table;
    table.update({used("a", 1'000'000, 10), used("b", 0, 30), used("c", 5'000'000, 20)}, 10'000'000);
    CHECK_FALSE(table.told({}).units[0].cpu_permille);
    table.update({used("a", 1'500'000, 10), used("b", 2'000'000, 30), used("c", 100, 20)}, 12'000'000);
    CHECK(names(table) == "b a c");
    CHECK(table.told({}).units[0].cpu_permille == 1000);
    CHECK(table.told({}).units[1].cpu_permille == 250);
    // Less than before: another run, of which nothing is known yet.
    CHECK_FALSE(table.told({}).units[2].cpu_permille);
}

TEST_CASE("what no cgroup has counted is marked as a sum") {
    TopTable table;
    wire::UnitStatus summed = used("a", 0, 2048);
    summed.summed = {"memory_bytes", "cpu_usec", "tasks"};
    table.update({summed, used("b", 0, 2048)}, 10'000'000);
    summed.cpu_usec = 500'000;
    table.update({summed, used("b", 500'000, 2048)}, 11'000'000);
    const auto lines = table.lines({}, 0, 0, 20'000'000, {});
    REQUIRE(lines.size() == 3);
    CHECK(lines[1].contains(" ~50.0 "));
    CHECK(lines[1].contains(" ~2"));
    CHECK_FALSE(lines[2].contains("~"));
    CHECK(table.told({}).units[0].summed == std::vector<std::string>{"memory_bytes", "cpu_permille", "tasks"});
}

TEST_CASE("the table is sorted by a column, and the other way round when that is asked for again") {
    TopTable table;
    table.update({used("a", 0, 10), used("b", 0, 30), used("c", 0, 20)}, 1);
    table.order_by(TopOrder::memory);
    CHECK(names(table) == "b c a");
    table.order_by(TopOrder::memory);
    CHECK(names(table) == "a c b");
    table.order_by(TopOrder::name);
    CHECK(names(table) == "a b c");
}

TEST_CASE("the selection stays with its unit as rows move, and near its place when that is gone") {
    TopTable table;
    table.update({used("a", 0, 10), used("b", 0, 30), used("c", 0, 20)}, 1);
    table.order_by(TopOrder::name);
    table.move(1);
    CHECK(table.selected() == "b");
    table.order_by(TopOrder::memory);
    CHECK(table.selected() == "b");
    table.select_last();
    CHECK(table.selected() == "a");
    table.move(5);
    CHECK(table.selected() == "a");
    table.filter("nothing");
    CHECK(table.selected().empty());
    table.filter("");
    CHECK_FALSE(table.selected().empty());
}

TEST_CASE("what is quiet is shown only when all are asked for") {
    TopTable table;
    wire::UnitStatus target = unit("multi-user", Phase::up);
    target.kind = core::Kind::target;
    table.update(
        {used("a", 0, 0), unit("once", Phase::done), unit("off", Phase::down), unit("bad", Phase::failed), target}, 1);
    CHECK(names(table) == "a bad");
    table.show_all(true);
    CHECK(table.size() == 5);
}

TEST_CASE("no line is wider than the terminal, whatever its width") {
    TopTable table;
    std::vector<wire::UnitStatus> units{used("a-unit-with-quite-a-long-name-indeed", 0, 1 << 30), used("b", 0, 1)};
    units[1].restarts = 123'456;
    table.update(units, 1);
    Style style;
    style.terminal = true;
    for (unsigned width = 12; width < 140; ++width)
        for (const std::string& line : table.lines(style, width, 3, 5'000'000, [](const std::string&) {
                 return std::string("日本語の行 and more of it, for that matter, so that it is long enough\x1b[2J");
             })) {
            std::string bare;
            for (std::size_t i = 0; i < line.size(); ++i)
                if (line[i] == '\x1b')
                    i = line.find('m', i);
                else
                    bare += line[i];
            CHECK_MESSAGE(columns(bare) <= width, bare);
        }
}

TEST_CASE("rows scroll so that the selected one is seen") {
    TopTable table;
    std::vector<wire::UnitStatus> units;
    for (int i = 100; i < 200; ++i)
        units.push_back(used("u" + std::to_string(i), 0, 0));
    table.update(units, 1);
    table.order_by(TopOrder::name);
    table.move(50);
    auto lines = table.lines(Style{}, 80, 11, 0, {});
    CHECK(lines.size() == 11);
    CHECK(lines[10].starts_with("u150"));
    table.select_first();
    CHECK(table.lines(Style{}, 80, 11, 0, {})[1].starts_with("u100"));
}

TEST_CASE("keys are read from the bytes that terminals send") {
    using Kind = Key::Kind;
    CHECK(keys("q") == std::vector<Key>{{Kind::text, "q"}});
    CHECK(keys("\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1b[4~") == std::vector<Key>{{Kind::up, {}},
                                                                              {Kind::down, {}},
                                                                              {Kind::page_up, {}},
                                                                              {Kind::page_down, {}},
                                                                              {Kind::home, {}},
                                                                              {Kind::end, {}}});
    CHECK(keys("\x1b") == std::vector<Key>{{Kind::escape, {}}});
    CHECK(keys("\x1bq") == std::vector<Key>{{Kind::escape, {}}, {Kind::text, "q"}});
    CHECK(keys("\x03\r\x7f\x1a") ==
          std::vector<Key>{{Kind::interrupt, {}}, {Kind::enter, {}}, {Kind::backspace, {}}, {Kind::suspend, {}}});
    CHECK(keys("\x1b[1;5Cq") == std::vector<Key>{{Kind::unknown, {}}, {Kind::text, "q"}});
    CHECK(keys("ü日") == std::vector<Key>{{Kind::text, "ü"}, {Kind::text, "日"}});
    // What may go on is waited for.
    CHECK(keys("\x1b", false).empty());
    CHECK(keys("\x1b[5", false).empty());
    CHECK(keys("\xe6\x97", false).empty());
    CHECK(keys("\xff") == std::vector<Key>{{Kind::unknown, {}}});
    CHECK(keys(std::string("\x1b[") + std::string(100, '1')).size() > 0);
}

TEST_CASE("letters of East Asia take two columns, marks over a letter none") {
    CHECK(columns("abc") == 3);
    CHECK(columns("日本") == 4);
    CHECK(columns("e\xcc\x81") == 1);
    CHECK(columns("\xff\xfe") == 2);
    CHECK(fitted("日本語", 4) == "日… ");
    CHECK(fitted("日本語", 5) == "日本…");
    CHECK(fitted("abc", 5) == "abc  ");
    CHECK(fitted("abc", 2) == "a…");
    CHECK(fitted("abc", 0).empty());
}
