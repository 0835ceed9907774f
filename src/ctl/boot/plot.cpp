// Draws the chart of a boot as SVG. Lengths are in tenths of a pixel, so that no floating point is printed.
#include "ctl/boot/plot.hpp"

#include "base/count.hpp"
#include "base/printable.hpp"
#include "base/utf8.hpp"
#include "ctl/text/column_width.hpp"
#include "ctl/text/terminal.hpp"
#include "ctl/text/view.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace mi::ctl {

namespace {

using Tenths = std::int64_t;
constexpr Tenths margin = 240, row_height = 180, bar_height = 110, axis_height = 260, chart_width = 10'000;
constexpr Tenths widest_name = 3'200, took_width = 700, gap = 120;
constexpr std::size_t rows_an_axis = 40; // the axis is repeated, because the picture may be longer than the screen

constexpr std::string_view style = R"(<style>
svg{--paper:#fff;--ink:#1c2128;--dim:#6b7480;--grid:#e6e9ed;--wait:#b4bcc6;--start:#e08a1e;--up:#bfe5ca;--bad:#d1343f;--kernel:#8d9db5;--init:#5b7fb4;--chain:#7a3fd1}
@media(prefers-color-scheme:dark){svg{--paper:#14181d;--ink:#e4e8ed;--dim:#8f99a5;--grid:#2a3139;--wait:#4d5762;--start:#e69a3c;--up:#25573a;--bad:#f0616d;--kernel:#5f6f88;--init:#5b8fd6;--chain:#b48cff}}
text{font:11px system-ui,"DejaVu Sans",sans-serif;fill:#1c2128;fill:var(--ink)}
.h{font-size:18px;font-weight:600}.dim{fill:#6b7480;fill:var(--dim)}.b{font-weight:600}.e{text-anchor:end}.m{text-anchor:middle}
.paper{fill:#fff;fill:var(--paper)}.plain{fill:none;pointer-events:all}
.grid{stroke:#e6e9ed;stroke:var(--grid);fill:none}.wait{stroke:#b4bcc6;stroke:var(--wait);stroke-width:1.5}
.start{fill:#e08a1e;fill:var(--start)}.up{fill:#bfe5ca;fill:var(--up)}.bad{fill:#d1343f;fill:var(--bad)}.open{fill-opacity:.55;stroke:#e08a1e;stroke:var(--start);stroke-dasharray:3 2}
.kernel{fill:#8d9db5;fill:var(--kernel)}.init{fill:#5b7fb4;fill:var(--init)}.skip{fill:#fff;fill:var(--paper);stroke:#6b7480;stroke:var(--dim)}
.target{fill:#1c2128;fill:var(--ink)}.chain{stroke:#7a3fd1;stroke:var(--chain);fill:none;stroke-width:1.4}text.c{fill:#7a3fd1;fill:var(--chain)}text.f{fill:#d1343f;fill:var(--bad)}
.goal{stroke:#7a3fd1;stroke:var(--chain);stroke-dasharray:4 3}g.r:hover rect.plain{fill:#8d9db5;fill-opacity:.2}
</style>
)";

std::string px(Tenths tenths) {
    std::string text = std::to_string(tenths / 10);
    if (tenths % 10 != 0)
        text += "." + std::to_string(std::abs(tenths % 10));
    return text;
}

// Escapes text for XML. A character that is not printable becomes U+FFFD, because XML forbids many of them.
std::string xml(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t size = character(text);
        const char32_t point = size == 0 ? 0 : code_point(text, size);
        switch (point) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        default:
            if (point == '\n' || is_printable(point))
                out += text.substr(0, size);
            else
                out += "\xef\xbf\xbd";
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

// The greatest width of a text of 11 pixels, in the widest of the usual fonts.
Tenths width_of(std::string_view text) {
    Tenths width = 0;
    while (!text.empty()) {
        const std::size_t size = character(text);
        const char32_t point = size == 0 ? U'?' : code_point(text, size);
        constexpr std::u32string_view narrow = U"ijl.,:;|'!()[]- f/", broad = U"mwMW@%";
        width += narrow.contains(point)                            ? 45
                 : broad.contains(point) || columns_of(point) == 2 ? 115
                 : point >= 'A' && point <= 'Z'                    ? 86
                                                                   : 72;
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return width;
}

// Cuts the text to the width, with an ellipsis.
std::string cut_to(std::string_view text, Tenths width) {
    if (width_of(text) <= width)
        return std::string(text);
    std::string cut;
    Tenths taken = width_of("…");
    while (!text.empty()) {
        const std::size_t size = std::max<std::size_t>(character(text), 1);
        taken += width_of(text.substr(0, size));
        if (taken > width)
            break;
        cut += text.substr(0, size);
        text.remove_prefix(size);
    }
    return cut + "…";
}

// "1.114 s", and below a second "12 ms".
std::string short_time(std::int64_t micros) {
    return micros < 1'000'000 ? std::to_string(micros / 1000) + " ms" : millis(micros);
}

// The step of the grid in microseconds: 1, 2 or 5 times a power of ten, for at most a dozen lines.
std::int64_t step_of(std::int64_t span) {
    std::int64_t power = 1;
    for (;; power *= 10)
        for (std::int64_t step : {power, 2 * power, 5 * power})
            if (span / step <= 12)
                return step;
}

// "1.5 s": the label of a line of a grid with that step.
std::string at_line(std::int64_t micros, std::int64_t step) {
    std::string text = std::to_string(micros / 1'000'000);
    std::string fraction = std::to_string(1'000'000 + micros % 1'000'000).substr(1);
    std::size_t digits = 0;
    for (std::int64_t unit = 1'000'000; step % unit != 0; unit /= 10)
        ++digits;
    return digits == 0 ? text + " s" : text + "." + fraction.substr(0, digits) + " s";
}

class Picture {
public:
    Picture(const Boot& boot, const Machine& machine)
        : boot_(boot), machine_(machine), chart_(chart_of(boot)), step_(step_of(chart_.end - chart_.begin)) {
        if (const auto goal = boot.goal())
            chain_ = chain_of(boot, *goal);
        for (std::size_t i = 0; i < chain_.size(); ++i)
            place_in_chain_[chain_[i].unit] = i;
        Tenths name = width_of("kernel");
        for (std::size_t row : chart_.rows)
            name = std::max(name, width_of(boot.units[row].name) * 11 / 10); // some are bold
        name_width_ = std::min(name, widest_name);
        left_ = margin + name_width_ + gap + took_width + gap;
        // Room for the last label of the axis.
        width_ = left_ + chart_width + 600;
    }

    std::string draw() {
        heading();
        y_ = head_height;
        axis();
        if (chart_.kernel)
            own_row("kernel", "kernel", 0, boot_.init, "until it executed the init");
        own_row("init", "init", boot_.init, boot_.units_loaded.value_or(boot_.init), "until the unit files were read");
        for (std::size_t i = 0; i < chart_.rows.size(); ++i) {
            if (i > 0 && i % rows_an_axis == 0)
                axis();
            unit_row(chart_.rows[i]);
        }
        axis();
        if (chart_.later > 0) {
            y_ += 200;
            body_ += text_at(margin, y_, "dim",
                             counted(chart_.later, "more was", "more were") + " first wanted after the boot.");
        }
        const Tenths height = y_ + margin;
        std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + px(width_) + "\" height=\"" +
                          px(height) + "\" viewBox=\"0 0 " + px(width_) + " " + px(height) + "\">\n<title>" +
                          xml("The boot of " + machine_.host) + "</title>\n";
        svg += style;
        svg += "<rect class=\"paper\" width=\"" + px(width_) + "\" height=\"" + px(height) + "\"/>\n";
        return svg + head_ + grid() + links() + body_ + "</svg>\n";
    }

private:
    static constexpr Tenths head_height = 1'130;

    Tenths x(std::int64_t at) const { return left_ + (at - chart_.begin) * chart_width / (chart_.end - chart_.begin); }
    static std::string text_at(Tenths x, Tenths y, std::string_view kind, std::string_view text) {
        std::string out = "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\"";
        if (!kind.empty())
            out.append(" class=\"").append(kind).append("\"");
        return out + ">" + xml(text) + "</text>\n";
    }
    static std::string rect(std::string_view kind, Tenths x, Tenths y, Tenths width, Tenths height) {
        return "<rect class=\"" + std::string(kind) + "\" x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"" +
               px(width) + "\" height=\"" + px(height) + "\"/>\n";
    }
    // At least one unit wide, so that every bar is visible.
    std::string bar(std::string_view kind, std::int64_t from, std::int64_t to) const {
        return rect(kind, x(from), y_ + (row_height - bar_height) / 2, std::max<Tenths>(x(to) - x(from), 20),
                    bar_height);
    }

    void heading() {
        head_ += text_at(margin, margin + 160, "h",
                         cut_to((chart_.kernel ? "Boot of " : "Start of miniinit on ") + machine_.host, 6'000));
        // If the boot of the machine is no part of the chart, the chart begins with the init.
        std::string line = machine_.kernel + " · miniinit " + boot_.overview.version + " · " +
                           local_time(machine_.booted_realtime + chart_.begin);
        head_ += text_at(margin, margin + 360, "dim", cut_to(line, 9'500));
        const std::int64_t loaded = boot_.units_loaded.value_or(boot_.init);
        const std::string goal = boot_.overview.target.empty() ? "everything" : boot_.overview.target;
        if (boot_.end) {
            line = goal + (boot_.overview.target.empty() ? " was up after " : " was reached after ") +
                   short_time(*boot_.end - chart_.begin) + ": ";
            if (chart_.kernel)
                line += "kernel " + short_time(boot_.init) + " + ";
            line += "init " + short_time(loaded - boot_.init) + " + units " + short_time(*boot_.end - loaded);
        } else {
            line = goal + (boot_.overview.target.empty() ? " is not up yet" : " is not reached yet");
        }
        head_ += text_at(margin, margin + 550, "b", cut_to(line, 9'500));
        legend();
    }
    void legend() {
        Tenths at = margin;
        const Tenths y = margin + 750;
        auto entry = [&](const std::string& sign, std::string_view text) {
            head_ += sign + text_at(at + 220, y, "dim", text);
            at += 220 + width_of(text) + 200;
        };
        auto box = [&](std::string_view kind) { return rect(kind, at, y - 85, 160, 95); };
        auto line = [&](std::string_view kind) {
            return "<path class=\"" + std::string(kind) + "\" d=\"M" + px(at) + " " + px(y - 38) + "h16\"/>\n";
        };
        entry(line("wait"), "waiting");
        entry(box("start"), "starting");
        entry(box("up"), "up");
        entry(box("bad"), "failed");
        entry(diamond(at + 80, y - 38, "target"), "target");
        entry(diamond(at + 80, y - 38, "skip"), "skipped");
        entry(line("chain"), "the chain of waiting that decided when all was up");
    }
    static std::string diamond(Tenths x, Tenths y, std::string_view kind) {
        return "<path class=\"" + std::string(kind) + "\" d=\"M" + px(x - 45) + " " + px(y) +
               "l4.5 -4.5 4.5 4.5 -4.5 4.5z\"/>\n";
    }
    // An axis, with a number at each line of the grid.
    void axis() {
        bands_.push_back(y_);
        for (std::int64_t at = chart_.begin; at <= chart_.end; at += step_)
            body_ += text_at(x(at), y_ + 170, "dim m", at_line(at - chart_.begin, step_));
        y_ += axis_height;
    }
    std::string grid() const {
        std::string out = "<path class=\"grid\" d=\"";
        const Tenths top = bands_.front() + 220, bottom = bands_.back();
        for (std::int64_t at = chart_.begin; at <= chart_.end; at += step_)
            out += "M" + px(x(at)) + " " + px(top) + "V" + px(bottom);
        out += "\"/>\n";
        if (boot_.end)
            out += "<path class=\"goal\" d=\"M" + px(x(*boot_.end)) + " " + px(top) + "V" + px(bottom) + "\"/>\n";
        return out;
    }
    void names(std::string_view name, std::string_view name_kind, const std::string& time) {
        const Tenths base = y_ + row_height / 2 + 40;
        body_ += text_at(margin, base, name_kind, cut_to(name, name_width_));
        if (!time.empty())
            body_ += text_at(left_ - gap, base, "dim e", time);
    }
    void own_row(std::string_view name, std::string_view kind, std::int64_t from, std::int64_t to,
                 std::string_view meaning) {
        const std::string time = short_time(to - from);
        body_ += "<g class=\"r\"><title>" + xml(std::string(name) + ": " + time + " " + std::string(meaning)) +
                 "</title>\n" + rect("plain", 0, y_, width_, row_height);
        names(name, "", time);
        body_ += bar(kind, from, to) + "</g>\n";
        y_ += row_height;
    }

    void unit_row(std::size_t index) {
        const BootUnit& unit = boot_.units[index];
        const Phases phases = phases_of(boot_, chart_, unit);
        const bool in_chain = place_in_chain_.contains(index);
        const Tenths middle = y_ + row_height / 2;
        body_ += "<g class=\"r\"><title>" + xml(hover(index, phases)) + "</title>\n" +
                 rect("plain", 0, y_, width_, row_height);
        if (phases.starting > phases.waiting)
            body_ += "<path class=\"wait\" d=\"M" + px(x(phases.waiting)) + " " + px(middle) + "H" +
                     px(x(phases.starting)) + "\"/>\n";
        std::string kind = phases.failed ? "f" : phases.skipped ? "dim" : in_chain ? "c" : "";
        if (in_chain || unit.kind == core::Kind::target)
            kind += kind.empty() ? "b" : " b";
        const bool timed = phases.started && unit.kind == core::Kind::service && !phases.skipped;
        names(unit.name, kind, timed ? short_time(*took(boot_, unit)) : "");
        if (phases.runs)
            body_ += bar("up", phases.up, phases.ended);
        if (phases.skipped)
            body_ += diamond(x(phases.up), middle, "skip");
        else if (unit.kind == core::Kind::target && phases.came_up)
            body_ += diamond(x(phases.up), middle, "target");
        else if (phases.started || phases.failed)
            body_ += bar(phases.failed ? "bad" : settled(unit) ? "start" : "start open", phases.starting, phases.up);
        body_ += "</g>\n";
        middle_[index] = middle;
        y_ += row_height;
    }
    // Lines from the end of the unit that was waited for, down and along to the start of the waiting unit.
    std::string links() const {
        std::string path;
        for (std::size_t i = 0; i + 1 < chain_.size(); ++i) {
            const BootUnit &unit = boot_.units[chain_[i].unit], &before = boot_.units[chain_[i + 1].unit];
            auto to = middle_.find(chain_[i].unit), from = middle_.find(chain_[i + 1].unit);
            if (to == middle_.end() || from == middle_.end())
                continue;
            const Phases after = phases_of(boot_, chart_, unit), done = phases_of(boot_, chart_, before);
            path += "M" + px(x(done.up)) + " " + px(from->second) + "V" + px(to->second) + "H" + px(x(after.starting));
        }
        return path.empty() ? path : "<path class=\"chain\" d=\"" + path + "\"/>\n";
    }

    // The text for a pointer that rests on the row.
    std::string hover(std::size_t index, const Phases& phases) const {
        const BootUnit& unit = boot_.units[index];
        const wire::FirstStart& first = *unit.first;
        auto when = [&](std::int64_t at) { return " at " + millis(at - chart_.begin); };
        std::string text = unit.name;
        if (!unit.description.empty())
            text += ": " + unit.description;
        text += "\nwanted" + when(first.waiting);
        // The last unit that it waited for.
        if (const auto last = waited_for(boot_, index)) {
            const auto there = settled(boot_.units[*last]);
            text += ", waited for " + boot_.units[*last].name +
                    (there ? ", which was there" + when(*there) : ", which is not there yet");
        }
        if (first.starting)
            text +=
                "\nstarting" + when(*first.starting) + ", after waiting " + short_time(*first.starting - first.waiting);
        if (phases.skipped)
            text += "\nskipped" + when(*first.up);
        else if (first.up)
            text += "\n" + std::string(first.outcome == core::Phase::done ? "done" : "up") + when(*first.up) +
                    ", it took " + short_time(*took(boot_, unit));
        else if (first.ended)
            text += "\ndid not come up: " + std::string(wire::word(first.outcome)) + when(*first.ended);
        else
            text += first.starting ? "\nis still starting" : "\nis still waiting";
        if (first.up && first.ended && !phases.skipped)
            text += "\n" + std::string(wire::word(first.outcome)) + when(*first.ended);
        text += "\nnow " + std::string(wire::word(unit.state));
        if (!unit.reason.empty())
            text += ", " + unit.reason;
        if (unit.pid)
            text += ", PID " + std::to_string(*unit.pid);
        if (unit.exit)
            text += "\nlast exit: " + unit.exit->text;
        return text;
    }

    const Boot& boot_;
    const Machine& machine_;
    Chart chart_;
    std::int64_t step_;
    std::vector<ChainLink> chain_;
    std::map<std::size_t, std::size_t> place_in_chain_;
    std::map<std::size_t, Tenths> middle_; // middle of each unit's row
    std::vector<Tenths> bands_;            // places of the axes
    Tenths name_width_ = 0, left_ = 0, width_ = 0, y_ = 0;
    std::string head_, body_;
};

} // namespace

std::string plot_view(const Boot& boot, const Machine& machine) { return Picture(boot, machine).draw(); }

} // namespace mi::ctl
