#include "convert/draft.hpp"

#include "base/printable.hpp"

#include "convert/values.hpp"
#include "convert/words.hpp"

#include <algorithm>
#include <tuple>

namespace mi::convert {

namespace {

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// The end of a path, with the directory where that is one of drop-ins.
std::string_view short_name(std::string_view path) {
    std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos || !path.substr(0, slash).ends_with(".d"))
        return file_name(path);
    std::size_t before = path.rfind('/', slash - 1);
    return before == std::string_view::npos ? path : path.substr(before + 1);
}

std::string_view word(Weight weight) {
    switch (weight) {
    case Weight::note: return "not needed";
    case Weight::near: return "comes near";
    case Weight::lost: return "no equal";
    }
    __builtin_unreachable();
}

std::string said(const Remark& remark, std::string_view file) {
    std::string line(file);
    if (remark.line != 0)
        line += ":" + std::to_string(remark.line);
    line += ": ";
    if (!remark.directive.empty())
        line += remark.directive + ": ";
    return line + std::string(word(remark.weight)) + ": " + remark.why;
}

} // namespace

std::string text(const Remark& remark) { return printable(said(remark, remark.file)); }

Draft::Draft(std::string called, std::vector<Part> of, const Place& where, const Lookup& files)
    : name(std::move(called)), parts(std::move(of)), specifiers(parts.front().unit, name), place(where), lookup(files) {
}

std::vector<const Assignment*> Draft::all(const Part& part, std::string_view section, std::string_view key) {
    std::vector<const Assignment*> found;
    for (const Assignment& each : part.text.assignments) {
        if (each.section != section || each.key != key)
            continue;
        each.used = true;
        if (each.value.empty())
            found.clear();
        else
            found.push_back(&each);
    }
    return found;
}

const Assignment* Draft::last(const Part& part, std::string_view section, std::string_view key) {
    const Assignment* found = nullptr;
    for (const Assignment& each : part.text.assignments) {
        if (each.section != section || each.key != key)
            continue;
        each.used = true;
        found = &each;
    }
    return found != nullptr && found->value.empty() ? nullptr : found;
}

bool Draft::has(const Part& part, std::string_view section, std::string_view key) const {
    bool found = false;
    for (const Assignment& each : part.text.assignments)
        if (each.section == section && each.key == key)
            found = !each.value.empty();
    return found;
}

void Draft::say(const Assignment& about, Table where, Weight weight, std::string_view why) {
    // One remark is enough for what two converters stumble over.
    Remark remark{about.file, about.line, about.key + "=" + about.value, weight, std::string(why)};
    if (std::find(remarks_.begin(), remarks_.end(), remark) != remarks_.end())
        return;
    sheet.comment(where, said(remark, short_name(remark.file)));
    remarks_.push_back(std::move(remark));
}

void Draft::say(const std::string& file, std::uint32_t line, Weight weight, std::string_view why) {
    Remark remark{file, line, "", weight, std::string(why)};
    sheet.comment(Table::top, said(remark, short_name(file)));
    remarks_.push_back(std::move(remark));
}

std::optional<std::string> Draft::text(const Assignment& of, Table where) {
    auto resolved = specifiers.resolve(of.value);
    if (resolved)
        return std::move(*resolved);
    say(of, where, Weight::lost, resolved.error());
    return std::nullopt;
}

std::optional<std::vector<std::string>> Draft::words(const Assignment& of, Table where) {
    auto words = split_words(of.value);
    if (!words) {
        say(of, where, Weight::lost, std::string(words.error()));
        return std::nullopt;
    }
    std::vector<std::string> resolved;
    for (const std::string& word : *words) {
        auto each = specifiers.resolve(word);
        if (each)
            resolved.push_back(std::move(*each));
        else
            say(of, where, Weight::lost, each.error());
    }
    return resolved;
}

std::optional<bool> Draft::truth(const Assignment& of, Table where) {
    std::optional<bool> truth = convert::truth(of.value);
    if (!truth)
        say(of, where, Weight::lost, "the value is neither yes nor no");
    return truth;
}

std::optional<std::string> Draft::path(const Assignment& of, Table where) {
    std::optional<std::string> path = text(of, where);
    if (path && !path->starts_with('/')) {
        say(of, where, Weight::lost, "it is no absolute path");
        return std::nullopt;
    }
    return path;
}

Unit Draft::finish() {
    Unit unit;
    unit.name = name;
    for (const Part& part : parts)
        unit.files.insert(unit.files.end(), part.files.begin(), part.files.end());
    std::string from;
    for (const std::string& file : unit.files)
        from += (from.empty() ? "From " : ", ") + file;
    sheet.headline(from);
    std::stable_sort(remarks_.begin(), remarks_.end(), [](const Remark& a, const Remark& b) {
        return std::tie(a.file, a.line) < std::tie(b.file, b.line);
    });
    unit.remarks = std::move(remarks_);
    unit.fault = std::move(fault);
    if (unit.fault.empty())
        unit.toml = sheet.text();
    return unit;
}

} // namespace mi::convert
