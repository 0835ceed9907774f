// Reads the values of [process] that confine a service.
#include "config/readers.hpp"

#include "base/address_families.hpp"
#include "base/system_calls.hpp"
#include "base/text.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>

namespace mi::config::read {

core::Confinement& part(core::Unit& unit, core::Confinement*) {
    core::Process& process = part(unit, static_cast<core::Process*>(nullptr));
    if (!process.confinement)
        process.confinement = std::make_unique<core::Confinement>();
    return *process.confinement;
}

CallRestrictions& part(core::Unit& unit, CallRestrictions*) {
    return part(unit, static_cast<core::Confinement*>(nullptr)).restrictions;
}

namespace {

core::Confinement& confinement(core::Unit& unit) { return part(unit, static_cast<core::Confinement*>(nullptr)); }

std::string did_you_mean(std::string_view near) {
    return near.empty() ? "" : "did you mean \"" + std::string(near) + "\"?";
}

} // namespace

void guarded_paths_into(const Value& value, std::vector<core::GuardedPath>& member) {
    const std::vector<Node>* items = value.array("an array of absolute paths");
    if (items == nullptr)
        return;
    member.clear();
    for (const Node& item : *items) {
        const std::string* word = value.of(item).text("an absolute path");
        if (word == nullptr)
            continue;
        bool optional = word->starts_with('-');
        std::string path = word->substr(optional ? 1 : 0);
        if (!is_straight_path(path))
            value.of(item).expected("an absolute path without \"..\"");
        else
            member.push_back({std::move(path), optional});
    }
}

void bound_paths_into(const Value& value, std::vector<core::BoundPath>& member) {
    const std::vector<Node>* items = value.array("an array of SOURCE or SOURCE:PATH");
    if (items == nullptr)
        return;
    member.clear();
    for (const Node& item : *items) {
        const std::string* word = value.of(item).text("SOURCE or SOURCE:PATH");
        if (word == nullptr)
            continue;
        const std::string_view text = std::string_view(*word).substr(word->starts_with('-') ? 1 : 0);
        const std::size_t colon = text.find(':');
        const std::string_view source = text.substr(0, colon);
        const std::string_view path = colon == text.npos ? source : text.substr(colon + 1);
        if (!is_straight_path(source) || !is_straight_path(path) || path.contains(':') ||
            path.find_first_not_of('/') == path.npos)
            value.of(item).expected("SOURCE or SOURCE:PATH, absolute paths without \"..\", and PATH is not the root");
        else
            member.push_back({std::string(source), std::string(path), word->starts_with('-')});
    }
}

std::optional<int> capability_of(const Value& value, std::string_view word) {
    std::span<const std::string_view> names = capability_names();
    std::optional<int> number = capability_number(word);
    if (number && names[static_cast<std::size_t>(*number)] == word)
        return number;
    std::string upper(word);
    for (char& letter : upper)
        letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    if (!upper.starts_with("CAP_"))
        upper.insert(0, "CAP_");
    value.error("\"" + std::string(word) + "\" is no capability",
                did_you_mean(nearest(upper, {names.begin(), names.end()})));
    return std::nullopt;
}

void capabilities_into(const Value& value, std::optional<CapabilitySet>& member) {
    std::vector<std::string> names;
    value.into(names);
    // "*" is all of them; "!NAME" all but that one and others that are so written.
    const auto is_left_out = [](const std::string& name) { return name.starts_with('!'); };
    const bool from_all = names == std::vector<std::string>{"*"} || std::ranges::any_of(names, is_left_out);
    if (from_all && names.front() != "*" && !std::ranges::all_of(names, is_left_out))
        return value.error("names with and without a '!' exclude each other");
    CapabilitySet named = 0;
    for (const std::string& name : names) {
        if (name == "*" && from_all)
            continue;
        std::optional<int> number = capability_of(value, std::string_view(name).substr(from_all ? 1 : 0));
        if (!number)
            return;
        named |= CapabilitySet{1} << *number;
    }
    member = from_all ? ~named : named;
}

void system_call_filter(const Value& value, core::Unit& unit) {
    const std::vector<Node>* items = value.array("an array of system calls and @groups");
    if (items == nullptr)
        return;
    std::vector<std::string>& words = confinement(unit).system_call_filter;
    words.clear();
    for (const Node& item : *items) {
        const std::string* word = value.of(item).text();
        if (word == nullptr)
            continue;
        bool negated = word->starts_with('!') || word->starts_with('~');
        std::string_view name = std::string_view(*word).substr(negated ? 1 : 0);
        if (negated && is_indispensable(name)) {
            value.of(item).error("\"" + std::string(name) +
                                 "\" cannot be denied: the service could not be started or ended without it");
        } else if (names_calls(name)) {
            words.push_back(*word);
        } else if (name.starts_with('@')) {
            std::vector<std::string_view> names;
            for (const CallGroup& group : call_groups())
                names.push_back(group.name);
            std::string_view near = likeliest(name.substr(1), names);
            value.of(item).error("there is no group \"" + std::string(name) + "\" of system calls",
                                 near.empty() ? "" : did_you_mean("@" + std::string(near)));
        } else {
            value.of(item).error("there is no system call \"" + std::string(name) + "\"",
                                 did_you_mean(names_calls("@" + std::string(name)) ? "@" + std::string(name)
                                                                                   : nearest(name, known_calls())));
        }
    }
}

void system_call_error(const Value& value, core::Unit& unit) {
    constexpr std::pair<std::string_view, int> errors[] = {
        {"kill", 0},        {"EPERM", EPERM},     {"EACCES", EACCES},   {"ENOSYS", ENOSYS},
        {"EINVAL", EINVAL}, {"ENOTSUP", ENOTSUP}, {"EUCLEAN", EUCLEAN}, {"ENOENT", ENOENT}};
    std::vector<std::string_view> words;
    for (const auto& [word, number] : errors) {
        if (value.node().kind == Node::Kind::text && value.node().text == word) {
            confinement(unit).system_call_error = number;
            return;
        }
        words.push_back(word);
    }
    value.not_one_of(words);
}

// As in a system-call-filter the first word decides: with a '!' those that it may not use.
void address_families(const Value& value, core::Unit& unit) {
    const std::vector<Node>* items = value.array("an array of address families, or [\"none\"]");
    if (items == nullptr)
        return;
    CallRestrictions& member = confinement(unit).restrictions;
    member.families.clear();
    member.families_allow = false;
    for (const Node& item : *items) {
        const std::string* word = value.of(item).text();
        if (word == nullptr)
            continue;
        const bool allows = !word->starts_with('!');
        const std::string_view name = std::string_view(*word).substr(allows ? 0 : 1);
        if (&item == &items->front())
            member.families_allow = allows;
        const std::optional<std::uint16_t> number = address_family(name);
        if (name == "none" && allows && items->size() == 1)
            continue;
        if (allows != member.families_allow)
            return value.of(item).error("families with and without a '!' exclude each other");
        if (number) {
            member.families.push_back(*number);
            continue;
        }
        std::vector<std::string_view> names;
        for (const AddressFamily& family : mi::address_families())
            names.push_back(family.name);
        value.of(item).error("\"" + std::string(name) + "\" is no address family", did_you_mean(nearest(name, names)));
    }
}

void namespaces(const Value& value, core::Unit& unit) {
    constexpr std::pair<std::string_view, std::uint32_t> kinds[] = {
        {"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC},   {"mnt", CLONE_NEWNS},  {"net", CLONE_NEWNET},
        {"pid", CLONE_NEWPID},       {"user", CLONE_NEWUSER}, {"uts", CLONE_NEWUTS}, {"all", 0x7e020000}};
    const std::vector<Node>* items = value.array("an array of kinds of namespaces");
    if (items == nullptr)
        return;
    std::uint32_t& member = confinement(unit).restrictions.namespaces;
    member = 0;
    std::vector<std::string_view> words;
    for (const auto& kind : kinds)
        words.push_back(kind.first);
    for (const Node& item : *items) {
        const std::string* word = value.of(item).text();
        if (word == nullptr)
            continue;
        const auto* kind = std::ranges::find(kinds, *word, &std::pair<std::string_view, std::uint32_t>::first);
        if (kind == std::end(kinds))
            value.of(item).not_one_of(words);
        else
            member |= kind->second;
    }
}

void cpu_affinity(const Value& value, core::Unit& unit) {
    constexpr std::int64_t last = 8191;
    const std::vector<Node>* items = value.array("an array of processor numbers and ranges");
    if (items == nullptr)
        return;
    if (items->empty())
        return value.error("is empty: it would run on no processor", "all of them are [\"0-8191\"]");
    std::vector<bool> chosen(last + 1);
    for (const Node& item : *items) {
        Value each = value.of(item);
        std::optional<std::int64_t> from, to;
        if (item.kind == Node::Kind::text) {
            std::vector<std::string_view> ends = split(item.text, '-');
            from = to_number<std::int64_t>(ends.front());
            to = to_number<std::int64_t>(ends.back());
            if (ends.size() > 2 || !from || !to || *from < 0 || *from > *to || *to > last) {
                each.expected("a processor number, or a range such as \"0-3\"");
                continue;
            }
        } else {
            from = to = each.integer(0, last);
        }
        if (from && to)
            std::fill(chosen.begin() + *from, chosen.begin() + *to + 1, true);
    }
    std::vector<std::uint16_t>& numbers = confinement(unit).cpu_affinity;
    numbers.clear();
    for (std::size_t number = 0; number < chosen.size(); ++number)
        if (chosen[number])
            numbers.push_back(static_cast<std::uint16_t>(number));
}

namespace {

// The N of `WORD:N`, if it is from `low` to `high`.
std::optional<int> level_of(std::string_view text, std::string_view word, int low, int high) {
    if (!text.starts_with(word) || text.size() <= word.size() || text[word.size()] != ':')
        return std::nullopt;
    std::optional<int> number = to_number<int>(text.substr(word.size() + 1));
    return number && *number >= low && *number <= high ? number : std::nullopt;
}

} // namespace

void scheduling(const Value& value, core::Unit& unit) {
    const std::string* word = value.text("a word");
    if (word == nullptr)
        return;
    std::optional<core::Scheduling>& member = confinement(unit).scheduling;
    if (*word == "other")
        member = {SCHED_OTHER, 0};
    else if (*word == "batch")
        member = {SCHED_BATCH, 0};
    else if (*word == "idle")
        member = {SCHED_IDLE, 0};
    else if (std::optional<int> fifo = level_of(*word, "fifo", 1, 99))
        member = {SCHED_FIFO, *fifo};
    else if (std::optional<int> round_robin = level_of(*word, "rr", 1, 99))
        member = {SCHED_RR, *round_robin};
    else
        value.expected("\"other\", \"batch\", \"idle\", \"fifo:1\" to \"fifo:99\" or \"rr:1\" to \"rr:99\"");
}

void io_priority(const Value& value, core::Unit& unit) {
    const std::string* word = value.text("a word");
    if (word == nullptr)
        return;
    constexpr int class_shift = 13, real_time = 1, best_effort = 2, idle = 3; // ioprio_set(2)
    std::optional<int>& member = confinement(unit).io_priority;
    if (*word == "idle")
        member = idle << class_shift;
    else if (std::optional<int> level = level_of(*word, "best-effort", 0, 7))
        member = best_effort << class_shift | *level;
    else if (std::optional<int> high = level_of(*word, "realtime", 0, 7))
        member = real_time << class_shift | *high;
    else
        value.expected("\"idle\", \"best-effort:0\" to \"best-effort:7\" or \"realtime:0\" to \"realtime:7\"");
}

void protect_system(const Value& value, core::Unit& unit) {
    using enum core::ProtectSystem;
    const Node& node = value.node();
    core::ProtectSystem& member = confinement(unit).protect_system;
    if (node.kind == Node::Kind::boolean)
        member = node.truth ? yes : no;
    else if (node.kind == Node::Kind::text && node.text == "no")
        member = no;
    else if (node.kind == Node::Kind::text && node.text == "yes")
        member = yes;
    else if (node.kind == Node::Kind::text && node.text == "full")
        member = full;
    else if (node.kind == Node::Kind::text && node.text == "strict")
        member = strict;
    else
        value.expected("\"no\", \"yes\", \"full\" or \"strict\"");
}

void protect_proc(const Value& value, core::Unit& unit) {
    constexpr std::string_view words[] = {"default", "noaccess", "invisible", "ptraceable"};
    const Node& node = value.node();
    const auto* word = std::ranges::find(words, node.kind == Node::Kind::text ? std::string_view(node.text) : "");
    if (word == std::end(words))
        return value.not_one_of({std::begin(words), std::end(words)});
    confinement(unit).protect_proc = static_cast<core::ProtectProc>(word - words);
}

void proc_subset(const Value& value, core::Unit& unit) {
    const Node& node = value.node();
    if (node.kind != Node::Kind::text || (node.text != "all" && node.text != "pid"))
        return value.not_one_of({"all", "pid"});
    confinement(unit).proc_subset_pid = node.text == "pid";
}

void working_directory(const Value& value, core::Unit& unit) {
    std::string& member = part(unit, static_cast<core::Process*>(nullptr)).working_directory;
    if (value.node().kind == Node::Kind::text && value.node().text == "~")
        member = "~";
    else if (auto path = value.path())
        member = std::move(*path);
}

namespace {

// Whether the directory would be one of the init's own, be inside one, or contain one, so that a service's user could
// replace it: /run/miniinit, /var/lib/miniinit, /var/log/miniinit, and /run/log/miniinit, which has the logs as long as
// /var/log is not writable.
bool is_reserved(std::string_view name, core::OwnDirectory::Kind kind) {
    auto at_or_inside = [&](std::string_view top) {
        return name.starts_with(top) && (name.size() == top.size() || name[top.size()] == '/');
    };
    return at_or_inside("miniinit") ||
           (kind == core::OwnDirectory::Kind::runtime && (name == "log" || at_or_inside("log/miniinit")));
}

} // namespace

void own_directory(const Value& value, core::Unit& unit, core::OwnDirectory::Kind kind) {
    std::vector<std::string> names;
    words_into(value, names);
    for (std::string& name : names) {
        for (std::string_view part_of : split(name, '/'))
            if (part_of.empty() || part_of == "." || part_of == "..")
                return value.error("\"" + name + "\" has to be a plain relative path, without \"..\"");
        if (is_reserved(name, kind))
            return value.error("\"" + name + "\" is the init's own, which no service can have");
        if (name.find(':') != std::string::npos)
            return value.error("\"" + name + "\" has a ':', which separates the directories in the environment");
        confinement(unit).directories.push_back({kind, std::move(name)});
    }
}

} // namespace mi::config::read
