// The table of directives and miniinit-convert(7) say the same, and the table is right about keys and steps.
#include "config/keys.hpp"
#include "convert/directives.hpp"
#include "convert/scene.hpp"
#include "convert/values.hpp"

#include <fstream>
#include <sstream>

using namespace mi::convert;

namespace {

constexpr const char* sections[] = {"Unit", "Install", "Service", "Socket", "Timer", "Path"};

// The items of the page in one section, each as its lines.
std::set<std::string> items_of(const std::string& section) {
    std::ifstream page(SOURCE_DIR "/etc/man/miniinit-convert.7");
    std::set<std::string> items;
    std::string current;
    std::optional<std::string> item;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with(".S"))
            current = line.starts_with(".Ss [") ? line.substr(5, line.size() - 6) : "";
        const bool begins = line == ".It";
        if (begins || line == ".El") {
            if (item && current == section)
                items.insert(*item);
            item.reset();
        }
        if (begins)
            item = "";
        else if (item)
            *item += line + "\n";
    }
    return items;
}

std::set<std::string> names_of(const std::string& item) {
    std::set<std::string> names;
    std::istringstream words(item.substr(0, item.find(':')));
    for (std::string word; words >> word;)
        names.insert(word.substr(0, word.find(',')));
    return names;
}

// What a directive of `row` becomes, in the words of the page. Empty: the page has words of its own.
std::string words_of(const Row& row) {
    const bool partly = !row.key.empty() && !row.why.empty();
    switch (row.form) {
    case Form::step: return {};
    case Form::names_partner: return "names what becomes one unit\n";
    case Form::not_needed: return "not needed: " + std::string(row.why) + "\n";
    case Form::no_equal:
    case Form::no_equal_but_a_value: return "no equal: " + std::string(row.why) + "\n";
    case Form::comes_near: return "comes near: " + std::string(row.why) + "\n";
    default: return ".Cm " + std::string(row.key) + (partly ? " ;\ncomes near: " + std::string(row.why) : "") + "\n";
    }
}

std::string item_of(const Row& row) {
    std::string item;
    for (std::string_view name : blank_separated(row.directives))
        item += (item.empty() ? "" : ", ") + std::string(name);
    item += ":\n";
    for (char letter : words_of(row))
        item += letter == '`' ? "\\(ga" : std::string(1, letter);
    return item;
}

Unit with_directive(const std::string& section, const std::string& line) {
    const std::string install = "[Install]\nWantedBy=multi-user.target\n";
    if (section == "Unit")
        return Scene::service("", line);
    Scene scene;
    scene.unit("web.service", "[Service]\nExecStart=/usr/bin/web\n" + (section == "Service" ? line : "") + "\n" +
                                  (section == "Install" ? "[Install]\n" + line : "") + "\n");
    if (section == "Socket")
        scene.unit("web.socket", "[Socket]\nListenStream=80\n" + line + "\n");
    if (section == "Timer")
        scene.unit("web.timer", "[Timer]\nOnCalendar=daily\n" + line + "\n");
    return scene.made("web.service");
}

} // namespace

TEST_CASE("miniinit-convert(7) has an item for every row of the table, and says what it says") {
    for (const std::string section : sections) {
        const std::set<std::string> items = items_of(section);
        std::set<std::string> written, listed;
        for (const std::string& item : items)
            written.merge(names_of(item));
        for (const Row& row : rows_of(section)) {
            if (row.form != Form::step) {
                INFO("[" << section << "] of etc/man/miniinit-convert.7 lacks this item:\n.It\n" << item_of(row));
                CHECK(items.contains(item_of(row)));
            }
            for (std::string_view name : blank_separated(row.directives))
                CHECK_MESSAGE(listed.emplace(name).second, name << " has two rows");
        }
        for (const std::string& name : listed)
            CHECK_MESSAGE(written.contains(name), name << " is missing in [" << section << "] of the page");
        for (const std::string& name : written)
            CHECK_MESSAGE(listed.contains(name), name << " of [" << section << "] has no row in directives.cpp");
    }
}

TEST_CASE("every key of the table is a key of a unit") {
    constexpr const char* tables[] = {"",        "condition", "await",  "target", "service",
                                      "process", "cgroup",    "listen", "timer",  "log"};
    for (const char* section : sections)
        for (const Row& row : rows_of(section)) {
            const std::string_view key = row.key.substr(0, row.key.find('.'));
            const auto keys = mi::config::section_of(mi::config::unit_keys(), tables[static_cast<int>(row.table)]);
            CAPTURE(row.directives);
            CHECK((key.empty() || std::ranges::find(keys, key, &mi::config::KeyInfo::key) != keys.end()));
        }
}

TEST_CASE("every directive that the table leaves to a step is known to one") {
    for (const std::string section : sections)
        for (const Row& row : rows_of(section))
            for (std::string_view name : blank_separated(row.form == Form::step ? row.directives : "")) {
                const Unit unit = with_directive(section, std::string(name) + "=yes");
                CAPTURE(name);
                for (const Remark& remark : unit.remarks)
                    CHECK(remark.why.find("is not known in") == std::string::npos);
            }
}
