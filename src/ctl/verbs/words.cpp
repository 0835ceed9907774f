#include "ctl/verbs/words.hpp"

#include "base/join.hpp"
#include "base/text.hpp"
#include "ctl/text/terminal.hpp"

#include <algorithm>

namespace mi::ctl {

namespace {

constexpr OtherWord words[] = {
    // Words with only one possible meaning: accepted.
    {"daemon-reload", "reload-units", ""},
    {"list-units", "list", ""},
    {"list-unit-files", "list --files", ""},
    {"list-timers", "list --timers", ""},
    {"list-dependencies", "tree", ""},
    {"journal", "logs", ""},
    {"log", "logs", ""},
    {"ps", "list", ""},

    // Words of systemctl and journalctl.
    {"isolate", "", "`minictl target NAME` goes to a target and stops what that does not need"},
    {"kill", "", "`minictl signal SIGNAL UNIT` sends a signal"},
    {"reset-failed", "", "`minictl reset UNIT` forgets failures"},
    {"reload-or-restart", "",
     "`minictl reload UNIT` has a service read its settings, `minictl restart UNIT` restarts it"},
    {"try-reload-or-restart", "",
     "`minictl reload UNIT` has a service read its settings, `minictl try-restart UNIT` restarts it if it runs"},
    {"condrestart", "", "`minictl try-restart UNIT` restarts a unit if it runs"},
    {"force-reload", "", "`minictl reload UNIT` has a service read its settings"},
    {"reenable", "", "`minictl enable UNIT` is enough: there are no links to be made anew"},
    {"daemon-reexec", "", "`minictl reexec` executes the init anew"},
    {"is-system-running", "", "`minictl healthcheck` tells whether all is well"},
    {"list-sockets", "", "`minictl status UNIT` shows the sockets of a unit"},
    {"list-jobs", "", "`minictl list` shows what is starting or stopping"},
    {"list-boots", "", "`minictl logs --list-boots` shows when the init was started"},
    {"list-machines", "", ""},
    {"get-default", "", "`minictl status` shows the target"},
    {"set-default", "", "`default-target` in the [manager] table of /etc/miniinit.toml names the target of the boot"},
    {"show-environment", "", "`minictl show UNIT` shows what a service gets"},
    {"analyze", "", "`minictl times`, `blame`, `critical-chain` and `plot` tell of the boot"},
    {"preset", "", ""},
    {"preset-all", "", ""},
    {"link", "", ""},
    {"revert", "", ""},
    {"cancel", "", ""},
    {"exit", "", ""},
    {"rescue", "", "`minictl target rescue` goes there"},
    {"emergency", "", "`minictl target emergency` goes there"},
    {"suspend", "", ""},
    {"hibernate", "", ""},

    // Words of container tools, supervisord, s6, runit, dinit, OpenRC and launchd.
    {"exec", "", ""},
    {"attach", "", "`minictl logs -f UNIT` follows what a unit writes"},
    {"tail", "", "`minictl logs -f UNIT` follows what a unit writes"},
    {"follow", "", "`minictl logs -f UNIT` follows what a unit writes"},
    {"dmesg", "", "`minictl logs -k` shows the kernel's log"},
    {"stats", "", "`minictl top` shows what units use"},
    {"inspect", "", "`minictl status UNIT` and `minictl show UNIT` tell of a unit"},
    {"info", "", "`minictl status UNIT` tells of a unit"},
    {"pid", "", "`minictl status UNIT` shows its processes"},
    {"pause", "", "`minictl freeze UNIT` lets no process of a unit run"},
    {"unpause", "", "`minictl thaw UNIT` lets a frozen unit run on"},
    {"reread", "", "`minictl reload-units` reads the unit files again"},
    {"update", "", "`minictl reload-units` reads the unit files again"},
    {"up", "", "`minictl start UNIT` starts a unit"},
    {"down", "", "`minictl stop UNIT` stops a unit"},
    {"once", "", "`minictl start UNIT` starts a unit"},
    {"term", "", "`minictl signal TERM UNIT` sends that signal"},
    {"hup", "", "`minictl signal HUP UNIT` sends that signal"},
    {"is-started", "", "`minictl is-active UNIT` tells whether a unit is up"},
    {"wake", "", ""},
    {"release", "", ""},
    {"load", "", ""},
    {"unload", "", ""},
    {"add", "", ""},
    {"set", "", ""},
};

// The most letters in which a word may differ from a verb to be suggested: one, or two for a long word.
std::size_t reach(std::string_view word) { return word.size() <= 5 ? 1 : 2; }

// The verb nearest to the word, if it is near enough.
std::string_view proposed(std::string_view word) {
    std::string_view best;
    std::size_t least = reach(word) + 1;
    auto look_at = [&](std::string_view name, std::size_t most) {
        if (const std::size_t distance = edit_distance(word, name); distance < least && distance <= most) {
            least = distance;
            best = name;
        }
    };
    for (const bool acting : {false, true})
        for (const Verb& verb : verbs())
            if (((verb.takes & acts) != 0) == acting && (verb.takes & called_by_name) == 0)
                look_at(verb.name, acting ? 1 : reach(word));
    for (const OtherWord& other : words)
        if (!other.means.empty() && (verb_named(other.means.substr(0, other.means.find(' ')))->takes & acts) == 0)
            look_at(other.word, reach(word));
    return best;
}

// The verbs that begin with the word; `looking`: only those that change nothing.
std::vector<const Verb*> beginning_with(std::string_view word, bool looking) {
    std::vector<const Verb*> found;
    for (const Verb& verb : verbs())
        if (!word.empty() && verb.name.starts_with(word) && (verb.takes & called_by_name) == 0 &&
            !(looking && (verb.takes & acts) != 0))
            found.push_back(&verb);
    return found;
}

Called called_by(const OtherWord& other) {
    std::vector<std::string> parts;
    for (std::string_view part : split(other.means, ' '))
        parts.emplace_back(part);
    return {verb_named(parts.front()), {parts.begin() + 1, parts.end()}};
}

} // namespace

std::span<const OtherWord> other_words() { return words; }

Called verb_called(std::string_view word) {
    if (const Verb* verb = verb_named(word))
        return {verb, {}};
    if (const auto other = std::ranges::find(words, word, &OtherWord::word); other != std::end(words))
        return other->means.empty() ? Called{} : called_by(*other);
    if (const auto found = beginning_with(word, false); found.size() == 1 && (found.front()->takes & acts) == 0)
        return {found.front(), {}};
    return {};
}

std::string no_such_verb(std::string_view word) {
    const std::string text = "there is no verb \"" + harmless(word) + "\"", more = "\n(`minictl --help` names them)";
    if (const auto other = std::ranges::find(words, word, &OtherWord::word); other != std::end(words))
        return text + (other->answer.empty() ? "" : ": " + std::string(other->answer)) + more;
    std::string begin;
    for (const Verb* verb : beginning_with(word, true))
        join_to(begin, verb->name, " or ");
    if (const std::string_view near = proposed(word); begin.empty() && !near.empty())
        begin = near;
    return text + (begin.empty() ? "" : " (did you mean " + begin + "?)") + more;
}

} // namespace mi::ctl
