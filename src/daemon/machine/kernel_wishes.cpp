#include "daemon/machine/kernel_wishes.hpp"

#include "base/text.hpp"
#include "core/machine_end.hpp"
#include "daemon/options.hpp"
#include "os/machine/host_channel.hpp"
#include "os/machine/kernel_line.hpp"

#include <algorithm>

namespace mi::daemon {

namespace {

// One word of ours, `miniinit.NAME` or `miniinit.NAME=VALUE`.
struct Row {
    std::string_view name;
    std::string_view expected;                    // what its value is to be; empty: it takes none
    bool (*set)(KernelWishes&, std::string_view); // false: it is something else
};

template <std::string KernelWishes::* member>
bool set_text(KernelWishes& wishes, std::string_view value) {
    wishes.*member = value;
    return !value.empty();
}

bool set_end(KernelWishes& wishes, std::string_view value) {
    const bool known = core::parse_machine_end(value).has_value();
    if (known)
        wishes.end = value;
    return known;
}

bool set_level(KernelWishes& wishes, std::string_view value) {
    const auto level = log_level_number(value);
    if (level)
        wishes.log_level = *level;
    return level.has_value();
}

bool set_size(KernelWishes& wishes, std::string_view value) {
    const std::size_t cross = value.find('x');
    if (cross == std::string_view::npos)
        return false;
    const auto columns = to_number<unsigned short>(value.substr(0, cross)),
               rows = to_number<unsigned short>(value.substr(cross + 1));
    wishes.columns = columns.value_or(0);
    wishes.rows = rows.value_or(0);
    return columns && rows;
}

bool add_variable(KernelWishes& wishes, std::string_view value) {
    const std::size_t equals = value.find('=');
    if (equals == 0 || equals == std::string_view::npos)
        return false;
    wishes.environment.emplace_back(value.substr(0, equals), value.substr(equals + 1));
    return true;
}

constexpr Row rows[] = {
    {"target", "the name of a unit", set_text<&KernelWishes::target>},
    {"log-level", "a level (emerg, alert, crit, err, warning, notice, info, debug)", set_level},
    {"shell", "",
     [](KernelWishes& wishes, std::string_view) {
         wishes.shell = true;
         return true;
     }},
    {"end", core::machine_ends, set_end},
    // What it was called first; its port was always hexadecimal.
    {"debug-exit", "a port (0xf4)",
     [](KernelWishes& wishes, std::string_view value) {
         return set_end(wishes, "isa-debug-exit:" + std::string(value));
     }},
    {"notify", os::host_addresses,
     [](KernelWishes& wishes, std::string_view value) {
         const bool known = os::parse_host_address(value).has_value();
         if (known)
             wishes.notify = value;
         return known;
     }},
    {"slot", "a word", set_text<&KernelWishes::slot>},
    {"env", "NAME=VALUE", add_variable},
    {"cwd", "a directory", set_text<&KernelWishes::directory>},
    {"user", "USER or USER:GROUP", set_text<&KernelWishes::user>},
    {"size", "COLUMNSxROWS", set_size},
};

// What is wrong with a word of ours, or an empty text.
std::string take_own(KernelWishes& wishes, std::string_view word) {
    constexpr std::string_view ours = "miniinit.";
    const std::size_t equals = word.find('=');
    const std::string_view name =
        word.substr(ours.size(), equals == std::string_view::npos ? equals : equals - ours.size());
    const Row* row = std::ranges::find(rows, name, &Row::name);
    std::string text("kernel command line: \"");
    text.append(word).append("\"");
    if (row == std::end(rows)) {
        std::vector<std::string_view> names;
        for (const Row& known : rows)
            names.push_back(known.name);
        text += " means nothing to miniinit";
        if (const std::string_view near = nearest(name, names); !near.empty())
            text.append(" (did you mean ").append(ours).append(near).append("?)");
        return text;
    }
    const bool has_value = equals != std::string_view::npos;
    if (has_value != !row->expected.empty())
        return text + (has_value ? ": it takes no value" : ": it needs a value, ") + std::string(row->expected);
    if (row->set(wishes, has_value ? word.substr(equals + 1) : ""))
        return {};
    return text + ": that is not " + std::string(row->expected);
}

// Words of systemd, which people type by habit: units have its names without their suffixes.
std::string take_habit(KernelWishes& wishes, std::string_view word) {
    constexpr std::string_view unit = "systemd.unit=", level = "systemd.log_level=",
                               credential = "systemd.set_credential=";
    if (word.starts_with(unit) && word.size() > unit.size()) {
        word.remove_prefix(unit.size());
        for (std::string_view suffix : {".target", ".service"})
            if (word.ends_with(suffix))
                word.remove_suffix(suffix.size());
        wishes.target = word;
        return {};
    }
    if (word.starts_with(credential)) // what is ours of them is looked for where it is wanted
        return {};
    if (word.starts_with(level) && set_level(wishes, word.substr(level.size())))
        return {};
    return "kernel command line: \"" + std::string(word) + "\" is a word of systemd's; miniinit does nothing about it";
}

} // namespace

KernelWishes kernel_wishes(std::vector<std::string> words) {
    KernelWishes wishes;
    std::string root;
    for (const std::string& word : words) {
        std::string wrong;
        if (const std::string_view target = os::target_of_old_word(word); !target.empty())
            wishes.target = target;
        else if (word == "quiet")
            wishes.quiet = true;
        else if (word.starts_with("root="))
            root = word.substr(5);
        else if (word.starts_with("miniinit."))
            wrong = take_own(wishes, word);
        else if (word.starts_with("systemd."))
            wrong = take_habit(wishes, word);
        if (!wrong.empty())
            wishes.complaints.push_back(std::move(wrong));
    }
    if (wishes.slot.empty())
        wishes.slot = std::move(root);
    wishes.words = std::move(words);
    return wishes;
}

} // namespace mi::daemon
