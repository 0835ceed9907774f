#include "ctl/unit_names.hpp"

#include "base/glob.hpp"
#include "base/join.hpp"
#include "base/unreachable.hpp"
#include "config/load.hpp"
#include "core/record.hpp"
#include "ctl/listing.hpp"
#include "ctl/logs/log_reader.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace mi::ctl {

namespace {

using Kind = Suffixed::Kind;

constexpr std::pair<std::string_view, Kind> suffixes[] = {{".service", Kind::service},
                                                          {".target", Kind::target},
                                                          {".timer", Kind::timer},
                                                          {".socket", Kind::socket},
                                                          {".toml", Kind::any}};

// The units to compare the words with.
struct Known {
    std::vector<wire::UnitStatus> units; // sorted by name
    bool all_sockets = false;            // a unit without sockets in this list certainly has none

    [[nodiscard]] const wire::UnitStatus* find(std::string_view name) const {
        const auto at = std::ranges::lower_bound(units, name, {}, &wire::UnitStatus::name);
        return at != units.end() && at->name == name ? &*at : nullptr;
    }
    [[nodiscard]] bool is(const wire::UnitStatus& unit, Kind kind) const {
        switch (kind) {
        case Kind::any: return true;
        case Kind::service: return unit.kind == core::Kind::service;
        case Kind::target: return unit.kind == core::Kind::target;
        case Kind::timer: return unit.timer.has_value();
        // The init does not report the sockets of a unit that is down.
        case Kind::socket:
            return !unit.sockets.empty() ||
                   (!all_sockets && unit.kind == core::Kind::service && !core::active(unit.state));
        }
        unreachable("there is no other kind");
    }
};

Known known_of(std::vector<core::Unit> units) {
    Known known{.units = {}, .all_sockets = true};
    for (core::Unit& unit : units) {
        wire::UnitStatus status;
        status.name = std::move(unit.name);
        status.kind = unit.kind;
        status.masked = unit.masked;
        if (unit.timer)
            status.timer = "";
        status.sockets.resize(unit.listen.size());
        known.units.push_back(std::move(status));
    }
    return known;
}

// If the init cannot be reached, go on: the verb will report that itself.
std::optional<Known> known_to_the_init(const Context& context) {
    auto client = context.connect();
    auto all = client ? list_of(*client, {.all = true}) : std::unexpected(client.error());
    return all ? std::optional(Known{std::move(all->units), false}) : std::nullopt;
}
std::optional<Known> known_as_files(const Context& context) {
    const auto from = context.sources();
    return from ? std::optional(known_of(config::load(from->source).units)) : std::nullopt;
}

// `verify`: an existing path (or a link) is a file and not a unit.
bool takes_files(const Verb& verb) { return verb.operands.contains("FILE"); }
bool is_file(const Verb& verb, const std::string& word) {
    return takes_files(verb) && (word.contains('/') || ::access(word.c_str(), F_OK) == 0);
}

class Naming {
public:
    Naming(Context& context, std::optional<Known> known) : context_(context), known_(std::move(known)) {}

    std::optional<int> run(std::size_t first) {
        std::vector<std::string>& words = context_.arguments.words;
        for (std::size_t i = first; i < words.size(); ++i)
            if (is_file(context_.verb, words[i]))
                add(words[i]);
            else if (is_pattern(words[i]) ? !match(words[i]) : !name(words[i]))
                return refused;
        if (names_.empty())
            return nothing_to_do({words.begin() + static_cast<std::ptrdiff_t>(first), words.end()});
        if (first + names_.size() > context_.verb.most)
            return context_.fail(harmless(words[first]) + " matches " + harmless(join(names_)) + ": " +
                                     std::string(context_.verb.name) + " takes one",
                                 usage);
        words.resize(first);
        std::ranges::move(names_, std::back_inserter(words));
        return std::nullopt;
    }

private:
    // A unit that several patterns match counts once.
    void add(std::string_view name) {
        if (std::ranges::find(names_, name) == names_.end())
            names_.emplace_back(name);
    }

    // False: the word cannot mean a unit, and this was reported.
    bool name(const std::string& word) {
        const Suffixed meant = without_suffix(word);
        if (meant.suffix.empty() || (known_ && known_->find(word) != nullptr)) {
            add(word);
            return true;
        }
        const wire::UnitStatus* unit = known_ ? known_->find(meant.name) : nullptr;
        add(unit == nullptr && takes_files(context_.verb) ? word : std::string(meant.name));
        if (unit == nullptr)
            return true;
        if (!known_->is(*unit, meant.kind))
            return !context_.fail("there is no " + harmless(word) + ": " + harmless(meant.name) + " is a " +
                                      std::string(wire::word(unit->kind)) +
                                      (meant.kind == Kind::timer    ? " without a timer"
                                       : meant.kind == Kind::socket ? " without a socket"
                                                                    : ""),
                                  refused);
        if (meant.kind == Kind::timer || meant.kind == Kind::socket) {
            context_.arguments.triggers.emplace_back(meant.name);
            say_whole(meant);
        }
        return true;
    }

    bool match(const std::string& word) {
        // A name may mean a unit that does not exist yet if the verb follows events.
        if (!known_ || context_.verb.name == "events") {
            add(without_suffix(word).name);
            return true;
        }
        const Suffixed meant = without_suffix(word);
        bool matched = false;
        for (const wire::UnitStatus& unit : known_->units) {
            if (!matches_pattern(unit.name, word) &&
                !(known_->is(unit, meant.kind) && matches_pattern(unit.name, meant.name)))
                continue;
            matched = true;
            if (!wanted(unit))
                continue;
            add(unit.name);
            if ((meant.kind == Kind::timer || meant.kind == Kind::socket) && !matches_pattern(unit.name, word))
                context_.arguments.triggers.push_back(unit.name);
        }
        return matched || !context_.fail("no unit matches " + harmless(word), refused);
    }

    // Whether a pattern selects the unit for this verb: for example, a pattern does not restart units that are down.
    [[nodiscard]] bool wanted(const wire::UnitStatus& unit) const {
        const std::string_view verb = context_.verb.name;
        if ((context_.verb.takes & acts) == 0)
            return true;
        if (verb == "enable" || verb == "disable" || verb == "edit")
            return !unit.masked;
        if (verb == "unmask")
            return unit.masked;
        if (verb == "restart")
            return core::active(unit.state) || unit.state == core::Phase::waiting ||
                   unit.state == core::Phase::backoff || unit.state == core::Phase::failed;
        return fits(context_.verb, unit);
    }

    int nothing_to_do(const std::vector<std::string>& words) const {
        context_.note("minictl: no unit that matches " + harmless(join(words)) + " is one to " +
                      std::string(context_.verb.name) + "\n");
        return done;
    }

    // For systemd these are separate units. `start` needs no remark, because its effect is the same.
    void say_whole(const Suffixed& meant) {
        if ((context_.verb.takes & acts) != 0 && context_.verb.name != "start" && context_.err.terminal &&
            !std::exchange(said_, true))
            context_.note(paint(context_.err, Colour::faint,
                                "(the " + std::string(meant.suffix.substr(1)) + " of " + harmless(meant.name) +
                                    " is a part of it here: this is done to the unit)") +
                          "\n");
    }

    Context& context_;
    std::optional<Known> known_;
    std::vector<std::string> names_;
    bool said_ = false;
};

} // namespace

std::size_t first_unit(const Verb& verb) {
    const std::size_t before = verb.operands.find("UNIT");
    return before == std::string_view::npos
               ? 0
               : static_cast<std::size_t>(std::ranges::count(verb.operands.substr(0, before), ' '));
}

Suffixed without_suffix(std::string_view word) {
    for (const auto& [suffix, kind] : suffixes)
        if (word.ends_with(suffix) && word.size() > suffix.size())
            return {word.substr(0, word.size() - suffix.size()), kind, suffix};
    return {word, Kind::any, {}};
}

bool is_pattern(std::string_view word) { return word.find_first_of("*?[") != std::string_view::npos; }

bool fits(const Verb& verb, const wire::UnitStatus& unit) {
    const std::string_view name = verb.name;
    if (name == "start")
        return !core::good(unit.state) && unit.state != core::Phase::invalid;
    if (name == "stop" || name == "try-restart")
        return core::active(unit.state) || unit.state == core::Phase::waiting || unit.state == core::Phase::backoff;
    if (name == "reload" || name == "freeze" || name == "signal")
        return unit.state == core::Phase::up && unit.kind == core::Kind::service;
    if (name == "thaw")
        return unit.frozen;
    if (name == "reset")
        return unit.state == core::Phase::failed || unit.state == core::Phase::backoff;
    return name != "target" || unit.kind == core::Kind::target;
}

std::optional<int> name_units(Context& context) {
    const bool files = (context.verb.takes & names_files) != 0 || context.arguments.files;
    if (!files && (context.verb.takes & names_units) == 0)
        return std::nullopt;
    Arguments& arguments = context.arguments;
    const std::size_t first = std::min(first_unit(context.verb), arguments.words.size());
    auto plain = [&](const std::string& word) {
        return is_file(context.verb, word) || (!is_pattern(word) && without_suffix(word).suffix.empty());
    };
    if (std::all_of(arguments.words.begin() + static_cast<std::ptrdiff_t>(first), arguments.words.end(), plain))
        return std::nullopt;
    return Naming(context, files ? known_as_files(context) : known_to_the_init(context)).run(first);
}

} // namespace mi::ctl
