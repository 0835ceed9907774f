// `verify`: the problems of units by themselves (config), in their relations (core), and with the system that they are
// for (inspection.hpp): the one below --root, else the running one.
#include "base/count.hpp"
#include "core/graph.hpp"
#include "ctl/verbs/inspection.hpp"
#include "ctl/verbs/verbs.hpp"
#include "os/machine/system.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <set>
#include <utility>

namespace mi::ctl {

namespace {

struct ProblemLine {
    std::string file;
    std::uint32_t line = 0, column = 0;
    std::string severity, message, source_line, suggestion;
    static void fields(auto& self, auto&& visit) {
        visit("file", self.file);
        visit("line", self.line);
        visit("column", self.column);
        visit("severity", self.severity);
        visit("message", self.message);
        visit("source_line", self.source_line);
        visit("suggestion", self.suggestion);
    }
};
struct Problems {
    std::uint32_t units = 0;
    std::vector<ProblemLine> problems;
    static void fields(auto& self, auto&& visit) {
        visit("units", self.units);
        visit("problems", self.problems);
    }
};

// Whether the word names a file; for other verbs a word always names a unit.
bool is_file(const std::string& word) {
    return word.ends_with(".toml") || !config::name_fault(word).empty() || ::access(word.c_str(), F_OK) == 0;
}

class Verification {
public:
    Verification(const Context& context, const Sources& from) : context_(context), from_(from), outside_(from.source) {
        outside_.root.clear(); // file names are not relative to the root
    }
    int run() {
        auto root = ForeignRoot::open(here() ? "/" : context_.arguments.root);
        if (!root)
            return context_.fail(root.error().text());
        inspection_.emplace(*root, units_to_know(), context_.arguments.words);
        if (context_.arguments.words.empty())
            all();
        for (const std::string& word : context_.arguments.words)
            one(word);
        if (!named_.empty())
            together();
        return conclude();
    }

private:
    // Whether the units are checked against the running system.
    [[nodiscard]] bool here() const { return context_.arguments.root.empty(); }

    // All existing units, those of the verified files, and the instances that these name.
    [[nodiscard]] config::Loaded units_to_know() const {
        std::vector<core::Unit> theirs;
        std::vector<std::string> named;
        for (const std::string& word : context_.arguments.words)
            if (is_file(word))
                std::ranges::move(config::read_file(outside_, word).units, std::back_inserter(theirs));
        for (const core::Unit& unit : theirs)
            for (const core::Dependency& dependency : unit.dependencies)
                named.push_back(dependency.unit);
        config::Loaded known = config::load(from_.source, named);
        std::ranges::move(theirs, std::back_inserter(known.units));
        // Services of a container have its PATH, unless the configuration sets another one.
        const char* path = ::getenv("PATH");
        if (here() && path != nullptr && !known.manager.path_said && !context_.of_user() &&
            os::habitat() == os::Habitat::container)
            known.manager.path += std::string(":") + path;
        return known;
    }

    void add(std::vector<config::Problem> problems) {
        for (config::Problem& problem : problems) {
            const bool error = problem.severity == config::Severity::error;
            bad_ = bad_ || error;
            text_ += config::text(problem);
            found_.problems.push_back({std::move(problem.file), problem.line, problem.column,
                                       error ? "error" : "warning", std::move(problem.message),
                                       std::move(problem.source_line), std::move(problem.suggestion)});
        }
    }

    std::vector<core::Unit> take(config::Loaded loaded) {
        add(std::move(loaded.problems));
        found_.units += static_cast<std::uint32_t>(loaded.units.size());
        return std::move(loaded.units);
    }

    // Verifies all units, including their relations.
    void all() {
        const core::Graph graph(take(config::load(from_.source, &*inspection_)));
        for (const std::string& problem : graph.problems()) {
            found_.problems.push_back({"", 0, 0, "error", problem, "", ""});
            text_ += harmless(problem) + "\n";
            bad_ = true;
        }
        for (const core::Graph::Warning& warning : graph.warnings())
            warn(warning.text);
        // If there are no units at all, fail: the directory may be misspelled.
        if (found_.units == 0 && text_.empty() &&
            ::access((from_.source.root + from_.source.config).c_str(), F_OK) != 0)
            bad_ = context_.fail("there is no unit to verify (" + harmless(from_.looked()) + ")") != done;
    }

    void warn(const std::string& text) {
        found_.problems.push_back({"", 0, 0, "warning", text, "", ""});
        text_ += "warning: " + harmless(text) + "\n";
    }

    // Checks the named units together with all others.
    void together() {
        std::vector<core::Unit> units = units_to_know().units;
        std::ranges::reverse(units); // of two units with the same name, the one in a verified file counts
        const core::Graph graph(std::move(units));
        for (const core::Graph::Warning& warning : graph.warnings())
            if (std::ranges::any_of(warning.units, [&](core::UnitId id) { return named_.contains(graph.name(id)); }))
                warn(warning.text);
    }

    void note(const std::vector<core::Unit>& units) {
        for (const core::Unit& unit : units)
            named_.insert(unit.name);
    }

    // Verifies a unit, or a file; a file outside of this system's unit directories may be for another system.
    void one(const std::string& word) {
        inspection_->only_warn(here() && is_file(word) && !is_of_this_system(word));
        if (is_file(word))
            note(take(config::read_file(outside_, word, &*inspection_)));
        else if (config::Loaded loaded = config::load_one(from_.source, word, &*inspection_); !loaded.units.empty())
            note(take(std::move(loaded)));
        else
            missing_ = context_.fail_missing(from_, word) != done;
    }

    [[nodiscard]] bool is_of_this_system(const std::string& file) const {
        const std::string directory = file.substr(0, std::min(file.rfind('/'), file.size()));
        return file == from_.source.config ||
               std::ranges::find(from_.source.directories, directory) != from_.source.directories.end();
    }

    int conclude() {
        const ExitCode code = missing_ ? refused : bad_ ? failed : done;
        if (context_.arguments.json)
            return context_.print_json(found_) == done ? code : failed;
        if (text_.empty() && code == done && context_.out.terminal)
            text_ = counted(found_.units, "unit") + ", no problems\n";
        return context_.print(text_) == done ? code : failed;
    }

    const Context& context_;
    const Sources& from_;
    config::Source outside_;
    std::optional<Inspection> inspection_;
    std::set<std::string> named_; // names of the verified units
    Problems found_;
    std::string text_;
    bool bad_ = false, missing_ = false;
};

} // namespace

int verify_files(Context& context) {
    if (!context.arguments.calendar.empty())
        return verify_calendar(context);
    auto from = context.sources();
    return from ? Verification(context, *from).run() : context.fail(from.error());
}

} // namespace mi::ctl
