// The verbs that show and change unit files, with or without an init.
#include "base/unreachable.hpp"
#include "ctl/verbs/verbs.hpp"

#include <algorithm>
#include <cerrno>

namespace mi::ctl {

namespace {

struct SettingLine {
    std::string key, value, place;
    static void fields(auto& self, auto&& visit) {
        visit("key", self.key);
        visit("value", self.value);
        visit("place", self.place);
    }
};
struct Settings {
    std::string unit;
    std::vector<SettingLine> settings;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("settings", self.settings);
    }
};
struct File {
    std::string path, text;
    static void fields(auto& self, auto&& visit) {
        visit("path", self.path);
        visit("text", self.text);
    }
};
struct Files {
    std::vector<File> files;
    static void fields(auto& self, auto&& visit) { visit("files", self.files); }
};
struct Enabling {
    std::string unit;
    bool enabled = false, changed = false;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("enabled", self.enabled);
        visit("changed", self.changed);
    }
};
struct Enablings {
    std::vector<Enabling> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};

int fail_on(const Context& context, const Sources& from, const std::string& unit, const Fault& fault) {
    if (fault.code == ENOENT)
        return context.fail_missing(from, unit);
    return context.fail(fault.text(), fault.code == EACCES || fault.code == EPERM ? refused : failed);
}

// Enabling affects the next boot only: a remark about the unit's present state that the user might not expect. Empty:
// none.
std::string for_now(const Context& context, Client& init, const Enabling& one) {
    auto units = init.call(wire::Status{{one.unit}});
    if (!units || units->units.size() != 1)
        return {};
    switch (units->units[0].state) {
    case core::Phase::up:
    case core::Phase::reloading:
    case core::Phase::starting:
    case core::Phase::waiting:
    case core::Phase::backoff:
        return one.enabled ? "" : "; it runs on (`" + context.command("stop") + one.unit + "` ends it)";
    case core::Phase::down:
        if (!one.enabled || units->units[0].masked)
            return "";
        if (units->units[0].timer)
            return "; `" + context.command("enable --now") + one.unit + "` arms its timer now";
        return "; `" + context.command("start") + one.unit + "` starts it now";
    case core::Phase::stopping:
    case core::Phase::done:
    case core::Phase::skipped:
    case core::Phase::failed:
    case core::Phase::invalid: return {};
    }
    unreachable("there is no other phase");
}

// Whether nothing starts a unit at boot, though it is enabled. What other units want the init knows.
bool is_left_alone(const Sources& from, const std::string& name, Client* init) {
    for (const core::Unit& unit : config::load_one(from.source, name).units)
        for (const core::Dependency& dependency : unit.dependencies)
            if (dependency.relation == core::Relation::wanted_by || dependency.relation == core::Relation::required_by)
                return false;
    if (init == nullptr)
        return true;
    const auto told = init->call(wire::Status{{name}});
    if (!told || told->units.size() != 1 || told->units[0].state != core::Phase::down)
        return false; // it was started, by this call or another
    if (!init->call(wire::Status{{"default"}}))
        return false; // without a target every unit is wanted
    const auto& by = told->units[0].dependencies;
    return !by || (by->wanted_by.empty() && by->required_by.empty());
}

int set_enabled(Context& context, bool enabled) {
    auto from = context.sources();
    if (!from)
        return context.fail(from.error());
    // --now needs the init: without it, do not do half of the request.
    if (context.arguments.now && !from->init) {
        if (!context.arguments.root.empty() || !context.arguments.units.empty() || !context.arguments.config.empty())
            return context.fail("--now is for the init that runs, and not with --root, --units or --config", usage);
        auto client = context.connect();
        return context.fail(client ? Failure{"the init does not tell of its unit files"} : client.error());
    }
    Enablings all;
    int code = done;
    for (const std::string& name : context.arguments.words) {
        if (const int wrong = context.judge_name(name); wrong != done) {
            code = wrong;
            continue;
        }
        if (config::load_one(from->source, name).units.empty()) {
            code = context.fail_missing(*from, name);
            continue;
        }
        Result<bool> changed = config::set_enabled(from->source, name, enabled);
        if (!changed) {
            code = fail_on(context, *from, name, changed.error());
            continue;
        }
        all.units.push_back({name, enabled, *changed});
    }
    if (from->init && std::ranges::any_of(all.units, &Enabling::changed))
        if (auto changes = from->init->call(wire::ReloadUnits{}); !changes)
            code = std::max(code, context.fail(changes.error()));
    std::string text;
    for (const Enabling& one : all.units)
        text += one.unit + (one.changed ? " is now " : " was already ") + (enabled ? "enabled" : "disabled") +
                (from->init && !context.arguments.now ? for_now(context, *from->init, one) : "") + "\n" +
                (enabled && is_left_alone(*from, one.unit, from->init ? &*from->init : nullptr)
                     ? "but nothing starts it at boot: it has no wanted-by (`" + context.command("edit") + one.unit +
                           "`: wanted-by = [\"multi-user\"])\n"
                     : "");
    if ((context.arguments.json ? context.print_json(all) : context.print(text)) != done)
        code = failed;
    if (!context.arguments.now || all.units.empty())
        return code;
    context.arguments.words.clear();
    for (Enabling& one : all.units)
        context.arguments.words.push_back(std::move(one.unit));
    return std::max(code, enabled ? arm_units(context) : stop_units(context));
}

} // namespace

int show_settings(Context& context) {
    const std::string& name = context.arguments.words[0];
    if (const int wrong = context.judge_name(name); wrong != done)
        return wrong;
    auto from = context.sources();
    if (!from)
        return context.fail(from.error());
    Result<std::vector<config::Setting>> found = config::resolve(from->source, name);
    if (!found)
        return fail_on(context, *from, name, found.error());
    Settings settings{name, {}};
    std::size_t key_width = 0, value_width = 0;
    for (config::Setting& one : *found) {
        key_width = std::max(key_width, one.key.size());
        value_width = std::max(value_width, columns(one.value));
        settings.settings.push_back({std::move(one.key), std::move(one.value), std::move(one.place)});
    }
    if (context.arguments.json)
        return context.print_json(settings);
    value_width = std::min<std::size_t>(value_width, 40);
    // A setting does not name its unit.
    std::string text = context.among_others ? paint(context.out, Colour::strong, harmless(name) + ":") + "\n" : "";
    for (const SettingLine& one : settings.settings) {
        const std::string value = harmless(one.value);
        text += fitted(one.key, key_width) + " = " + value;
        text.append(columns(value) < value_width ? value_width - columns(value) : 0, ' ');
        text += "  " + paint(context.out, Colour::faint, "# " + harmless(one.place)) + "\n";
    }
    return context.print(text);
}

int show_files(Context& context) {
    auto from = context.sources();
    if (!from)
        return context.fail(from.error());
    Files all;
    int code = done;
    for (const std::string& name : context.arguments.words) {
        if (const int wrong = context.judge_name(name); wrong != done) {
            code = wrong;
            continue;
        }
        Result<std::vector<config::FileText>> files = config::cat(from->source, name);
        if (!files) {
            code = fail_on(context, *from, name, files.error());
            continue;
        }
        for (config::FileText& file : *files)
            all.files.push_back({std::move(file.path), std::move(file.text)});
    }
    if (context.arguments.json)
        return context.print_json(all) == done ? code : failed;
    std::string text;
    for (const File& file : all.files) {
        text += (text.empty() ? "" : "\n") + paint(context.out, Colour::faint, "# " + harmless(file.path)) + "\n";
        text += file.text;
        text += file.text.ends_with('\n') ? "" : "\n";
    }
    return context.print(text) == done ? code : failed;
}

int enable_units(Context& context) { return set_enabled(context, true); }
int disable_units(Context& context) { return set_enabled(context, false); }

} // namespace mi::ctl
