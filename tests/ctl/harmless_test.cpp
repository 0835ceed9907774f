// Whatever an init, a service or whoever calls minictl puts into a text: nothing of it drives the terminal where it is shown.
#include "base/printable.hpp"
#include "ctl/boot/boot_view.hpp"
#include "ctl/text/harmless.hpp"
#include "ctl/text/terminal.hpp"
#include "ctl_world.hpp"

using namespace mi;
using namespace mi::ctl;
using namespace mi::test;

namespace {

// What clears a screen, in three ways that can be said in JSON, and what turns letters round.
constexpr std::string_view poison = "evil\x1b[2J\u009b2J\x7f\u202eetirw\u2066\r";

// Puts it into every text, and something into every list and optional.
template <typename T>
void fill(T& value) {
    if constexpr (wire::is_optional<T>)
        fill(value.emplace());
    else if constexpr (wire::is_vector<T>)
        fill(value.emplace_back());
    else if constexpr (std::same_as<T, std::string>)
        value = poison;
    else if constexpr (std::same_as<T, bool>)
        value = true;
    else if constexpr (std::integral<T>)
        value = 1;
    else if constexpr (wire::Fielded<T>)
        T::fields(value, [](std::string_view, auto& member) { fill(member); });
}

std::string poisoned(const wire::Request& request, bool) {
    return std::visit(
        [](const auto& asked) {
            typename std::remove_cvref_t<decltype(asked)>::Reply answer;
            fill(answer);
            if constexpr (std::same_as<decltype(answer), wire::Progress>) {
                answer.event.reset();
                answer.results[0].ok = false; // it is worth words
            }
            if constexpr (std::same_as<decltype(answer), wire::Overview>)
                answer.state = wire::ManagerState::degraded;
            return reply(answer);
        },
        request);
}

// Of verbs that nothing is to stop: without colours, so that no escape sequence is ours.
void check_harmless(const std::vector<std::string>& words, const Outcome& outcome) {
    std::string line;
    for (const std::string& word : words)
        line += printable(word) + " ";
    CHECK_MESSAGE(printable(outcome.out, Keep::lines) == outcome.out, line);
    CHECK_MESSAGE(printable(outcome.err, Keep::lines) == outcome.err, line);
}

} // namespace

TEST_CASE("no text of an init drives the terminal, in no view of any verb") {
    FakeInit init(poisoned);
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"list"},
                                                                                       {"list", "--all"},
                                                                                       {"list", "--timers"},
                                                                                       {"list", "--failed"},
                                                                                       {"status"},
                                                                                       {"status", "x"},
                                                                                       {"tree"},
                                                                                       {"tree", "x"},
                                                                                       {"explain", "x"},
                                                                                       {"events"},
                                                                                       {"probe"},
                                                                                       {"metrics"},
                                                                                       {"version"},
                                                                                       {"healthcheck", "x"},
                                                                                       {"times"},
                                                                                       {"start", "x"},
                                                                                       {"stop", "x"},
                                                                                       {"restart", "x"},
                                                                                       {"reload", "x"},
                                                                                       {"reload-units"},
                                                                                       {"target", "x"},
                                                                                       {"wait", "x"},
                                                                                       {"blame"},
                                                                                       {"critical-chain"},
                                                                                       {"graph"},
                                                                                       {"plot"},
                                                                                       {"freeze", "x"},
                                                                                       {"reset"},
                                                                                       {"signal", "TERM", "x"},
                                                                                       {"list", "--json"},
                                                                                       {"status", "x", "--json"},
                                                                                       {"plot", "--json"},
                                                                                       {"run", "--clean", "true"}}) {
        const Outcome outcome = init.ctl(words);
        check_harmless(words, outcome);
        const bool silent = words[0] == "wait" || words[0] == "freeze" || words[0] == "reset" || words[0] == "signal";
        CHECK_MESSAGE((outcome.out + outcome.err).empty() == silent, words[0]);
    }
}

TEST_CASE("nor does what minictl is called with, when it says what is wrong with it") {
    FakeInit init(
        [](const wire::Request&, bool) { return error(wire::NoSuchUnit{std::string(poison), std::string(poison)}); });
    for (const std::string& evil : {std::string(poison),
                                    std::string("e\x9b"
                                                "2J"),
                                    std::string("e\xc2")})
        for (const std::vector<std::string>& words :
             std::vector<std::vector<std::string>>{{evil},
                                                   {"start", evil},
                                                   {"explain", evil},
                                                   {"status", evil},
                                                   {"tree", evil},
                                                   {"cat", evil},
                                                   {"show", evil},
                                                   {"edit", evil},
                                                   {"verify", evil},
                                                   {"verify", "--calendar", evil},
                                                   {"convert", evil},
                                                   {"enable", evil},
                                                   {"mask", evil},
                                                   {"signal", evil, "x"},
                                                   {"signal", "TERM", evil},
                                                   {"wait", "x", "--state", evil},
                                                   {"wait", "x", "--timeout", evil},
                                                   {"list", "--" + evil},
                                                   {"status", "-n", evil},
                                                   {"top", "--sort", evil},
                                                   {"run", "--name", evil, "true"},
                                                   {"run", "-p", evil, "true"},
                                                   {"run", "-p", "service." + evil + "=1", "true"},
                                                   {"run", evil},
                                                   {"keys", evil},
                                                   {"completion", evil},
                                                   {"poweroff", "--when", evil},
                                                   {"graph", "--from", evil},
                                                   {"critical-chain", evil},
                                                   {"help", evil}})
            check_harmless(words, init.ctl(words));
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"-p", "e\x1b[2J"},
                                                                                       {"-n", "e\x9b"},
                                                                                       {"-S", "\xc2\x9b"},
                                                                                       {"-g", "(\x1b"},
                                                                                       {"-o", "\x1b"},
                                                                                       {"--\x1b"},
                                                                                       {"--facility", "\x9b"},
                                                                                       {"e\x1b[2J"},
                                                                                       {"-D", "/none\x1b", "x"},
                                                                                       {"-b", "\x1b"}}) {
        std::vector<std::string> all{"minictl", "logs"};
        all.insert(all.end(), words.begin(), words.end());
        check_harmless(all, run_ctl(all));
    }
}

TEST_CASE("on a terminal only our own colours are left of escape sequences") {
    const Style style{.terminal = true, .colours = true};
    const std::string text = paint(style, Colour::bad, "bad") + "\tand\n\x1b[2J\x1b[31mred\x9b"
                                                                "1m\u009b\x1b";
    CHECK(fit_to_show(text) == "\033[31mbad\033[0m\tand\n?[2J\033[31mred?1m??");
    CHECK(fit_to_show("").empty());
}

TEST_CASE("names in drawings for other programs are only what is printable") {
    UnitGraph graph;
    graph.nodes.push_back({std::string(poison), core::Kind::service, core::Phase::up});
    graph.edges.push_back({std::string(poison), "b\x9b", core::Relation::want});
    const std::string text = dot_view(graph);
    CHECK(printable(text, Keep::lines) == text);
}
