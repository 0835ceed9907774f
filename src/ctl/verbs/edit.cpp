// The verbs that write unit files: `edit`, `mask`, `unmask`. They write to the first directory of the search path,
// which is the administrator's (or the user's own), and also work below --root.
#include "config/load.hpp"
#include "ctl/verbs/editing.hpp"
#include "ctl/verbs/verbs.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mi::ctl {

namespace {

struct Masking {
    std::string unit;
    bool masked = false, changed = false;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("masked", self.masked);
        visit("changed", self.changed);
    }
};
struct Maskings {
    std::vector<Masking> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};
struct Edited {
    std::string unit, file;
    bool changed = false;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("file", self.file);
        visit("changed", self.changed);
    }
};

std::string admin_of(const config::Source& source) { return source.root + source.directories.front(); }

// Makes the running init read its units again, and reports the problems that it finds.
int tell_init(Context& context, Sources& from) {
    if (!from.init)
        return done;
    auto changes = from.init->call(wire::ReloadUnits{});
    if (!changes)
        return context.fail(changes.error());
    context.note_lines(changes->problems);
    return done;
}

int set_masked(Context& context, bool masked) {
    auto from = context.sources();
    if (!from)
        return context.fail(from.error());
    Maskings all;
    int code = done;
    for (const std::string& name : context.arguments.words) {
        if (const int wrong = context.judge_name(name); wrong != done) {
            code = wrong;
            continue;
        }
        const config::Loaded loaded = config::load_one(from->source, name);
        const std::string file = loaded.units.empty() ? "" : loaded.units.front().source;
        // A unit in the manager's own file wins over every directory.
        if (file.ends_with(']')) {
            code = context.fail(harmless(name) + " stands in " + harmless(file) +
                                ": write `enabled = false` there, or take it out");
            continue;
        }
        Result<bool> changed = config::set_masked(from->source, name, masked);
        if (!changed && changed.error().code == EEXIST) {
            code = context.fail(admin_of(from->source) + "/" + name +
                                ".toml is a file, which a mask would replace: move "
                                "it away first, or use `" +
                                context.command("disable") + name + "`");
            continue;
        }
        if (!changed) {
            code = context.fail(changed.error().text(),
                                changed.error().code == EACCES || changed.error().code == EPERM ? refused : failed);
            continue;
        }
        if (!masked && !*changed && !loaded.units.empty() && loaded.units.front().masked) {
            code = context.fail(harmless(name) + " is masked by " + harmless(file) + ", which is not ours to remove");
            continue;
        }
        all.units.push_back({name, masked, *changed});
    }
    if (std::ranges::any_of(all.units, &Masking::changed))
        code = std::max(code, tell_init(context, *from));
    if (context.arguments.json)
        return context.print_json(all) == done ? code : failed;
    std::string text;
    for (const Masking& one : all.units)
        text += one.unit + (one.changed ? " is now " : " was already ") + (masked ? "masked" : "not masked") +
                (masked && one.changed && from->init
                     ? "; if it runs it runs on (`" + context.command("stop") + one.unit + "` ends it)"
                     : "") +
                "\n";
    return context.print(text) == done ? code : failed;
}

// The first content of a drop-in: the possible settings, as comments.
std::string new_drop_in(const std::string& name, const std::vector<config::FileText>& files) {
    std::string text =
        "# What is written here goes over the settings of " + name + ", key by key. They are, so far:\n#\n";
    for (const config::FileText& file : files) {
        text += "# --- " + file.path + "\n";
        std::string_view rest = file.text;
        while (!rest.empty()) {
            const std::size_t end = rest.find('\n');
            text += "# " + std::string(rest.substr(0, end)) + "\n";
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        }
    }
    return text;
}

// Whether the text has anything but comments and blanks.
bool says_something(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        const std::size_t first = line.find_first_not_of(" \t\r");
        if (first != std::string_view::npos && line[first] != '#')
            return true;
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return false;
}

// An initial text, and the rights of the file it comes from.
struct Text {
    std::string text;
    config::Rights rights;
};

Text drop_in_text(const std::string& name, const std::vector<config::FileText>& files) {
    Text begun{new_drop_in(name, files), {}};
    for (const config::FileText& each : files)
        begun.rights.limit(each.rights);
    return begun;
}

} // namespace

int mask_units(Context& context) { return set_masked(context, true); }
int unmask_units(Context& context) { return set_masked(context, false); }

int edit_unit(Context& context) {
    const std::string& name = context.arguments.words[0];
    auto from = context.sources();
    if (!from)
        return context.fail(from.error());
    if (const int wrong = context.judge_name(name); wrong != done)
        return wrong;
    auto files = config::cat(from->source, name);
    if (!files || files->empty())
        return context.fail_missing(*from, name);
    const bool full = context.arguments.full;
    const std::string file = full ? name + ".toml" : name + ".toml.d/override.toml";
    const std::string path = admin_of(from->source) + "/" + file;
    if (full && files->front().path.ends_with("miniinit.toml"))
        return context.fail(harmless(name) + " stands in " + harmless(files->front().path) + ": edit that file");
    const auto there = std::ranges::find(*files, path, &config::FileText::path);
    auto [text, rights] = there != files->end() ? Text{there->text, there->rights}
                          : full                ? Text{files->front().text, files->front().rights}
                                                : drop_in_text(name, *files);
    auto draft = Draft::make(from->source, file, rights);
    if (!draft)
        return context.fail(draft.error().text(),
                            draft.error().code == EACCES || draft.error().code == EPERM ? refused : failed);
    Edited edited{name, path, false};
    const std::string before = text;
    for (;;) {
        auto changed = draft->edit(text);
        if (!changed)
            return context.fail(changed.error().text());
        text = std::move(*changed);
        if (text == before || (!full && there == files->end() && !says_something(text))) {
            if (!context.arguments.json)
                context.print("nothing was changed\n");
            break;
        }
        const std::string problems = draft->problems(name);
        if (problems.empty()) {
            if (auto placed = draft->place(); !placed)
                return context.fail(placed.error().text());
            edited.changed = true;
            break;
        }
        context.note(problems);
        if (!confirm("Edit it again? [Y/n] "))
            return context.fail("it has problems, so nothing was changed");
    }
    const int code = edited.changed ? tell_init(context, *from) : done;
    if (context.arguments.json)
        return context.print_json(edited) == done ? code : failed;
    if (edited.changed)
        context.print(
            path + " is in place" +
            (from->init ? "; what runs goes on as it is until `" + context.command("restart") + name + "`" : "") +
            "\n");
    return code;
}

} // namespace mi::ctl
