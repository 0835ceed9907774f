// Draws the screen of `minictl top`.
#include "base/clock.hpp"
#include "base/count.hpp"
#include "base/join.hpp"
#include "ctl/logs/log_tail.hpp"
#include "ctl/text/view.hpp"
#include "ctl/top/top.hpp"

#include <utility>

namespace mi::ctl {

namespace {

// No line is longer than the width of a narrow terminal.
std::vector<std::string> help_lines() {
    return {"Up, Down, PgUp, PgDn, Home, End, j, k   select a unit",
            "c m t r u n s   sort by CPU, memory, tasks, restarts,",
            "                uptime, name, state; again: the other way",
            "l, Enter        follow the log of the unit",
            "S, X, R         start, stop (asks first), restart it",
            "/               show only units whose name contains what",
            "                is typed; Esc: all again",
            "a               also what is down, done or a target",
            "p               pause, and go on",
            "q, Ctrl-C       quit",
            "",
            "CPU% is of one processor, since the look before;",
            "memory and tasks are those of the cgroup. `~` is the",
            "sum over the processes of a unit without a cgroup;",
            "`-` stands for what the kernel does not tell."};
}

// As many parts from the front as fit; only the first one may be cut.
std::string as_fits(const std::vector<std::string>& parts, std::string_view between, unsigned width) {
    std::string text;
    for (const std::string& part : parts) {
        if (!text.empty() && columns(text) + columns(between) + columns(part) > width)
            break;
        join_to(text, part, between);
    }
    return fitted(text, width);
}

} // namespace

std::string Top::first_line(unsigned width) const {
    std::string units = counted(table_.size(), "unit");
    if (failed_ > 0)
        units += ", " + std::to_string(failed_) + " failed";
    if (!table_.filtered().empty())
        units += " with \"" + harmless(table_.filtered()) + "\"";
    std::vector<std::string> parts{"miniinit " + harmless(feed_.overview().version), std::move(units)};
    if (paused_)
        parts.emplace_back("paused");
    for (const std::string& part : machine_)
        parts.push_back(part);
    const std::string text = as_fits(parts, " · ", width);
    return paint(context_.out, failed_ > 0 ? Colour::bad : Colour::strong, text);
}

std::string Top::last_line(unsigned width) const {
    switch (mode_) {
    case Mode::filter: return fitted("/" + harmless(table_.filtered()) + "█ (Enter keeps it, Esc drops it)", width);
    case Mode::confirm:
        return paint(context_.out, Colour::busy,
                     fitted("stop " + harmless(table_.selected()) + ", and what needs it? y/n", width));
    case Mode::help: return fitted("any key comes back", width);
    case Mode::table: break;
    }
    if (!feed_.trouble().empty())
        return paint(context_.out, Colour::bad, fitted(feed_.trouble(), width));
    if (!message_.empty())
        return fitted(harmless(message_.substr(0, message_.find('\n'))), width);
    return paint(context_.out, Colour::faint,
                 as_fits({"q quit", "h help", "l log", "S start", "X stop", "R restart", "/ filter", "c m t n s sort"},
                         "  ", width));
}

void Top::draw() {
    const Screen::Size size = screen_.size();
    std::vector<std::string> lines;
    if (size.rows > 2)
        lines.push_back(first_line(size.columns));
    const auto room = static_cast<unsigned>(size.rows - lines.size() - (size.rows > 1 ? 1 : 0));
    if (mode_ == Mode::help) {
        for (const std::string& line : help_lines())
            if (lines.size() + 1 < size.rows)
                lines.push_back(fitted(line, size.columns));
    } else {
        const std::vector<std::string> table =
            table_.lines(context_.out, size.columns, room, micros(monotonic_now()), last_said());
        for (std::size_t i = 0; i < table.size() && i < room; ++i)
            lines.push_back(i == 0 ? "\033[4m" + table[i] + "\033[0m" : table[i]);
    }
    while (lines.size() + 1 < size.rows)
        lines.emplace_back();
    if (size.rows > 1)
        lines.push_back(last_line(size.columns));
    std::string frame = "\033[H";
    for (std::size_t i = 0; i < lines.size(); ++i)
        frame += (i == 0 ? "" : "\r\n") + lines[i] + "\033[K";
    frame += "\033[J";
    if (!context_.write_out(frame))
        over_ = true;
}

TopTable::LastLine Top::last_said() {
    return [this](const std::string& unit) {
        // Read the line once for each refresh, however often it is drawn.
        auto [at, is_new] = said_.try_emplace(unit);
        if (is_new)
            at->second = last_words(feed_.overview().log_directory, unit);
        return at->second;
    };
}

} // namespace mi::ctl
