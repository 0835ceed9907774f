// Lists unit files, and whether their units are started at boot. Reads the files, with or without an init.
#include "ctl/verbs/verbs.hpp"

#include <algorithm>

namespace mi::ctl {

namespace {

struct FileState {
    std::string unit, state, file; // `state`: "enabled", "disabled", "masked", "invalid", or "template" for a template
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("state", self.state);
        visit("file", self.file);
    }
};
struct FileStates {
    std::vector<FileState> files;
    static void fields(auto& self, auto&& visit) { visit("files", self.files); }
};

FileState state_of(const core::Unit& unit) {
    return {unit.name,
            unit.masked           ? "masked"
            : !unit.fault.empty() ? "invalid"
            : unit.enabled        ? "enabled"
                                  : "disabled",
            unit.source};
}

Colour colour_of(std::string_view state) {
    if (state == "enabled")
        return Colour::good;
    return state == "masked" || state == "invalid" ? Colour::bad : Colour::faint;
}

std::string files_view(const Style& style, const FileStates& all) {
    constexpr std::size_t state_width = 8;
    std::size_t width = 4;
    for (const FileState& one : all.files)
        width = std::max(width, columns(one.unit));
    std::string text =
        paint(style, Colour::strong, fitted("UNIT", width) + "  " + fitted("STATE", state_width) + "  FILE") + "\n";
    for (const FileState& one : all.files)
        text += fitted(one.unit, width) + "  " + paint(style, colour_of(one.state), fitted(one.state, state_width)) +
                "  " + harmless(one.file) + "\n";
    return text;
}

} // namespace

int list_files(Context& context) {
    auto from = context.sources();
    if (!from)
        return context.fail(from.error());
    FileStates all;
    const config::Loaded loaded = config::load(from->source);
    for (const core::Unit& unit : loaded.units)
        all.files.push_back(state_of(unit));
    // A template is no unit, and has none of these states.
    for (const std::string& name : loaded.templates)
        if (auto files = config::cat(from->source, name); files && !files->empty())
            all.files.push_back({name, "template", files->front().path});
    std::ranges::sort(all.files, {}, &FileState::unit);
    const std::vector<std::string>& words = context.arguments.words;
    if (!words.empty())
        std::erase_if(all.files,
                      [&](const FileState& one) { return std::ranges::find(words, one.unit) == words.end(); });
    if (context.arguments.json)
        return context.print_json(all);
    if (all.files.empty())
        return context.fail("there is no unit (" + harmless(from->looked()) + ")");
    return context.print(files_view(context.out, all));
}

int are_enabled(Context& context) {
    auto from = context.sources();
    if (!from)
        return context.fail(from.error());
    FileStates all;
    std::string text;
    int code = failed;
    for (const std::string& name : context.arguments.words) {
        if (const int wrong = context.judge_name(name); wrong != done)
            return wrong;
        config::Loaded loaded = config::load_one(from->source, name);
        if (loaded.units.empty()) {
            const int missing = context.fail_missing(*from, name);
            code = code == done ? done : missing;
            continue;
        }
        FileState state = state_of(loaded.units.front());
        // An invalid file will be started at boot as soon as it is corrected.
        if (state.state == "invalid")
            state.state = loaded.units.front().enabled ? "enabled" : "disabled";
        code = state.state == "enabled" ? done : code;
        text += state.state + "\n";
        all.files.push_back(std::move(state));
    }
    if (context.arguments.quiet)
        return code;
    const int printed = context.arguments.json ? context.print_json(all) : context.print(text);
    return printed == done ? code : failed;
}

} // namespace mi::ctl
