// How units hang together: [Unit]'s dependencies and [Install], and what follows from DefaultDependencies=. Ours may not
// contradict each other, and must not make a cycle with the shipped targets; what would is told.
#include "convert/draft.hpp"
#include "convert/names.hpp"
#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

// The keys of ours, in the order in which they are written.
enum class Key { requirement, want, after, before, conflict, on_failure, on_success, required_by, wanted_by };
constexpr std::string_view key_names[] = {"requires",   "wants",      "after",       "before",   "conflicts",
                                          "on-failure", "on-success", "required-by", "wanted-by"};

struct Link {
    Key key;
    std::string unit;
    const Assignment* from; // null: it follows from something else
};

struct Directive {
    std::string_view name;
    Key key;
    Naming naming;
    std::string_view differs; // what its equal does not do
};
constexpr Directive directives[] = {
    {"Requires", Key::requirement, Naming::pulled_in, ""},
    {"RequiresOverridable", Key::requirement, Naming::pulled_in, ""},
    {"BindsTo", Key::requirement, Naming::pulled_in, ""},
    {"BindTo", Key::requirement, Naming::pulled_in, ""},
    {"Requisite", Key::requirement, Naming::pulled_in,
     "`requires` starts the unit, where this only looks whether it runs"},
    {"Wants", Key::want, Naming::pulled_in, ""},
    {"Upholds", Key::want, Naming::pulled_in, "`wants` starts the unit, but does not start it again later"},
    {"After", Key::after, Naming::after, ""},
    {"Before", Key::before, Naming::before, ""},
    {"Conflicts", Key::conflict, Naming::conflict, ""},
    {"OnFailure", Key::on_failure, Naming::triggered, ""},
    {"OnSuccess", Key::on_success, Naming::triggered, ""},
};

bool pulls_in(Key key) { return key == Key::requirement || key == Key::want; }
bool installs(Key key) { return key == Key::required_by || key == Key::wanted_by; }

class Relations {
public:
    explicit Relations(Draft& draft) : draft_(draft) {}

    void run() {
        for (const Part& part : draft_.parts)
            take_part(part);
        take_installs();
        default_dependencies();
        settle();
        for (int number = 0; number <= static_cast<int>(Key::wanted_by); ++number)
            write(static_cast<Key>(number));
        const bool installed = std::ranges::any_of(links_, [](const Link& link) { return installs(link.key); });
        if (!installed && !draft_.is_template() && draft_.main().kind != Part::Kind::target)
            draft_.sheet.set(Table::top, "enabled", "false"); // started when another unit names it, and only then
    }

private:
    void take_part(const Part& part) {
        for (const Directive& directive : directives)
            for (const Assignment* each : draft_.all(part, "Unit", directive.name))
                take(*each, directive);
        for (const std::string& unit : part.requires_)
            add(Key::requirement, named(unit, Naming::pulled_in), unit, nullptr);
        for (const std::string& unit : part.wants)
            add(Key::want, named(unit, Naming::pulled_in), unit, nullptr);
        // Before its unit, its sockets or its mounts it is there anyway.
        for (const Assignment* each : draft_.all(part, "Unit", "RequiresMountsFor"))
            links_.push_back({Key::after, "mounts", each});
        for (const Assignment* each : draft_.all(part, "Unit", "WantsMountsFor"))
            links_.push_back({Key::after, "mounts", each});
        for (const Assignment* each : draft_.all(part, "Unit", "PartOf"))
            if (!all_our_own(each->value) && !all_required(each->value))
                draft_.say(*each, Table::top, Weight::lost,
                           "a unit that is not required stops none; `requires` would start it, too");
    }

    // Whether a list names nothing but what is one unit with us.
    bool all_our_own(std::string_view names) {
        return std::ranges::all_of(blank_separated(names), [&](std::string_view name) {
            return own_name(name) == draft_.name || is_part(name);
        });
    }
    // Whether what stops us is required anyway.
    bool all_required(std::string_view names) {
        return std::ranges::all_of(blank_separated(names),
                                   [&](std::string_view name) { return has(Key::requirement, own_name(name)); });
    }
    bool is_part(std::string_view name) {
        return std::ranges::any_of(draft_.parts, [&](const Part& part) { return part.unit == name; });
    }

    void take(const Assignment& of, const Directive& directive) {
        for (std::string_view raw : blank_separated(of.value)) {
            auto unit = draft_.specifiers.resolve(raw);
            if (!unit) {
                draft_.say(of, Table::top, Weight::lost, unit.error());
                continue;
            }
            if (is_part(raw) || own_name(*unit, draft_.is_template()) == draft_.name ||
                own_name(*unit, draft_.is_template()) == draft_.name + "${instance}")
                continue; // one unit with us
            Named to = named(*unit, directive.naming, draft_.is_template());
            if (!directive.differs.empty() && !to.name.empty())
                draft_.say(of, Table::top, Weight::near, directive.differs);
            add(directive.key, std::move(to), *unit, &of);
        }
    }

    void add(Key key, Named to, std::string_view unit, const Assignment* from) {
        if (!to.why.empty() && from != nullptr)
            draft_.say(*from, Table::top, to.weight, std::string(unit) + ": " + std::string(to.why));
        if (to.name.empty() || to.name == draft_.name || to.name == "${name}" || to.name == draft_.name + "${instance}")
            return;
        links_.push_back({to.order_only && pulls_in(key) ? Key::after : key, std::move(to.name), from});
    }

    // --- [Install] ----------------------------------------------------------------------------------------------------

    void take_installs() {
        bool has_timer = false, has_socket = false;
        for (const Part& part : draft_.parts) {
            has_timer = has_timer || part.kind == Part::Kind::timer;
            has_socket = has_socket || part.kind == Part::Kind::socket;
        }
        for (const Part& part : draft_.parts) {
            const bool armed_only = has_timer && &part == &draft_.main();
            take_install(part, "WantedBy", Key::wanted_by, armed_only);
            take_install(part, "RequiredBy", Key::required_by, armed_only);
            for (const Assignment* each : draft_.all(part, "Install", "UpheldBy")) {
                draft_.say(*each, Table::top, Weight::near, "`wanted-by` does not start the unit again later");
                take_install(part, *each, Key::wanted_by, armed_only);
            }
            take_also(part);
            take_aliases(part);
            if (const Assignment* instance = draft_.last(part, "Install", "DefaultInstance"))
                draft_.say(*instance, Table::top, Weight::near,
                           "an instance is named when it is enabled: `minictl enable " + draft_.name + instance->value +
                               "`");
        }
        if (has_socket)
            started_by_socket();
    }

    void take_install(const Part& part, std::string_view key, Key ours, bool armed_only) {
        for (const Assignment* each : draft_.all(part, "Install", key))
            take_install(part, *each, ours, armed_only);
    }

    void take_install(const Part& part, const Assignment& of, Key ours, bool armed_only) {
        if (armed_only)
            return draft_.say(of, Table::top, Weight::near,
                              "with [timer] it runs when the timer says so, and not at boot as well");
        for (std::string_view raw : blank_separated(of.value)) {
            auto unit = draft_.specifiers.resolve(raw);
            if (!unit) {
                draft_.say(of, Table::top, Weight::lost, unit.error());
                continue;
            }
            if (is_part(raw))
                continue;
            installed_service_ = installed_service_ || &part == &draft_.main();
            add(ours, named(*unit, Naming::from_install, draft_.is_template()), *unit, &of);
        }
    }

    void take_also(const Part& part) {
        for (const Assignment* each : draft_.all(part, "Install", "Also"))
            if (!all_our_own(each->value))
                draft_.say(*each, Table::top, Weight::near, "enable that unit as well");
    }

    void take_aliases(const Part& part) {
        std::vector<std::string> aliases;
        for (const Assignment* each : draft_.all(part, "Install", "Alias"))
            for (std::string_view alias : blank_separated(each->value)) {
                if (part.kind == Part::Kind::target && !own_name(alias).empty() && !own_name(alias).ends_with('@') &&
                    own_name(alias) != draft_.name)
                    aliases.push_back(own_name(alias));
                else if (own_name(alias) != draft_.name)
                    draft_.say(*each, Table::top, Weight::lost, "a service has one name");
            }
        if (!aliases.empty())
            draft_.sheet.set(Table::target, "aliases", array(aliases));
    }

    // Sockets that are to start a service which nothing else starts.
    void started_by_socket() {
        if (!draft_.accepts && !installed_service_)
            draft_.sheet.set_text(Table::service, "activation", "on-demand");
    }

    // --- what follows, and what cannot be -------------------------------------------------------------------------------

    void default_dependencies() {
        const Part& main = draft_.main();
        const Assignment* given = draft_.last(main, "Unit", "DefaultDependencies");
        for (const Part& part : draft_.parts)
            draft_.last(part, "Unit", "DefaultDependencies");
        const bool wanted = given == nullptr || draft_.truth(*given, Table::top).value_or(true);
        if (wanted && main.kind == Part::Kind::service)
            links_.push_back({Key::after, "basic", nullptr});
    }

    [[nodiscard]] bool has(Key key, const std::string& unit) const {
        return std::ranges::any_of(links_, [&](const Link& link) { return link.key == key && link.unit == unit; });
    }

    void tell(const Link& link, Weight weight, std::string_view why) {
        if (link.from != nullptr)
            draft_.say(*link.from, Table::top, weight, why);
    }

    // Why `link` cannot stand beside the others; empty where it can.
    std::string in_the_way(const Link& link) {
        const bool waits = pulls_in(link.key) || link.key == Key::after;
        if (link.key == Key::want && has(Key::requirement, link.unit))
            return " ";
        if (link.key == Key::after && (has(Key::requirement, link.unit) || has(Key::want, link.unit)))
            return " "; // said already, by the stronger one
        if (link.key == Key::wanted_by && has(Key::required_by, link.unit))
            return " ";
        if (waits && has(Key::before, link.unit))
            return "this unit is to come before " + link.unit + ", and cannot wait for it as well";
        if (pulls_in(link.key) && has(Key::conflict, link.unit))
            return "`" + std::string(key_names[static_cast<int>(link.key)]) + "` and `conflicts` contradict each other";
        if (link.key == Key::conflict && (has(Key::required_by, link.unit) || has(Key::wanted_by, link.unit)))
            return link.unit + " starts this unit, and cannot be stopped by it";
        if (!waits)
            return {};
        for (const Link& other : links_) {
            const bool first = installs(other.key) || other.key == Key::before;
            if (first && (other.unit == link.unit || comes_after(link.unit, other.unit)))
                return other.unit + " waits for this unit, which cannot wait for " + link.unit + " then";
        }
        return {};
    }

    // What is lost where one of ours stands back for another. A target that is wanted and waits for who wants it, such as
    // the network, is there in any case.
    Weight weight_of(const Link& link) {
        if (link.key == Key::want && link.unit == "network" && has(Key::before, link.unit))
            return Weight::note;
        return link.key == Key::after ? Weight::near : Weight::lost;
    }

    void settle() {
        // The stronger first, so that the weaker has something to stand back for.
        std::stable_sort(links_.begin(), links_.end(), [](const Link& a, const Link& b) { return a.key < b.key; });
        for (std::size_t at = 0; at < links_.size();) {
            std::string why = in_the_way(links_[at]);
            if (why.empty()) {
                ++at;
                continue;
            }
            if (why != " ")
                tell(links_[at], weight_of(links_[at]), why);
            links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }

    void write(Key key) {
        std::vector<std::string> units;
        for (const Link& link : links_)
            if (link.key == key && std::find(units.begin(), units.end(), link.unit) == units.end())
                units.push_back(link.unit);
        if (!units.empty())
            draft_.sheet.set(Table::top, key_names[static_cast<int>(key)], array(units));
    }

    Draft& draft_;
    std::vector<Link> links_;
    bool installed_service_ = false;
};

} // namespace

void convert_relations(Draft& draft) {
    for (const Part& part : draft.parts) {
        const Assignment* description = draft.last(part, "Unit", "Description");
        if (description != nullptr && !draft.sheet.has(Table::top, "description"))
            if (auto text = draft.text(*description, Table::top))
                draft.sheet.set_text(Table::top, "description", *text);
        std::vector<std::string> documentation;
        for (const Assignment* each : draft.all(part, "Unit", "Documentation"))
            if (auto words = draft.words(*each, Table::top))
                documentation.insert(documentation.end(), words->begin(), words->end());
        if (!documentation.empty() && !draft.sheet.has(Table::top, "documentation"))
            draft.sheet.set(Table::top, "documentation", array(documentation));
    }
    Relations(draft).run();
}

void convert_target(Draft& draft) {
    draft.sheet.open(Table::target);
    if (const Assignment* isolate = draft.last(draft.main(), "Unit", "AllowIsolate"))
        draft.say(*isolate, Table::top, Weight::note, "`minictl target` takes every target");
}

} // namespace mi::convert
