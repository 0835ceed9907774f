// What minictl tells the shells that there is to complete.
#include "ctl/verbs/verbs.hpp"
#include "ctl_world.hpp"

#include <algorithm>
#include <sstream>

using namespace mi;
using namespace mi::test;
using core::Phase;

namespace {

using Words = std::vector<std::string>;

std::string file(const std::string& path) {
    std::ifstream stream(path);
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
}

// The candidates for the last of `words`, without their help.
Words complete(Words words) {
    words.insert(words.begin(), {"minictl", "completion", "words", "--"});
    Words found;
    std::istringstream lines(run_ctl(std::move(words)).out);
    for (std::string line; std::getline(lines, line);)
        found.push_back(line.substr(0, line.find('\t')));
    return found;
}
bool has(const Words& words, const std::string& word) { return std::ranges::find(words, word) != words.end(); }

std::string shop(const wire::Request&, bool) {
    wire::Units units{{unit("web", Phase::up, 42), unit("worker", Phase::down), unit("cache", Phase::failed),
                       unit("rescue", Phase::down)}};
    units.units[0].description = "Front\tend";
    units.units[3].kind = core::Kind::target;
    return reply(units);
}

} // namespace

TEST_CASE("the scripts that are installed are those that minictl prints") {
    const std::string place = SOURCE_DIR "/etc/completions/";
    CHECK(run_ctl({"minictl", "completion", "bash"}).out == file(place + "minictl.bash"));
    CHECK(run_ctl({"minictl", "completion", "zsh"}).out == file(place + "_minictl"));
    CHECK(run_ctl({"minictl", "completion", "fish"}).out == file(place + "minictl.fish"));
    CHECK(run_ctl({"minictl", "completion", "tcsh"}).code == 2);
}

TEST_CASE("every verb can be completed, and every option of it") {
    const Words all = complete({""});
    for (const ctl::Verb& verb : ctl::verbs())
        CHECK(has(all, std::string(verb.name)) == (verb.name != "shutdown")); // which is none of minictl
    CHECK_FALSE(has(all, "daemon-reload"));
    CHECK(complete({"daemon-r"}) == Words{"daemon-reload"});
    CHECK(has(complete({"journal", "--"}), "--since"));
    CHECK(complete({"stat", "--lin"}) == Words{"--lines"});
    CHECK(complete({"crit"}) == Words{"critical-chain"});
    CHECK(complete({"nothing-like-it"}).empty());
    CHECK(complete({"--control", "/nowhere", "bla"}) == Words{"blame"});
    CHECK(has(complete({"list", "--"}), "--failed"));
    CHECK_FALSE(has(complete({"list", "--"}), "--signal"));
    CHECK(complete({"logs", "--si"}) == Words{"--since"});
    CHECK(has(complete({"logs", "--"}), "--system"));
    CHECK_FALSE(has(complete({"poweroff", "--"}), "--no-wtmp")); // understood, and not offered
    CHECK(complete({"--vers"}) == Words{"--version"});
    CHECK(complete({"help", "crit"}) == Words{"critical-chain"});
}

TEST_CASE("values are completed by what the option takes") {
    CHECK(complete({"wait", "web", "--for", "sk"}) == Words{"skipped"});
    CHECK(complete({"wait", "web", "--for", "=", "sk"}) == Words{"skipped"}); // as bash takes it to pieces
    CHECK(has(complete({"wait", "web", "--for", "="}), "up"));
    CHECK(complete({"wait", "web", "--for=sk"}) == Words{"--for=skipped"});
    CHECK(complete({"logs", "-p"}).front() == "-pemerg");
    CHECK(complete({"logs", "-p", ""}).size() == 8);
    CHECK(complete({"logs", "-fo", "js"}) ==
          Words{"json"}); // letters may stand together, and the value with its letter
    CHECK(complete({"logs", "-foi"}) == Words{"-foiso"});
    CHECK(complete({"logs", "-ojson", "--no-p"}) == Words{"--no-pager"});
    CHECK(complete({"logs", "-f"}).empty());
    CHECK(complete({"logs", "--facility", "authp"}) == Words{"authpriv"});
    CHECK(complete({"logs", "--priority", "warn"}) == Words{"warning"});
    CHECK(complete({"logs", "-o"}) == Words{"-oshort", "-oiso", "-ojson", "-ocat"});
    CHECK(complete({"logs", "-o", "js"}) == Words{"json"});
    CHECK(complete({"logs", "-b", "--no-p"}) == Words{"--no-pager"}); // a number may follow, and need not
    CHECK(complete({"top", "--sort", "mem"}) == Words{"memory"});
    CHECK(has(complete({"run", "--property", "cgroup."}), "cgroup.memory-max="));
    CHECK(has(complete({"signal", "US"}), "USR1"));
    CHECK(has(complete({"signal", "SIGUS"}), "SIGUSR1"));
    CHECK(complete({"verify", "--root", ""}) == Words{":files"});
    CHECK(has(complete({"convert", ""}), ":files"));
    CHECK(has(complete({"keys", "cg"}), "cgroup"));
}

TEST_CASE("units are those that the verb would do something to, of the init that is meant") {
    FakeInit init(shop);
    auto asked = [&](Words words) {
        words.insert(words.begin(), {"--control", init.path()});
        return complete(std::move(words));
    };
    CHECK(asked({"status", "w"}) == Words{"web", "worker"});
    CHECK(asked({"start", ""}) == Words{"worker", "cache", "rescue"});
    CHECK(asked({"start", "worker", ""}) == Words{"cache", "rescue"});
    CHECK(asked({"stop", ""}) == Words{"web"});
    CHECK(asked({"reset", ""}) == Words{"cache"});
    CHECK(asked({"target", ""}) == Words{"rescue"});
    CHECK(asked({"signal", "USR1", ""}) == Words{"web"});
    CHECK(asked({"signal", "USR1", "web", ""}).empty());
    CHECK(complete({"graph", "--control=" + init.path(), "--from", "res"}) == Words{"rescue"});
    // A line is a candidate and its help: nothing in that can end it.
    CHECK(run_ctl({"minictl", "completion", "words", "--", "--control", init.path(), "stop", ""}).out ==
          "web\tFront?end\n");
}

TEST_CASE("where no init answers there are no units, and nothing is said") {
    const Outcome outcome =
        run_ctl({"minictl", "completion", "words", "--", "--control", "/nowhere/control", "stop", ""});
    CHECK(outcome.code == 0);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.empty());
}
