#include "ctl/verbs/inspection.hpp"

#include "base/accounts.hpp"
#include "base/text.hpp"
#include "base/unreachable.hpp"
#include "config/syntax.hpp"

#include <elf.h>

#include <algorithm>

namespace mi::ctl {

namespace {

using config::Node;

// Paths that exist only on a running system.
bool is_volatile(std::string_view path) {
    for (std::string_view above : {"/dev/", "/proc/", "/sys/", "/run/", "/tmp/", "/var/run/", "/var/tmp/"})
        if (path.starts_with(above) || path == above.substr(0, above.size() - 1))
            return true;
    return false;
}

// Whether a template's value depends on the instance.
bool is_open(std::string_view text) { return text.find("${") != std::string_view::npos; }

const Node* find(const Node& tree, std::string_view table, std::string_view key) {
    const Node* part = tree.find(table);
    return part != nullptr && part->kind == Node::Kind::table ? part->find(key) : nullptr;
}

// Calls `take` with a string, or with each string of an array.
void each_text(const Node* node, auto&& take) {
    if (node == nullptr)
        return;
    if (node->kind == Node::Kind::text)
        take(*node);
    else if (node->kind == Node::Kind::array)
        for (const Node& item : node->items)
            if (item.kind == Node::Kind::text)
                take(item);
}

std::string machine_name(unsigned machine) {
    switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_386: return "i386";
    case EM_AARCH64: return "aarch64";
    case EM_ARM: return "arm";
    case EM_RISCV: return "riscv";
    case EM_PPC64: return "ppc64";
    case EM_PPC: return "ppc";
    case EM_S390: return "s390x";
    case EM_MIPS: return "mips";
    default: return "machine " + std::to_string(machine);
    }
}

// Whether a machine of kind `own` can run programs of kind `other`.
bool runs(unsigned own, unsigned other) {
    return own == other || (own == EM_X86_64 && other == EM_386) || (own == EM_AARCH64 && other == EM_ARM);
}

} // namespace

struct Inspection::Subject {
    config::Reading& reading;
    const Node& tree;
    const core::Unit& unit;
    std::string inside; // its root directory, below ours
    std::string search; // its PATH
    bool only_warn = false;

    void error(const Node& at, std::string message) const {
        if (only_warn)
            reading.warning(at.place, std::move(message));
        else
            reading.error(at.place, std::move(message));
    }
};

Inspection::Inspection(const ForeignRoot& root, const config::Loaded& loaded, std::span<const std::string> files)
    : root_(root), path_(loaded.manager.path) {
    for (const core::Unit& unit : loaded.units) {
        units_.insert(unit.name);
        units_.insert(unit.aliases.begin(), unit.aliases.end());
    }
    for (const std::string& file : files) {
        std::string_view name = std::string_view(file).substr(file.rfind('/') + 1);
        if (name.ends_with(".toml"))
            units_.emplace(name.substr(0, name.size() - 5));
    }
    const std::string passwd = root_.text("/etc/passwd").value_or(""), group = root_.text("/etc/group").value_or("");
    for (const PasswdLine& line : passwd_lines(passwd))
        users_.emplace(line.name);
    for (const GroupLine& line : group_lines(group))
        groups_.emplace(line.name);
    own_machine();
}

// Finds the machine type of the image from its first programs.
void Inspection::own_machine() {
    for (const char* file : {"/sbin/miniinit", "/usr/sbin/miniinit", "/sbin/init", "/bin/sh", "/usr/bin/env"})
        if (std::optional<ForeignRoot::Binary> binary = root_.binary(file)) {
            machine_ = binary->machine;
            machine_file_ = file;
            return;
        }
}

void Inspection::look(config::Reading& reading, const Node& tree, const core::Unit& unit) {
    Subject subject{reading, tree, unit, {}, path_, only_warns_};
    relations(subject);
    if (will_be_skipped(unit))
        return;
    if (const Node* directory = find(tree, "process", "root-directory");
        directory != nullptr && directory->kind == Node::Kind::text && !is_open(directory->text)) {
        subject.inside = directory->text;
        if (!is_volatile(directory->text) && !is_directory(directory->text))
            return subject.error(*directory, "`root-directory`: there is no directory " + directory->text);
    }
    if (const Node* path = find(tree, "process", "environment"); path != nullptr && path->kind == Node::Kind::table)
        if (const Node* own = path->find("PATH"); own != nullptr && own->kind == Node::Kind::text)
            subject.search = own->text;
    commands(subject);
    accounts(subject);
    files(subject);
}

// Whether a path condition fails on this system: then the unit runs nothing.
bool Inspection::will_be_skipped(const core::Unit& unit) const {
    return std::ranges::any_of(unit.conditions, [&](const core::Condition& condition) {
        using Kind = core::Condition::Kind;
        if (is_volatile(condition.argument))
            return false; // unknown
        switch (condition.kind) {
        case Kind::path_exists: return root_.has(condition.argument) == condition.negated;
        case Kind::path_missing: return root_.has(condition.argument) != condition.negated;
        case Kind::path_matches: return root_.has_match(condition.argument) == condition.negated;
        case Kind::directory_not_empty: return root_.is_filled(condition.argument) == condition.negated;
        case Kind::program:
            return (condition.argument.starts_with('/')
                        ? root_.has(condition.argument)
                        : !find_program(condition.argument, "", path_).empty()) == condition.negated;
        case Kind::kernel_command_line:
        case Kind::container:
        case Kind::capability:
        case Kind::first_boot:
        case Kind::ac_power: return false;
        }
        unreachable("there is no other kind of condition");
    });
}

// An instance is known if its template is.
bool Inspection::is_known(const std::string& unit) const {
    const std::size_t at = unit.find('@');
    return units_.contains(unit) || (at != std::string::npos && units_.contains(unit.substr(0, at + 1)));
}

// Whether the path is a directory, as far as we have permission to look.
bool Inspection::is_directory(const std::string& path) const {
    const ForeignRoot::Entry::Kind kind = root_.look(path).kind;
    return kind == ForeignRoot::Entry::Kind::directory || kind == ForeignRoot::Entry::Kind::hidden;
}

void Inspection::relations(Subject& subject) {
    struct Key {
        std::string_view name;
        bool hard;        // without the other unit this one cannot start
        bool ours = true; // this unit lacks the other one (else the other way round)
    };
    for (const Key& key : {Key{"requires", true}, Key{"milestones", true}, Key{"wants", false},
                           Key{"wanted-by", false, false}, Key{"required-by", false, false}, Key{"part-of", false},
                           Key{"reload-with", false}, Key{"on-failure", false}, Key{"on-success", false}})
        each_text(subject.tree.find(key.name), [&](const Node& item) {
            if (is_open(item.text) || is_known(item.text) || (subject.only_warn && !key.ours))
                return;
            std::string message = "`" + std::string(key.name) + "`: there is no unit " + item.text;
            if (key.hard)
                subject.error(item, std::move(message));
            else
                subject.reading.warning(item.place, std::move(message));
        });
}

void Inspection::commands(Subject& subject) {
    if (const Node* node = find(subject.tree, "service", "command"))
        command(subject, *node);
    if (const Node* node = find(subject.tree, "service", "reload-command"))
        command(subject, *node);
    if (const Node* node = find(subject.tree, "service", "script"))
        program(subject, *node, "/bin/sh");
    for (std::string_view key : {"pre-start", "post-start", "stop-command", "post-stop"})
        if (const Node* list = find(subject.tree, "service", key); list != nullptr && list->kind == Node::Kind::array)
            for (const Node& item : list->items)
                command(subject, item);
}

// A command: an array of strings, or one string.
void Inspection::command(Subject& subject, const Node& node) {
    if (node.kind == Node::Kind::array && !node.items.empty() && node.items.front().kind == Node::Kind::text)
        return program(subject, node.items.front(), node.items.front().text);
    if (node.kind != Node::Kind::text)
        return;
    if (auto words = config::split_command(node.text); words && !words->empty())
        program(subject, node, words->front());
}

void Inspection::program(Subject& subject, const Node& at, const std::string& given) {
    const std::string name = given.substr(given.starts_with('+') ? 1 : 0);
    if (name.empty() || is_open(name) || is_volatile(name))
        return;
    std::string file = name;
    if (name.find('/') == std::string::npos) {
        file = find_program(name, subject.inside, subject.search);
        if (file.empty())
            return subject.error(at, "there is no program " + name + " in " + subject.search);
    } else if (!name.starts_with('/')) {
        return; // depends on the working directory
    }
    if (std::string wrong = wrong_with(file, subject.inside, subject.search, 0); !wrong.empty())
        subject.error(at, std::move(wrong));
}

std::string Inspection::find_program(const std::string& name, const std::string& inside,
                                     const std::string& search) const {
    for (std::string_view directory : split(search, ':')) {
        const std::string file = std::string(directory) + "/" + name;
        const ForeignRoot::Entry entry = root_.look(inside + file);
        if ((entry.kind == ForeignRoot::Entry::Kind::file && entry.executable) ||
            entry.kind == ForeignRoot::Entry::Kind::hidden)
            return file;
    }
    return {};
}

// The reason why `file` cannot be executed; empty if it can.
std::string Inspection::wrong_with(const std::string& file, const std::string& inside, const std::string& search,
                                   unsigned depth) {
    constexpr unsigned deepest = 4;
    constexpr std::size_t longest = 255;
    const ForeignRoot::Entry entry = root_.look(inside + file);
    if (entry.kind == ForeignRoot::Entry::Kind::missing)
        return "there is no program " + file;
    if (entry.kind == ForeignRoot::Entry::Kind::hidden)
        return {};
    if (entry.kind != ForeignRoot::Entry::Kind::file)
        return file + " is no file";
    if (!entry.executable)
        return file + " cannot be executed: it has no execute bit";
    if (std::optional<ForeignRoot::Binary> binary = root_.binary(inside + file))
        return wrong_with_binary(*binary, file, inside);
    const std::optional<std::string> read = root_.text(inside + file, longest);
    if (!read)
        return {}; // it may be executed but not read
    const std::string& start = *read;
    if (!start.starts_with("#!"))
        return file + " is neither a program nor a script with #!";
    const std::string_view line = trim(std::string_view(start).substr(2, start.find('\n') - 2));
    const std::size_t blank = std::min(line.find_first_of(" \t"), line.size());
    const std::string interpreter(line.substr(0, blank));
    if (depth == deepest)
        return file + " has an interpreter that has an interpreter, and so on";
    if (std::string wrong = wrong_with(interpreter, inside, search, depth + 1); !wrong.empty())
        return file + " needs " + interpreter + ": " + wrong;
    // #!/usr/bin/env python3
    std::string_view word = trim(line.substr(blank));
    if (interpreter.ends_with("/env")) {
        if (word.starts_with("-S"))
            word = trim(word.substr(2));
        const std::string named(word.substr(0, word.find_first_of(" \t")));
        if (!named.empty() && named.find_first_of("/=-") == std::string::npos &&
            find_program(named, inside, search).empty())
            return file + " needs " + named + ", which is not in " + search;
    }
    return {};
}

std::string Inspection::wrong_with_binary(const ForeignRoot::Binary& binary, const std::string& file,
                                          const std::string& inside) {
    if (machine_ != 0 && !runs(machine_, binary.machine))
        return file + " is made for " + machine_name(binary.machine) + ", but this system for " +
               machine_name(machine_) + " (" + machine_file_ + ")";
    if (!binary.interpreter.empty() && root_.look(inside + binary.interpreter).kind != ForeignRoot::Entry::Kind::file)
        return file + " needs the dynamic linker " + binary.interpreter + ", which is not there";
    return {};
}

void Inspection::account(Subject& subject, const Node* node, bool group) {
    each_text(node, [&](const Node& item) {
        const bool number = to_number<unsigned>(item.text).has_value();
        if (!number && !is_open(item.text) && !(group ? groups_ : users_).contains(item.text))
            subject.error(item, std::string(group ? "there is no group \"" : "there is no user \"") + item.text + "\"");
    });
}

void Inspection::accounts(Subject& subject) {
    const Node* made_up = find(subject.tree, "process", "dynamic-user");
    if (made_up == nullptr || !made_up->truth)
        account(subject, find(subject.tree, "process", "user"), false);
    account(subject, find(subject.tree, "process", "group"), true);
    account(subject, find(subject.tree, "process", "supplementary-groups"), true);
    if (const Node* list = subject.tree.find("listen"); list != nullptr && list->kind == Node::Kind::array)
        for (const Node& entry : list->items) {
            account(subject, entry.find("user"), false);
            account(subject, entry.find("group"), true);
        }
}

void Inspection::files(Subject& subject) {
    auto missing = [&](const std::string& path) { return !is_open(path) && !is_volatile(path) && !root_.has(path); };
    each_text(find(subject.tree, "process", "environment-files"), [&](const Node& item) {
        if (!item.text.starts_with('-') && missing(item.text))
            subject.error(item, "there is no file " + item.text);
    });
    // They may come only when the system runs: a warning.
    for (std::string_view key : {"credentials", "environment-from"})
        if (const Node* table = find(subject.tree, "process", key);
            table != nullptr && table->kind == Node::Kind::table)
            for (const Node& item : table->items)
                if (item.kind == Node::Kind::text && item.text.starts_with('/') && missing(item.text))
                    subject.reading.warning(item.place, "there is no file " + item.text);
    if (const Node* node = find(subject.tree, "process", "stdin");
        node != nullptr && node->kind == Node::Kind::text && node->text.starts_with("file:"))
        if (const std::string path = node->text.substr(5); missing(subject.inside + path))
            subject.error(*node, "there is no file " + path);
    const Node* directory = find(subject.tree, "process", "working-directory");
    if (directory == nullptr || directory->kind != Node::Kind::text || is_open(directory->text) ||
        is_volatile(directory->text) || directory->text == "~")
        return;
    // The init makes this directory before the service starts.
    for (auto [key, above] :
         {std::pair{"state-directory", "/var/lib/"}, std::pair{"logs-directory", "/var/log/"},
          std::pair{"cache-directory", "/var/cache/"}, std::pair{"configuration-directory", "/etc/"}}) {
        bool made = false;
        each_text(find(subject.tree, "process", key),
                  [&](const Node& item) { made = made || (above + item.text) == directory->text; });
        if (made)
            return;
    }
    if (!is_directory(subject.inside + directory->text))
        subject.error(*directory, "there is no directory " + directory->text);
}

} // namespace mi::ctl
