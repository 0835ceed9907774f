#include "convert/script_text.hpp"

#include "base/text.hpp"
#include "config/syntax.hpp"
#include "convert/unit_file.hpp"
#include "convert/values.hpp"

#include <algorithm>
#include <map>

namespace mi::convert {

namespace {

// Calls `take(line, number)` for every line.
void each_line(std::string_view text, auto&& take) {
    std::uint32_t number = 0;
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        take(text.substr(0, end), ++number);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

// The variables of a shell script. A value that is known only when the script runs is empty.
using Variables = std::map<std::string, std::string, std::less<>>;

// Takes `$NAME`, `${NAME}` or `${NAME:-WORD}` off the front of `text`, and returns its value. `sure` becomes false if the
// value is not known.
std::string take_variable(std::string_view& text, const Variables& known, bool& sure) {
    text.remove_prefix(1);
    std::string_view name, otherwise;
    if (text.starts_with('{')) {
        std::size_t end = text.find('}');
        if (end == std::string_view::npos)
            return sure = false, std::string();
        name = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        if (std::size_t colon = std::min(name.find(":-"), name.find(":=")); colon != std::string_view::npos) {
            otherwise = name.substr(colon + 2);
            name = name.substr(0, colon);
        }
    } else {
        std::size_t length = 0;
        while (length < text.size() && config::is_shell_variable_name(text.substr(0, length + 1)))
            ++length;
        name = text.substr(0, length);
        text.remove_prefix(length);
    }
    if (auto found = known.find(name); found != known.end() && !found->second.empty())
        return found->second;
    sure = sure && !otherwise.empty() && otherwise.find_first_of("$`") == otherwise.npos;
    return std::string(otherwise);
}

// The value of an assignment; empty if it is known only when the script runs.
std::string value_of(std::string_view text, const Variables& known) {
    std::string value;
    char quote = 0;
    bool sure = true;
    while (!text.empty() && sure) {
        const char letter = text.front();
        if (quote == 0 && (letter == ' ' || letter == '\t' || letter == ';' || letter == '&' || letter == '|'))
            break;
        if (letter == '`' || text.starts_with("$("))
            return {};
        if (letter == '$' && quote != '\'') {
            value += take_variable(text, known, sure);
            continue;
        }
        text.remove_prefix(1);
        if (letter == quote)
            quote = 0;
        else if (quote == 0 && (letter == '"' || letter == '\''))
            quote = letter;
        else
            value += letter;
    }
    return sure && quote == 0 ? value : std::string();
}

Variables variables_of(std::string_view script) {
    Variables known;
    each_line(script, [&](std::string_view line, std::uint32_t) {
        line = trim(line);
        if (line.starts_with("export "))
            line = trim(line.substr(7));
        std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || !config::is_shell_variable_name(line.substr(0, equals)))
            return;
        std::string value = value_of(line.substr(equals + 1), known);
        auto [at, fresh] = known.try_emplace(std::string(line.substr(0, equals)), value);
        if (!fresh && at->second != value)
            at->second.clear(); // two assignments differ: the value in force is unknown
    });
    return known;
}

bool is_path(std::string_view text) {
    return text.starts_with('/') && text.size() > 1 && !text.ends_with('/') && is_plain_text(text) &&
           text.find_first_of("*?[]{}()<>\"'\\ ") == std::string_view::npos;
}

} // namespace

std::vector<HeaderLine> header_of(std::string_view script) {
    std::vector<HeaderLine> lines;
    bool inside = false, any = false;
    each_line(script, [&](std::string_view line, std::uint32_t number) {
        line = trim(line);
        if (line.starts_with("### BEGIN INIT INFO") && !any)
            return void(inside = any = true);
        if (line.starts_with("### END INIT INFO"))
            inside = false;
        if (!inside || !line.starts_with('#'))
            return;
        std::string_view rest = line.substr(1);
        const bool goes_on = rest.starts_with('\t') || rest.starts_with("  ");
        std::size_t colon = rest.find(':');
        std::string_view key = trim(rest.substr(0, colon));
        const bool is_key = colon != std::string_view::npos && !key.empty() && key.find(' ') == std::string_view::npos;
        if (goes_on && !lines.empty() && !is_key)
            lines.back().value += " " + std::string(trim(rest));
        else if (is_key)
            lines.push_back({std::string(key), std::string(trim(rest.substr(colon + 1))), number});
    });
    if (any)
        return lines;
    // `# chkconfig: 2345 20 80` has the runlevels, and two numbers for the order, which are not used.
    each_line(script, [&](std::string_view line, std::uint32_t number) {
        if (!line.starts_with('#'))
            return;
        std::string_view rest = trim(line.substr(1));
        for (auto [theirs, ours] : {std::pair<std::string_view, std::string_view>{"chkconfig:", "Default-Start"},
                                    {"description:", "Short-Description"}}) {
            if (!small(rest).starts_with(theirs))
                continue;
            std::string value(trim(rest.substr(theirs.size())));
            if (ours == "Default-Start") {
                std::string levels;
                for (char level : value.substr(0, value.find_first_of(" \t")))
                    levels += std::string(1, level) + " ";
                value = levels.starts_with('-') ? "" : std::string(trim(levels));
            }
            if (value.ends_with('\\'))
                value.pop_back();
            lines.push_back({std::string(ours), std::move(value), number});
        }
    });
    return lines;
}

std::string pid_file_of(std::string_view script) {
    std::string found;
    each_line(script, [&](std::string_view line, std::uint32_t) {
        if (!line.starts_with('#') || !found.empty())
            return;
        std::string_view rest = trim(line.substr(1));
        if (small(rest).starts_with("pidfile:") && is_path(trim(rest.substr(8))))
            found = trim(rest.substr(8));
    });
    if (!found.empty())
        return found;
    const Variables known = variables_of(script);
    for (std::string_view name : {"PIDFILE", "PID_FILE", "pidfile", "PIDfile", "DAEMON_PIDFILE", "PIDF", "PID"})
        if (auto at = known.find(name); at != known.end() && name != "PID")
            return is_path(at->second) ? at->second : std::string();
        else if (at != known.end() && is_path(at->second) && at->second.ends_with(".pid"))
            return at->second;
    // Debian's init-d-script(5), an interpreter for such scripts, derives the path from DAEMON.
    if (script.substr(0, script.find('\n')).find("init-d-script") != std::string_view::npos)
        if (auto daemon = known.find("DAEMON"); daemon != known.end() && is_path(daemon->second))
            return "/var/run/" + daemon->second.substr(daemon->second.rfind('/') + 1) + ".pid";
    return {};
}

bool takes_word(std::string_view script, std::string_view word) {
    bool takes = false;
    each_line(script, [&](std::string_view line, std::uint32_t) {
        line = trim(line);
        if (line.starts_with('('))
            line.remove_prefix(1);
        std::size_t end = line.find(')');
        if (end == std::string_view::npos || line.starts_with('#'))
            return;
        for (std::string_view pattern : split(line.substr(0, end), '|')) {
            pattern = trim(pattern);
            if (pattern.size() > 1 && (pattern.front() == '"' || pattern.front() == '\'') &&
                pattern.back() == pattern.front())
                pattern = pattern.substr(1, pattern.size() - 2);
            takes = takes || pattern == word;
        }
    });
    return takes;
}

} // namespace mi::convert
