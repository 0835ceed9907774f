// Condition…= and Assert…= of [Unit].
#include "base/capabilities.hpp"
#include "convert/draft.hpp"
#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

enum class Takes { path, path_or_glob, directory, word, capability, container, truth };

struct Kind {
    std::string_view name; // behind "Condition" or "Assert"
    std::string_view ours;
    Takes takes;
    std::string_view differs; // what is not looked at
};
constexpr Kind kinds[] = {
    {"PathExists", "path-exists", Takes::path, ""},
    {"PathExistsGlob", "path-exists", Takes::path_or_glob, ""},
    {"PathIsDirectory", "path-exists", Takes::directory, ""},
    {"PathIsSymbolicLink", "path-exists", Takes::path, "that it is a link is not looked at"},
    {"PathIsMountPoint", "path-exists", Takes::path, "that something is mounted there is not looked at"},
    {"PathIsReadWrite", "path-exists", Takes::path, "that it can be written is not looked at"},
    {"DirectoryNotEmpty", "directory-not-empty", Takes::path, ""},
    {"FileNotEmpty", "path-exists", Takes::path, "that it is not empty is not looked at"},
    {"FileIsExecutable", "path-exists", Takes::path, "that it can be executed is not looked at"},
    {"KernelCommandLine", "kernel-command-line", Takes::word, ""},
    {"Capability", "capability", Takes::capability, ""},
    {"Virtualization", "container", Takes::container, ""},
    {"FirstBoot", "first-boot", Takes::truth, ""},
};

class Conditions {
public:
    explicit Conditions(Draft& draft) : draft_(draft) {}

    void run() {
        for (const Part& part : draft_.parts)
            for (const Kind& kind : kinds)
                for (std::string_view prefix : {"Condition", "Assert"})
                    for (const Assignment* each :
                         draft_.all(part, "Unit", std::string(prefix) + std::string(kind.name)))
                        take(part, *each, kind, prefix == "Assert");
        for (const auto& [key, values] : lists_)
            draft_.sheet.set(Table::condition, key, values.size() == 1 ? quoted(values[0]) : array(values));
    }

private:
    // How many of a unit's conditions begin with '|': any one of those has to hold.
    static std::size_t alternatives(const Part& part, bool assertion) {
        return static_cast<std::size_t>(std::ranges::count_if(part.text.assignments, [&](const Assignment& each) {
            return each.section == "Unit" && each.key.starts_with(assertion ? "Assert" : "Condition") &&
                   each.value.starts_with('|');
        }));
    }

    void lost(const Assignment& of, std::string_view why) { draft_.say(of, Table::condition, Weight::lost, why); }

    void take(const Part& part, const Assignment& of, const Kind& kind, bool assertion) {
        std::string_view raw = of.value;
        if (raw.starts_with('|')) {
            if (alternatives(part, assertion) > 1)
                return lost(of, "conditions of which one is enough cannot be written: here, each has to hold");
            raw.remove_prefix(1);
        }
        bool negated = false;
        while (raw.starts_with('!') || raw.starts_with(' ')) {
            negated = negated != raw.starts_with('!');
            raw.remove_prefix(1);
        }
        auto value = draft_.specifiers.resolve(raw);
        if (!value)
            return lost(of, value.error());
        if (!add(of, kind, std::move(*value), negated))
            return;
        if (assertion)
            draft_.say(of, Table::condition, Weight::near,
                       "a unit whose condition is not met is skipped, and not failed");
        if (!kind.differs.empty())
            draft_.say(of, Table::condition, Weight::near, kind.differs);
    }

    // False: it has been told why not.
    bool add(const Assignment& of, const Kind& kind, std::string value, bool negated) {
        switch (kind.takes) {
        case Takes::path_or_glob:
            if (value.find_first_of("*?[") != value.npos)
                return lost(of, "patterns of paths are not matched"), false;
            [[fallthrough]];
        case Takes::path:
        case Takes::directory:
            if (!value.starts_with('/'))
                return lost(of, "it is no absolute path"), false;
            if (kind.takes == Takes::directory)
                value += value.ends_with('/') ? "." : "/."; // which only a directory has
            break;
        case Takes::word:
            if (value.empty())
                return lost(of, "it names no word"), false;
            break;
        case Takes::capability:
            if (!capability_number(value))
                return lost(of, "it is no capability that is known"), false;
            value = capability_names()[static_cast<std::size_t>(*capability_number(value))];
            break;
        case Takes::container: return add_container(of, value, negated);
        case Takes::truth: return add_truth(of, kind, value, negated);
        }
        if (kind.ours == "path-exists" && negated)
            put("path-missing", std::move(value));
        else
            put(kind.ours, (negated ? "!" : "") + value);
        return true;
    }

    bool add_container(const Assignment& of, std::string_view value, bool negated) {
        std::optional<bool> any = truth(value);
        if (value != "container" && !any)
            return lost(of, "which kind of machine or container it is is not found out"), false;
        if (any)
            draft_.say(of, Table::condition, Weight::near, "virtual machines are not told from others, containers are");
        return set_truth(of, "container", (any ? *any : true) != negated);
    }

    bool add_truth(const Assignment& of, const Kind& kind, std::string_view value, bool negated) {
        std::optional<bool> wanted = truth(value);
        if (!wanted)
            return lost(of, "the value is neither yes nor no"), false;
        return set_truth(of, kind.ours, *wanted != negated);
    }

    bool set_truth(const Assignment& of, std::string_view key, bool wanted) {
        for (const auto& [other, before] : truths_)
            if (other == key && before != wanted)
                return lost(of, "it contradicts another condition"), false;
        truths_.emplace_back(key, wanted);
        draft_.sheet.set(Table::condition, key, wanted ? "true" : "false");
        return true;
    }

    void put(std::string_view key, std::string value) {
        auto list = std::ranges::find_if(lists_, [&](const auto& each) { return each.first == key; });
        if (list == lists_.end())
            list = lists_.insert(lists_.end(), {key, {}});
        if (std::ranges::find(list->second, value) == list->second.end())
            list->second.push_back(std::move(value));
    }

    Draft& draft_;
    std::vector<std::pair<std::string_view, std::vector<std::string>>> lists_;
    std::vector<std::pair<std::string_view, bool>> truths_;
};

} // namespace

void convert_conditions(Draft& draft) { Conditions(draft).run(); }

} // namespace mi::convert
