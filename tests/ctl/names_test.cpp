// What fingers type: words of other programs, beginnings of verbs, suffixes of units, patterns.
#include "ctl/unit_names.hpp"
#include "ctl/verbs/verbs.hpp"
#include "ctl/verbs/words.hpp"
#include "ctl_world.hpp"

#include <map>

using namespace mi;
using namespace mi::test;
using core::Phase;

namespace {

using Words = std::vector<std::string>;

bool has(const std::string& text, std::string_view part) { return text.contains(part); }

// What minictl says to a word that is none of its own; exit code 2.
std::string said_to(const std::string& word) {
    const Outcome outcome = run_ctl({"minictl", word, "web"});
    CHECK(outcome.code == 2);
    return outcome.err.substr(0, outcome.err.find('\n'));
}

// The units of a shop: what a request names is kept in `named`.
struct Shop {
    std::map<std::string, wire::UnitStatus> units;
    std::vector<Words> named;

    Shop() {
        for (auto [name, state] : {std::pair{"web1", Phase::up},
                                   {"web2", Phase::failed},
                                   {"web3", Phase::down},
                                   {"nightly", Phase::up},
                                   {"network", Phase::up},
                                   {"odd.service", Phase::up}})
            units[name] = unit(name, state);
        units["nightly"].timer = "every 1h";
        units["network"].kind = core::Kind::target;
        units["web1"].sockets = {{"stream", "*:80", "web1"}};
    }
    FakeInit::Say say() {
        return [this](const wire::Request& request, bool) { return answer(request); };
    }
    std::string answer(const wire::Request& request) {
        if (std::holds_alternative<wire::List>(request)) {
            wire::Units all;
            for (const auto& [name, status] : units)
                all.units.push_back(status);
            return reply(all);
        }
        if (auto* status = std::get_if<wire::Status>(&request)) {
            named.push_back(status->units);
            auto at = units.find(status->units[0]);
            return at == units.end() ? error(wire::NoSuchUnit{status->units[0], {}}) : reply(wire::Units{{at->second}});
        }
        if (auto* explain = std::get_if<wire::Explain>(&request)) {
            named.push_back({explain->unit});
            return reply(wire::Explanation{Phase::down, {explain->unit + " is up."}, {}});
        }
        if (auto* signal = std::get_if<wire::Signal>(&request)) {
            named.push_back({signal->unit});
            return reply(wire::Nothing{});
        }
        return std::visit(
            [this](const auto& one) {
                if constexpr (requires { Words(one.units); })
                    named.push_back(one.units);
                return reply(wire::Progress{});
            },
            request);
    }
};

// The units that the init was asked for by these words.
Words asked(const Words& words) {
    Shop shop;
    FakeInit init(shop.say());
    (void)init.ctl(words);
    Words all;
    for (const Words& some : shop.named)
        all.insert(all.end(), some.begin(), some.end());
    return all;
}

} // namespace

TEST_CASE("words of other inits that can mean only one thing are understood") {
    for (const ctl::OtherWord& other : ctl::other_words()) {
        const ctl::Called called = ctl::verb_called(other.word);
        CHECK_MESSAGE((called.verb == nullptr) == other.means.empty(), std::string(other.word));
        CHECK_MESSAGE(ctl::verb_named(other.word) == nullptr, std::string(other.word));
    }
    CHECK(ctl::verb_called("daemon-reload").verb == ctl::verb_named("reload-units"));
    CHECK(ctl::verb_called("list-timers").options == Words{"--timers"});
    Shop shop;
    FakeInit init(shop.say());
    CHECK(init.ctl({"list-units"}).out == init.ctl({"list"}).out);
    CHECK(init.ctl({"ps"}).out == init.ctl({"list"}).out);
    CHECK(init.ctl({"list-timers"}).out == init.ctl({"list", "--timers"}).out);
    CHECK(init.asked == Words{"List", "List", "List", "List", "List", "List"});
    const Outcome outcome = init.ctl({"list-units", "--all", "web[12].service", "n*.timer"});
    CHECK(has(outcome.out, "web1"));
    CHECK(has(outcome.out, "nightly"));
    CHECK_FALSE(has(outcome.out, "web3"));
    CHECK_FALSE(has(outcome.out, "network"));
    CHECK(has(run_ctl({"minictl", "help", "journal"}).out, "Usage: minictl logs "));
}

TEST_CASE("the beginning of a verb is that verb if it only looks and no other begins so") {
    CHECK(ctl::verb_called("stat").verb == ctl::verb_named("status"));
    CHECK(ctl::verb_called("exp").verb == ctl::verb_named("explain"));
    CHECK(ctl::verb_called("health").verb == ctl::verb_named("healthcheck"));
    CHECK(ctl::verb_called("logs").verb == ctl::verb_named("logs"));
    // `st` may be start or stop, what acts has to be written, and nothing is no beginning.
    for (const char* word : {"st", "sta", "rest", "rel", "sto", "power", "kex", "is-", ""})
        CHECK_MESSAGE(ctl::verb_called(word).verb == nullptr, word);
    CHECK(has(said_to("l"), "(did you mean list or logs?)"));
}

TEST_CASE("a wrong word gets the nearest verb, but one that ends or changes something only for a slip of one letter") {
    CHECK(has(said_to("lsit"), "(did you mean list?)"));
    CHECK(has(said_to("statsu"), "(did you mean status?)"));
    CHECK(has(said_to("explian"), "(did you mean explain?)"));
    CHECK(has(said_to("strt"), "(did you mean start?)"));
    CHECK(has(said_to("rebot"), "(did you mean reboot?)"));
    CHECK(has(said_to("restartt"), "(did you mean restart?)"));
    for (const char* word : {"rebt", "poweof", "restrrt0", "distable0", "rel", "kexecute", "fly", "masks0"})
        CHECK_MESSAGE(!has(said_to(word), "did you mean"), word);
    // These are words of others, and have nothing to do with the verbs that are a letter away.
    for (const char* word : {"exec", "exit", "tail", "preset", "kill", "set"})
        CHECK_MESSAGE(!has(said_to(word), "did you mean"), word);
    CHECK(has(said_to("tail"), "`minictl logs -f UNIT`"));
    CHECK(has(said_to("isolate"), "`minictl target NAME`"));
    CHECK(has(said_to("kill"), "`minictl signal SIGNAL UNIT`"));
    for (const ctl::Verb& verb : ctl::verbs())
        for (std::size_t i = 0; i < verb.name.size(); ++i) {
            // Without one of its letters it may be another verb, but never leads to one that acts by itself.
            std::string slip(verb.name);
            slip.erase(i, 1);
            if (const ctl::Verb* called = ctl::verb_called(slip).verb; called != nullptr && !slip.empty())
                CHECK_MESSAGE(((called->takes & ctl::acts) == 0 || called->name == slip), slip);
        }
}

TEST_CASE("names of units may have the suffix that others give them, if that is what the unit is") {
    CHECK(asked({"status", "web1.service", "network.target"}) == Words{"web1", "network"});
    CHECK(asked({"stop", "web1.toml", "nightly.timer", "web1.socket"}) == Words{"web1", "nightly"});
    CHECK(asked({"start", "odd.service"}) == Words{"odd.service"}); // that is its name
    CHECK(asked({"start", "new.service"}) == Words{"new"});         // its file may be new
    CHECK(asked({"signal", "USR1", "web1.service"}) == Words{"web1"});
    CHECK(asked({"is-active", "web1.service"}) == Words{"web1"});
    Shop shop;
    FakeInit init(shop.say());
    Outcome outcome = init.ctl({"stop", "web1.target"});
    CHECK(outcome.code == 4);
    CHECK(has(outcome.err, "there is no web1.target: web1 is a service\n"));
    CHECK(has(init.ctl({"stop", "web1.timer"}).err, "web1 is a service without a timer\n"));
    CHECK(has(init.ctl({"start", "network.service"}).err, "network is a target\n"));
    CHECK(shop.named.empty());
}

TEST_CASE("a pattern is all units that match and that the verb would do something to") {
    CHECK(asked({"status", "web*"}) == Words{"web1", "web2", "web3"});
    CHECK(asked({"stop", "web*"}) == Words{"web1"});
    CHECK(asked({"start", "web*"}) == Words{"web2", "web3"});
    CHECK(asked({"restart", "web*"}) == Words{"web1", "web2"}); // what nobody had started is not
    CHECK(asked({"restart", "web[12]", "*1"}) == Words{"web1", "web2"});
    CHECK(asked({"reset", "web?"}) == Words{"web2"});
    CHECK(asked({"stop", "*.timer"}) == Words{"nightly"});
    CHECK(asked({"signal", "HUP", "web*"}) == Words{"web1"});
    CHECK(asked({"explain", "web*"}) == Words{"web1", "web2", "web3"});
    Shop shop;
    FakeInit init(shop.say());
    Outcome outcome = init.ctl({"stop", "db*"});
    CHECK(outcome.code == 4);
    CHECK(has(outcome.err, "no unit matches db*\n"));
    outcome = init.ctl({"thaw", "web*"});
    CHECK(outcome.code == 0);
    CHECK(has(outcome.err, "no unit that matches web* is one to thaw\n"));
    CHECK(shop.named.empty());
    CHECK(init.ctl({"target", "*e*"}).code == 0); // the only target of them
    outcome = init.ctl({"explain", "web1", "nightly"});
    CHECK(outcome.out == "web1 is up.\n\nnightly is up.\n");
}

TEST_CASE("where no init answers, names and patterns are left to the verb to say so") {
    for (const char* verb : {"status", "stop", "healthcheck"}) {
        const Outcome outcome = run_ctl({"minictl", verb, "web*", "a.service", "--control", "/nowhere/control"});
        CHECK(outcome.code == (std::string_view(verb) == "status" ? 4 : 1));
        CHECK(has(outcome.err, "no init is listening at /nowhere/control"));
    }
}

TEST_CASE("is-active and is-failed print states, and exit 0 if one of the units is so") {
    Shop shop;
    FakeInit init(shop.say());
    Outcome outcome = init.ctl({"is-active", "web1", "web2", "web3"});
    CHECK(outcome.code == 0);
    CHECK(outcome.out == "up\nfailed\ndown\n");
    CHECK(init.ctl({"is-active", "web3"}).code == 3);
    outcome = init.ctl({"is-active", "-q", "nothing"});
    CHECK(outcome.code == 4);
    CHECK((outcome.out + outcome.err).empty());
    CHECK(init.ctl({"is-failed", "web2"}).code == 0);
    CHECK(init.ctl({"is-failed", "web1"}).code == 1);
    CHECK(init.ctl({"is-active", "web1", "--json"}).out ==
          "{\"units\":[{\"unit\":\"web1\",\"state\":\"up\",\"yes\":true}]}\n");
    CHECK(run_ctl({"minictl", "is-active", "x", "--control", "/nowhere/control"}).code == 4);
}

TEST_CASE("unit files are listed, asked and switched by suffix and pattern, without an init") {
    Directory place;
    for (const char* name : {"web1", "web2", "db"})
        place.write(std::string("etc/miniinit/") + name + ".toml", "[service]\ncommand = [\"/bin/true\"]\n");
    place.write("etc/miniinit/tick@.toml", "[service]\ncommand = [\"/bin/true\"]\n");
    auto ctl = [&](Words words) {
        words.insert(words.begin(), "minictl");
        words.insert(words.end(), {"--root", place.at(""), "--allow-insecure-units"});
        return run_ctl(std::move(words));
    };
    CHECK(ctl({"disable", "web*.service"}).code == 0);
    Outcome outcome = ctl({"is-enabled", "web1.service", "db"});
    CHECK(outcome.code == 0);
    CHECK(outcome.out == "disabled\nenabled\n");
    CHECK(ctl({"is-enabled", "web*"}).code == 1);
    CHECK(ctl({"is-enabled", "nothing.service"}).code == 4);
    CHECK(ctl({"mask", "db.service"}).code == 1); // a file would be in its place
    outcome = ctl({"list-unit-files"});
    CHECK(outcome.code == 0);
    CHECK(has(outcome.out, "db     enabled   "));
    CHECK(has(outcome.out, "tick@  template  "));
    CHECK(has(outcome.out, "web2   disabled  "));
    CHECK(has(ctl({"cat", "web*"}).out, "web2.toml"));
    CHECK_FALSE(has(ctl({"list-unit-files", "web*"}).out, "db"));
    CHECK(has(ctl({"verify", "--json", "web*", "db.service"}).out, "\"units\":3"));
    CHECK(has(ctl({"verify", "--json", "web1.toml"}).out, "\"units\":1")); // no file in this directory
    CHECK(ctl({"verify", "nothing.toml"}).code != 0);
    outcome = ctl({"show", "web1", "web2.service"});
    CHECK(has(outcome.out, "\nweb2:\n"));
    CHECK(run_ctl({"minictl", "list", "--root", place.at("")}).code == 2);
}

TEST_CASE("logs takes --tail, -u, -e, bundled letters, suffixes and times without a sign") {
    Directory logs;
    std::string text;
    for (int i = 0; i < 5; ++i)
        text += "2026-11-22T04:10:01.123456Z info out: line " + std::to_string(i) + "\n";
    logs.write("web/current", text);
    logs.write("db/current", "2026-11-22T04:10:01.123456Z info out: data\n");
    logs.write("odd.service/current", "2026-11-22T04:10:01.123456Z info out: odd\n");
    auto ctl = [&](Words words) {
        words.insert(words.begin(), {"minictl", "logs", "-D", logs.at("")});
        return run_ctl(std::move(words)).out;
    };
    CHECK(ctl({"web", "--tail", "2", "-ocat"}) == "line 3\nline 4\n");
    CHECK(ctl({"--tail=1", "web.service", "-o", "cat"}) == "line 4\n");
    CHECK(ctl({"-u", "db", "-ocat"}) == "data\n");
    CHECK(ctl({"-u", "odd.service", "--unit=db.service", "-ocat"}) == "data\nodd\n");
    CHECK(ctl({"-xeu", "db", "-ocat"}) == "data\n");
    CHECK(ctl({"-rn1", "web", "-ocat"}) == "line 4\n");
    CHECK(ctl({"-nall", "db", "-ocat"}) == "data\n");
    CHECK(ctl({"--since", "10m", "--no-pager"}).empty());
    CHECK(ctl({"d?.service", "-ocat", "--until", "1s"}) == "data\n");
}
