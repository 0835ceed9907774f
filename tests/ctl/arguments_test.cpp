// The table of options: what is in it is understood, and what is understood is in it.
#include "ctl/options.hpp"
#include "ctl/top/top_table.hpp"
#include "ctl/verbs/verbs.hpp"
#include "ctl_world.hpp"

#include <set>

using namespace mi;
using namespace mi::ctl;
using namespace mi::test;

namespace {

using Words = std::vector<std::string>;

bool has(const std::string& text, std::string_view part) { return text.contains(part); }

std::expected<Arguments, std::string> parse(std::string_view verb, Words words) {
    words.insert(words.begin(), std::string(verb));
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    return parse_arguments(*verb_named(verb), static_cast<int>(words.size()), argv.data());
}
std::string wrong(std::string_view verb, Words words) {
    auto arguments = parse(verb, std::move(words));
    return arguments ? "" : arguments.error();
}

// A value that the option takes.
std::string value_for(const Option& option) {
    if (option.choices != nullptr)
        return std::string(option.choices().front());
    if (option.value == "TIME")
        return std::string(option.name) == "since" || std::string(option.name) == "until" ? "12:00" : "10s";
    return option.value.contains('N') && option.value.size() <= 3 ? "0" : "x=1";
}

} // namespace

TEST_CASE("every option is understood by its name and by its letter, and so is every value that it offers") {
    for (const Verb& verb : verbs()) {
        std::set<std::string> names;
        std::set<char> letters;
        for (const Option& option : options_of(verb)) {
            const std::string what = std::string(verb.name) + " " + option.word();
            CHECK_MESSAGE((*option.name == 0 || names.insert(option.name).second), what);
            CHECK_MESSAGE((option.letter == 0 || letters.insert(option.letter).second), what);
            Words value;
            if (!option.value.empty() && !option.may_lack_value())
                value.push_back(std::string(option.name) == "count" || option.value == "CODE" ? "1"
                                                                                              : value_for(option));
            Words ways;
            if (*option.name != 0)
                ways.push_back(std::string("--") + option.name);
            if (option.letter != 0)
                ways.push_back(std::string("-") + option.letter);
            for (const std::string& way : ways) {
                Words words{way, "--help"}; // then it does not matter how many operands there are
                words.insert(words.begin() + 1, value.begin(), value.end());
                CHECK_MESSAGE(wrong(verb.name, words) == "", what);
            }
            Arguments arguments;
            if (option.choices != nullptr)
                for (std::string_view choice : option.choices())
                    CHECK_MESSAGE(option.set(arguments, choice), what);
        }
    }
}

TEST_CASE("what is not understood is named, and what there is instead") {
    CHECK(wrong("list", {"web", "--nonsense"}) == "--nonsense is no option of list");
    CHECK(wrong("list", {"--fialed=x"}) == "--fialed=x is no option of list (did you mean --failed?)");
    CHECK(wrong("list", {"-Z"}) == "-Z is no option of list");
    CHECK(wrong("list", {"--all=yes"}) == "--all takes no value");
    CHECK(wrong("status", {"-n"}) == "-n needs a value");
    CHECK(wrong("status", {"--lines"}) == "--lines needs a value");
    CHECK(wrong("top", {"--sort", "colour"}) ==
          "--sort cannot be \"colour\": it takes one of cpu, memory, tasks, restarts, uptime, name, state");
    CHECK(wrong("wait", {"x", "--for", "flying"})
              .starts_with("--for cannot be \"flying\": it takes one of down, waiting, "));
    CHECK(wrong("logs", {"-o", "xml"}) == "--output cannot be \"xml\": it takes one of short, iso, json, cat");
    CHECK(wrong("logs", {"--facility", "auth,none"})
              .starts_with("--facility cannot be \"auth,none\": it takes one of kern, "));
    CHECK(wrong("logs", {"--boot=3"}) == "--boot cannot be \"3\"");
    CHECK(wrong("shutdown", {"-x"}) == "-x is no option of shutdown");
}

TEST_CASE("the number of --boot may be left out, and may stand apart") {
    auto boot = [](Words words) {
        auto arguments = parse("logs", std::move(words));
        REQUIRE(arguments.has_value());
        return std::pair(arguments->logs.boot, arguments->words);
    };
    using Boot = std::pair<std::optional<std::int32_t>, Words>;
    CHECK(boot({"web"}) == Boot{std::nullopt, {"web"}});
    CHECK(boot({"-b", "web"}) == Boot{0, {"web"}});
    CHECK(boot({"-b", "-1", "web"}) == Boot{-1, {"web"}});
    CHECK(boot({"web", "--boot", "-2"}) == Boot{-2, {"web"}});
    CHECK(boot({"--boot=-3"}) == Boot{-3, {}});
    CHECK(boot({"-b", "7"}) == Boot{0, {"7"}});
    CHECK(parse("logs", {"-bf"})->logs.follow);
}

TEST_CASE("a letter that other inits have for something else is theirs where their verb is called") {
    CHECK(parse("shutdown", {"-h", "now"})->how == wire::Ending::poweroff);
    CHECK_FALSE(parse("shutdown", {"-h", "now"})->help);
    CHECK(parse("shutdown", {"--help"})->help);
    CHECK(parse("shutdown", {"-r", "+5", "-f", "is", "meant"})->words == Words{"+5", "-f", "is", "meant"});
    CHECK(parse("run", {"-w", "ls", "-l"})->words == Words{"ls", "-l"});
    CHECK(parse("halt", {"-p"})->how == wire::Ending::poweroff);
    CHECK(has(run_ctl({"minictl", "shutdown", "--help"}).out, "\n  -h "));
    CHECK_FALSE(has(run_ctl({"minictl", "shutdown", "--help"}).out, "-h, --help"));
}

TEST_CASE("programs read which verbs and options there are") {
    const Outcome all = run_ctl({"minictl", "help", "--json"});
    CHECK(all.code == 0);
    CHECK(has(all.out, R"({"name":"list","operands":"[UNIT…]",)"));
    CHECK(has(all.out, R"({"name":"lines","letter":"n","value":"N","help":"only the last N"})"));
    CHECK(has(all.out, R"({"name":"","letter":"q","value":"","help":""})")); // of shutdown, and not in its help
    const Outcome one = run_ctl({"minictl", "help", "logs", "--json"});
    CHECK(one.out == run_ctl({"minictl", "logs", "--help", "--json"}).out);
    CHECK(one.out.starts_with(R"({"verbs":[{"name":"logs",)"));
    const Outcome none = run_ctl({"minictl", "help", "lgos"});
    CHECK(none.code == 2);
    CHECK(has(none.err, "did you mean logs?"));
}
