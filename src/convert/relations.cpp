// Converts the dependencies of [Unit] and [Install], and those that DefaultDependencies= implies. Dependencies that
// contradict each other, or that would make a cycle with the shipped targets, are left out with a remark.
#include "convert/links.hpp"
#include "convert/names.hpp"
#include "convert/specifiers.hpp"
#include "convert/step.hpp"

namespace mi::convert {

namespace {

using Kind = SystemdUnit::Kind;

// The keys that name units. If two of them say the same, the stronger one comes first.
enum class Key {
    requires_,
    wants,
    after,
    before,
    conflicts,
    part_of,
    reload_with,
    on_failure,
    on_success,
    required_by,
    wanted_by
};
struct KeyRow {
    std::string_view name;
    Naming naming;
};
constexpr KeyRow key_rows[] = {
    {"requires", Naming::pulled_in},
    {"wants", Naming::pulled_in},
    {"after", Naming::after},
    {"before", Naming::before},
    {"conflicts", Naming::conflict},
    {"part-of", Naming::conflict},
    {"reload-with", Naming::conflict},
    {"on-failure", Naming::triggered},
    {"on-success", Naming::triggered},
    {"required-by", Naming::from_install},
    {"wanted-by", Naming::from_install},
};
const KeyRow& row_of(Key key) { return key_rows[static_cast<std::size_t>(key)]; }
Key key_of(std::string_view name) {
    return static_cast<Key>(std::ranges::find(key_rows, name, &KeyRow::name) - std::begin(key_rows));
}

struct Link {
    Key key;
    std::string unit;
    const Assignment* from; // `not_set` if no directive names it
};

bool pulls_in(Key key) { return key == Key::requires_ || key == Key::wants; }
bool installs(Key key) { return key == Key::required_by || key == Key::wanted_by; }

class RelationStep : ConversionStep {
public:
    explicit RelationStep(const UnitSource& source) : ConversionStep(source, Table::top) {}

    Relations run() {
        for (const SystemdUnit& unit : source_.units)
            take_unit(unit);
        linked_ = source_.links != nullptr && std::ranges::any_of(source_.units, [&](const SystemdUnit& unit) {
                      return source_.links->enables(unit.name);
                  });
        for (const SystemdUnit& unit : source_.units)
            take_install(unit);
        default_dependencies();
        settle();
        for (std::size_t number = 0; number < std::size(key_rows); ++number)
            write(static_cast<Key>(number));
        if (!aliases_.empty())
            out_.toml.set(source_.main().kind == Kind::target ? Table::target : Table::top, "aliases", array(aliases_));
        if (!is_enabled() && !source_.is_template())
            set("enabled", "false"); // only another unit that names it starts it
        return {std::move(out_), installed_};
    }

private:
    void take_unit(const SystemdUnit& unit) {
        for (const Row& row : rows_of("Unit"))
            if (row.form == Form::unit_names)
                for (std::string_view spelling : blank_separated(row.directives))
                    for (const Assignment& each : all(unit, "Unit", spelling))
                        take(each, row);
        for (const std::string& name : unit.requires_)
            add(Key::requires_, name, not_set);
        for (const std::string& name : unit.wants)
            add(Key::wants, name, not_set);
        // `after` is enough: mounts are part of every boot.
        for (std::string_view key : {"RequiresMountsFor", "WantsMountsFor"})
            for (const Assignment& each : all(unit, "Unit", key))
                links_.push_back({Key::after, "mounts", &each});
        if (unit.kind != Kind::target)
            return;
        out_.toml.open(Table::target);
        note(last(unit, "Unit", "AllowIsolate"), "`minictl target` takes every target");
    }

    // True if all names are of units that become part of this one.
    bool all_our_own(std::string_view names) {
        return std::ranges::all_of(blank_separated(names), [&](std::string_view name) {
            return own_name(name) == source_.name || is_part(name);
        });
    }
    bool is_part(std::string_view name) {
        return std::ranges::any_of(source_.units, [&](const SystemdUnit& unit) { return unit.name == name; });
    }

    // True if `name` is the name of this unit here.
    [[nodiscard]] bool is_self(std::string_view name) const {
        return name == source_.name || name == source_.name + "${instance}";
    }

    // The names in a value, without those of units that become part of this one.
    std::vector<std::string> others(const Assignment& of) {
        std::vector<std::string> names;
        for (std::string_view raw : blank_separated(of.value)) {
            auto name = source_.specifiers.resolve(raw);
            if (!name)
                lost(of, name.error());
            else if (!is_part(raw))
                names.push_back(std::move(*name));
        }
        return names;
    }

    void take(const Assignment& of, const Row& row) {
        const Key key = key_of(row.key);
        for (const std::string& name : others(of)) {
            if (is_self(own_name(name, source_.is_template())) || is_awaited(key, name, of))
                continue;
            if (!row.why.empty() && !named(name, row_of(key).naming, source_.is_template()).name.empty())
                near(of, row.why);
            add(key, name, of);
        }
    }

    // True if `unit` is a device that the unit is bound to: it waits for it, and is stopped when it goes.
    bool is_awaited(Key key, std::string_view unit, const Assignment& of) {
        if (!unit.ends_with(".device"))
            return false;
        std::string path = "/" + unescape_name(unit.substr(0, unit.rfind('.')), true);
        constexpr std::string_view networks = "/sys/subsystem/net/devices/"; // a name that systemd made up
        if (path.starts_with(networks))
            path.replace(0, networks.size(), "/sys/class/net/");
        if (key == Key::after && std::ranges::find(devices_, path) != devices_.end())
            return true;
        if (key != Key::requires_ || (!path.starts_with("/dev/") && !path.starts_with("/sys/")))
            return false;
        add_once(devices_, path);
        out_.toml.set(Table::await, "device", array(devices_));
        if (of.key.starts_with("Bind"))
            out_.toml.set(Table::await, "on-loss", "\"stop\"");
        return true;
    }

    // Adds a link to the unit that systemd calls `unit`.
    void add(Key key, std::string_view unit, const Assignment& from) {
        Named to = named(unit, row_of(key).naming, from.is_set() && source_.is_template());
        if (!to.why.empty())
            say(from, to.weight, std::string(unit) + ": " + std::string(to.why));
        if (to.name.empty() || is_self(to.name) || to.name == "${name}")
            return;
        links_.push_back({to.order_only && pulls_in(key) ? Key::after : key, std::move(to.name), &from});
    }

    // --- [Install] ----------------------------------------------------------------------------------------------------

    // Where links decide, a unit that has none keeps what its [Install] says, for the day on which it is enabled.
    void take_links(const SystemdUnit& unit) {
        for (std::string_view key : {"Also", "Alias", "DefaultInstance"})
            (void)all(unit, "Install", key);
        const Links::Entry* entry = source_.links->find(unit.name);
        if (entry != nullptr)
            for (const std::string& alias : entry->aliases)
                if (std::string name = own_name(alias);
                    name != source_.name && !name.empty() && name.find('@') == name.npos)
                    add_once(aliases_, std::move(name));
        if (!linked_ || source_.is_template())
            return install_all(unit);
        for (std::string_view key : {"WantedBy", "RequiredBy", "UpheldBy"})
            (void)all(unit, "Install", key);
        const bool is_main = &unit == &source_.main();
        if (entry == nullptr || (is_main && has_timer()))
            return;
        for (const Links::Enabling& each : entry->enabling)
            if (!each.masked) {
                installed_ = installed_ || is_main;
                if (is_done_here(each.owner)) // units that are converted list themselves what they want
                    add(each.required ? Key::required_by : Key::wanted_by, each.owner, not_set);
            }
    }
    [[nodiscard]] bool has_timer() const {
        return std::ranges::find(source_.units, Kind::timer, &SystemdUnit::kind) != source_.units.end();
    }

    // True if the unit counts as enabled.
    [[nodiscard]] bool is_enabled() const {
        return source_.links != nullptr
                   ? linked_
                   : source_.main().kind == Kind::target ||
                         std::ranges::any_of(links_, [](const Link& link) { return installs(link.key); });
    }

    void take_install(const SystemdUnit& unit) {
        if (source_.links != nullptr)
            return take_links(unit);
        install_all(unit);
        for (const Assignment& each : all(unit, "Install", "Also"))
            if (!all_our_own(each.value))
                near(each, "enable that unit as well");
        take_aliases(unit);
        const Assignment& instance = last(unit, "Install", "DefaultInstance");
        near(instance,
             "an instance is named when it is enabled: `minictl enable " + source_.name + instance.value + "`");
    }

    void install_all(const SystemdUnit& unit) {
        for (const Assignment& each : all(unit, "Install", "WantedBy"))
            install(unit, each, Key::wanted_by);
        for (const Assignment& each : all(unit, "Install", "RequiredBy"))
            install(unit, each, Key::required_by);
        for (const Assignment& each : all(unit, "Install", "UpheldBy")) {
            near(each, "`wanted-by` does not start the unit again later");
            install(unit, each, Key::wanted_by);
        }
    }

    void install(const SystemdUnit& unit, const Assignment& of, Key key) {
        const bool is_main = &unit == &source_.main();
        if (is_main && has_timer())
            return near(of, "with [timer] it runs when the timer says so, and not at boot as well");
        for (const std::string& name : others(of)) {
            installed_ = installed_ || is_main;
            add(key, name, of);
        }
    }

    void take_aliases(const SystemdUnit& unit) {
        for (const Assignment& each : all(unit, "Install", "Alias"))
            for (std::string_view alias : blank_separated(each.value)) {
                std::string name = own_name(alias);
                if (name == source_.name)
                    continue;
                if (name.empty())
                    note(each, "nothing here refers to that name");
                else if (name.find('@') != name.npos || source_.name.ends_with('@'))
                    lost(each, "a template has one name");
                else
                    add_once(aliases_, std::move(name));
            }
    }

    // --- implied dependencies, and contradictions ---------------------------------------------------------------------

    void default_dependencies() {
        bool wanted = true;
        for (const SystemdUnit& unit : source_.units)
            if (const Assignment& given = last(unit, "Unit", "DefaultDependencies"); &unit == &source_.main())
                wanted = truth(given).value_or(true);
        if (wanted && source_.main().kind == Kind::service)
            links_.push_back({Key::after, "basic", &not_set});
    }

    [[nodiscard]] bool has(Key key, const std::string& unit) const {
        return std::ranges::any_of(links_, [&](const Link& link) { return link.key == key && link.unit == unit; });
    }

    // The reason why `link` is not possible beside the others; empty if it is possible. A blank means that it is not
    // needed.
    std::string in_the_way(const Link& link) {
        const bool waits = pulls_in(link.key) || link.key == Key::after;
        if (link.key == Key::wants && has(Key::requires_, link.unit))
            return " ";
        if (link.key == Key::after && (has(Key::requires_, link.unit) || has(Key::wants, link.unit)))
            return " "; // a stronger link has the same effect
        if (link.key == Key::wanted_by && has(Key::required_by, link.unit))
            return " ";
        if (waits && has(Key::before, link.unit))
            return "this unit is to come before " + link.unit + ", and cannot wait for it as well";
        if (pulls_in(link.key) && has(Key::conflicts, link.unit))
            return "`" + std::string(row_of(link.key).name) + "` and `conflicts` contradict each other";
        if (link.key == Key::conflicts && (has(Key::required_by, link.unit) || has(Key::wanted_by, link.unit)))
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

    // How much is lost without the link. `network` is part of every boot, so not wanting it loses nothing.
    Weight weight_of(const Link& link) {
        if (link.key == Key::wants && link.unit == "network" && has(Key::before, link.unit))
            return Weight::note;
        return link.key == Key::after ? Weight::near : Weight::lost;
    }

    void settle() {
        // Stronger links come first, so that a weaker one is left out if they contradict each other.
        std::stable_sort(links_.begin(), links_.end(), [](const Link& a, const Link& b) { return a.key < b.key; });
        for (std::size_t at = 0; at < links_.size();) {
            std::string why = in_the_way(links_[at]);
            if (why.empty()) {
                ++at;
                continue;
            }
            if (why != " ")
                say(*links_[at].from, weight_of(links_[at]), why);
            links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }

    void write(Key key) {
        std::vector<std::string> units;
        for (const Link& link : links_)
            if (link.key == key)
                add_once(units, link.unit);
        set_list(row_of(key).name, units);
    }

    std::vector<Link> links_;
    std::vector<std::string> aliases_;
    std::vector<std::string> devices_; // that it waits for
    bool installed_ = false;           // something pulls in the service itself
    bool linked_ = false;              // a link enables the unit, or its socket or timer
};

} // namespace

Relations convert_relations(const UnitSource& source) { return RelationStep(source).run(); }

} // namespace mi::convert
