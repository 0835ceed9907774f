#include "ctl/logs/log_tail.hpp"

#include "ctl/logs/log_reader.hpp"
#include "ctl/logs/logs.hpp"

#include <vector>

namespace mi::ctl {

std::string log_tail(const Style& style, const std::string& directory, const std::string& unit, unsigned lines,
                     const std::string& indent, std::optional<WallTime> since) {
    std::string text;
    if (directory.empty() || lines == 0)
        return text;
    std::vector<std::string> complaints; // other verbs do not report a missing permission for logs
    std::vector<UnitLog> logs = open_logs({directory}, {unit}, complaints);
    Merge merge(logs, {.since = since, .until = {}}, true);
    // A view must be safe to show; the output of `logs` in a pipe is unchanged.
    Style shown = style;
    shown.terminal = true;
    std::vector<std::string> last;
    while (last.size() < lines) {
        std::optional<LogLine> line = merge.next();
        if (!line)
            break;
        last.push_back(indent + show_line(shown, LogOutput::brief, line->unit, line->line));
    }
    for (std::size_t i = last.size(); i-- > 0;)
        text += last[i];
    return text;
}

std::string last_words(const std::string& directory, const std::string& unit) {
    if (directory.empty())
        return {};
    std::vector<std::string> complaints;
    std::vector<UnitLog> logs = open_logs({directory}, {unit}, complaints);
    Merge merge(logs, {}, true);
    const std::optional<LogLine> line = merge.next();
    return line ? std::string(line->line.text) : std::string();
}

} // namespace mi::ctl
