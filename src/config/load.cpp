#include "config/load.hpp"

#include "config/commands.hpp"
#include "config/files.hpp"
#include "config/inspector.hpp"
#include "config/library.hpp"
#include "config/reader.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

namespace mi::config {

Source user_source(const std::string& config_home, const std::string& runtime, uid_t owner) {
    Source source;
    source.directories = {config_home + "/miniinit", "/etc/miniinit/user", runtime + "/units",
                          std::string(shipped_units) + "/user"};
    source.config = config_home + "/miniinit.toml";
    source.transient = runtime + "/transient";
    source.owner = owner;
    return source;
}

Source system_source(const std::string& runtime, uid_t owner) {
    Source source;
    source.directories = {"/etc/miniinit", runtime + "/units", shipped_units, runtime + "/systemd"};
    source.transient = runtime + "/transient";
    source.owner = owner;
    return source;
}

std::string_view name_fault(std::string_view name) {
    constexpr std::size_t longest = 200; // bytes; leaves room for suffixes in a file name of at most 255
    if (name.empty())
        return "a name cannot be empty";
    if (name.size() > longest)
        return "a name has at most 200 characters";
    if (name.front() == '.' || name.front() == '-' || name.front() == '@')
        return "a name cannot begin with '.', '-' or '@'";
    // Their log directories have these names and are beside those of units.
    if (name == "miniinit" || name == "kernel" || name == "syslog")
        return "miniinit, kernel and syslog are the names of the init's own logs";
    bool known = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               c == '@' || c == ':' || c == '-';
    });
    return known ? std::string_view{} : "a name consists of letters, digits and _ . @ : -";
}

namespace {

// The name under which a unit is read: for a template, that of a sample instance.
std::string name_to_read(std::string_view name) { return std::string(name) + (name.ends_with('@') ? "1" : ""); }

// Reads a unit; for a template, a sample instance, while the inspector sees the placeholders.
core::Unit read_inspected(const Source& source, Reading& reading, Node& tree, std::string_view name,
                          Inspector* inspector) {
    const bool is_template = name.ends_with('@');
    Node before;
    if (is_template && inspector != nullptr)
        before = tree;
    core::Unit unit = read_unit(reading, tree, name_to_read(name), source.bare_is_service);
    check_commands(reading, tree);
    if (inspector != nullptr)
        inspector->look(reading, is_template ? before : tree, unit);
    return unit;
}

// Reads units from a library one after the other, and reports each problem once.
class Loading {
public:
    Loading(const Source& source, Library& library, Inspector* inspector = nullptr)
        : source_(source), library_(library), inspector_(inspector) {
        add(library_.take_problems());
        loaded_.manager = library_.manager();
    }

    // Reads the unit `name`; false: no file defines it.
    bool take(std::string_view name) {
        std::optional<Assembly> assembly = library_.assemble(name);
        if (!assembly)
            return false;
        loaded_.units.push_back(unit_of(*assembly, name));
        add(assembly->reading.take_problems());
        return true;
    }

    // Checks a template without instances: only its problems matter.
    void check_template(const std::string& name) {
        if (std::optional<Assembly> assembly = library_.assemble(name); assembly && !assembly->masked) {
            if (assembly->readable)
                (void)read_inspected(source_, assembly->reading, assembly->tree, name, inspector_);
            add(assembly->reading.take_problems());
        }
    }

    void all(std::span<const std::string> also) {
        for (const std::string& name : library_.names())
            take(name);
        std::set<std::string, std::less<>> instances; // those made
        std::set<std::string_view> templates;         // those with an instance
        auto instantiate = [&](const std::string& name) {
            std::size_t at = name.find('@');
            if (at == std::string::npos || at + 1 == name.size() || !name_fault(name).empty() || has(name))
                return;
            if (instances.insert(name).second)
                take(name);
        };
        own_ = loaded_.units.size();
        for (const std::string& name : also)
            instantiate(name);
        const core::ManagerSettings& manager = library_.manager();
        for (const std::string* name : {&manager.default_target, &manager.power_button, &manager.sleep_button})
            instantiate(*name);
        for (const std::string& name : library_.enabled())
            instantiate(name);
        for (std::size_t i = 0; i < loaded_.units.size(); ++i) {
            // By index and by copy, because making an instance moves the units.
            for (std::size_t j = 0; j < loaded_.units[i].dependencies.size(); ++j)
                if (loaded_.units[i].dependencies[j].unit.find('@') != std::string::npos)
                    instantiate(std::string(loaded_.units[i].dependencies[j].unit));
        }
        for (const std::string& name : instances)
            templates.insert(std::string_view(name).substr(0, name.find('@') + 1));
        loaded_.templates = library_.templates();
        for (const std::string& name : loaded_.templates)
            if (!templates.contains(name))
                check_template(name);
        library_.warn_of_strays();
        add(library_.take_problems());
        std::sort(loaded_.units.begin(), loaded_.units.end(),
                  [](const core::Unit& a, const core::Unit& b) { return a.name < b.name; });
    }

    Loaded finish() {
        std::sort(loaded_.problems.begin(), loaded_.problems.end(), [](const Problem& a, const Problem& b) {
            return std::tie(a.file, a.line, a.column, a.message) < std::tie(b.file, b.line, b.column, b.message);
        });
        auto last = std::unique(loaded_.problems.begin(), loaded_.problems.end());
        loaded_.problems.erase(last, loaded_.problems.end());
        return std::move(loaded_);
    }

private:
    // Whether a file of its own defines it; those units came first, sorted.
    [[nodiscard]] bool has(std::string_view name) const {
        auto end = loaded_.units.begin() + static_cast<std::ptrdiff_t>(own_);
        auto found = std::lower_bound(loaded_.units.begin(), end, name,
                                      [](const core::Unit& unit, std::string_view key) { return unit.name < key; });
        return found != end && found->name == name;
    }

    core::Unit unit_of(Assembly& assembly, std::string_view name) {
        core::Unit unit;
        if (assembly.masked || !assembly.readable) {
            unit.name = name;
            unit.masked = assembly.masked;
            unit.fault = assembly.masked ? "masked" : brief(assembly.reading.first_error());
        } else {
            // The user typed the command of a transient unit into a shell, which has interpreted its words already.
            const bool typed =
                !source_.transient.empty() && assembly.source.starts_with(source_.root + source_.transient);
            unit = typed ? read_unit(assembly.reading, assembly.tree, name, source_.bare_is_service)
                         : read_inspected(source_, assembly.reading, assembly.tree, name, inspector_);
        }
        unit.source = std::move(assembly.source);
        unit.in_bundle = assembly.in_bundle;
        unit.enabled = library_.switched(name).value_or(unit.enabled);
        return unit;
    }

    void add(std::vector<Problem>&& problems) {
        loaded_.problems.insert(loaded_.problems.end(), std::make_move_iterator(problems.begin()),
                                std::make_move_iterator(problems.end()));
    }

    const Source& source_;
    Library& library_;
    Inspector* inspector_;
    Loaded loaded_;
    std::size_t own_ = 0;
};

// The last part of a path.
std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Reads one file by itself; for a template, a sample instance.
Loaded one_unit(const Source& source, std::string name, const std::string& path, Reading& reading, Node& tree,
                Inspector* inspector) {
    Loaded loaded;
    core::Unit unit = read_inspected(source, reading, tree, name, inspector);
    unit.name = std::move(name);
    unit.source = path;
    loaded.units.push_back(std::move(unit));
    loaded.problems = reading.take_problems();
    return loaded;
}

Loaded bundle_with(std::string_view text, std::string_view filename, const Source& source, Inspector* inspector) {
    Library library(source);
    library.take_bundle(text, filename);
    Loading loading(source, library, inspector);
    loading.all({});
    return loading.finish();
}

Loaded load_with(const Source& source, std::span<const std::string> also, Inspector* inspector) {
    Library library(source);
    library.find();
    Loading loading(source, library, inspector);
    loading.all(also);
    return loading.finish();
}

} // namespace

Loaded load(const Source& source, std::span<const std::string> also) { return load_with(source, also, nullptr); }
Loaded load(const Source& source, Inspector* inspector) { return load_with(source, {}, inspector); }

core::ManagerSettings read_settings(const Source& source) {
    Library library(source);
    library.find_settings();
    return library.manager();
}

Loaded load_one(const Source& source, std::string_view name) { return load_one(source, name, nullptr); }
Loaded load_one(const Source& source, std::string_view name, Inspector* inspector) {
    Library library(source);
    library.find();
    Loading loading(source, library, inspector);
    if (name_fault(name).empty() && !name.ends_with('@'))
        loading.take(name);
    return loading.finish();
}

Loaded read_bundle(std::string_view text, std::string_view filename, const Source& source) {
    return bundle_with(text, filename, source, nullptr);
}

Loaded read_file(const Source& source, const std::string& path) { return read_file(source, path, nullptr); }
Loaded read_file(const Source& source, const std::string& path, Inspector* inspector) {
    constexpr std::string_view suffix = ".toml";
    Source here = source;
    here.allow_insecure = true;
    Loaded loaded;
    auto complain = [&](std::string message) {
        loaded.problems.push_back({path, 0, 0, Severity::error, std::move(message), {}, {}});
        return std::move(loaded);
    };
    Content content = read_path(here, path, largest_bundle);
    if (content.kind != Content::Kind::text)
        return complain(content.kind == Content::Kind::missing ? "does not exist"
                        : content.kind == Content::Kind::mask  ? "is a mask"
                                                               : content.reason.why);
    Reading reading;
    Node tree = parse_document(reading, reading.add_file(path, content.text), content.text);
    bool bundle =
        file_name(path) == "miniinit.toml" || tree.find("units") || tree.find("manager") || tree.find("defaults");
    if (bundle)
        return bundle_with(content.text, path, source, inspector);
    std::string name(file_name(path));
    if (!name.ends_with(suffix))
        return complain("a unit's file is called NAME.toml");
    name.resize(name.size() - suffix.size());
    if (std::string_view wrong = name_fault(name); !wrong.empty())
        return complain("cannot name a unit: " + std::string(wrong));
    if (content.text.size() > largest_unit)
        return complain("is larger than 1 MiB");
    return one_unit(source, std::move(name), path, reading, tree, inspector);
}

Loaded read_text(std::string_view name, std::string_view text, std::string_view filename) {
    Reading reading;
    Node tree = parse_document(reading, reading.add_file(std::string(filename), text), text);
    Loaded loaded;
    core::Unit& unit = loaded.units.emplace_back(read_unit(reading, tree, name_to_read(name), false));
    unit.name = name;
    unit.source = filename;
    loaded.problems = reading.take_problems();
    return loaded;
}

} // namespace mi::config
