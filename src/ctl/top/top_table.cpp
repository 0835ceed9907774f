#include "ctl/top/top_table.hpp"

#include "base/text.hpp"
#include "base/unreachable.hpp"
#include "ctl/text/view.hpp"

#include <algorithm>
#include <array>

namespace mi::ctl {

namespace {

// A unit without further activity: it has finished, or never starts.
bool quiet(const wire::UnitStatus& unit) {
    switch (unit.state) {
    case core::Phase::down:
    case core::Phase::done:
    case core::Phase::skipped: return true;
    case core::Phase::waiting:
    case core::Phase::starting:
    case core::Phase::up:
    case core::Phase::reloading:
    case core::Phase::stopping:
    case core::Phase::backoff:
    case core::Phase::failed:
    case core::Phase::invalid: return unit.kind == core::Kind::target;
    }
    unreachable("there is no other phase");
}

// Order by how much a state needs attention.
unsigned urgency(core::Phase state) {
    switch (colour_of(state)) {
    case Colour::bad: return 3;
    case Colour::busy: return 2;
    case Colour::good: return 1;
    case Colour::plain:
    case Colour::faint:
    case Colour::strong: return 0;
    }
    unreachable("there is no other colour");
}

// "12.3" for a number of thousandths.
std::string percent(std::int64_t permille) {
    return permille >= 10'000 ? std::to_string(permille / 10)
                              : std::to_string(permille / 10) + "." + std::to_string(permille % 10);
}

// "5s", "3m12", "2h05", "4d03": at most six columns.
std::string short_age(std::int64_t micros) {
    const std::int64_t s = std::max<std::int64_t>(micros, 0) / 1'000'000;
    auto two = [](std::int64_t great, char unit, std::int64_t small) {
        return std::to_string(great) + unit + (small < 10 ? "0" : "") + std::to_string(small);
    };
    return s < 60      ? std::to_string(s) + "s"
           : s < 3600  ? two(s / 60, 'm', s % 60)
           : s < 86400 ? two(s / 3600, 'h', s / 60 % 60)
                       : two(s / 86400, 'd', s / 3600 % 24);
}

std::string right(std::string text, unsigned width) {
    return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

} // namespace

// The names and widths of the columns, and the order in which they are dropped if there is no room.
constexpr std::array<TopTable::Column, 6> TopTable::columns_of_table{{{TopOrder::state, "STATE", 9, 6},
                                                                      {TopOrder::cpu, "CPU%", 6, 5},
                                                                      {TopOrder::memory, "MEMORY", 7, 4},
                                                                      {TopOrder::tasks, "TASKS", 5, 2},
                                                                      {TopOrder::restarts, "RESTARTS", 8, 1},
                                                                      {TopOrder::uptime, "SINCE", 6, 3}}};

bool order_named(std::string_view word, TopOrder& order) {
    const auto at = std::ranges::find(order_words, word);
    if (at == order_words.end())
        return false;
    order = static_cast<TopOrder>(at - order_words.begin());
    return true;
}

void TopTable::update(std::vector<wire::UnitStatus> units, std::int64_t at) {
    std::ranges::sort(units, {}, &wire::UnitStatus::name);
    std::vector<Sample> samples;
    load_.assign(units.size(), std::nullopt);
    const std::int64_t passed = at - sampled_;
    for (std::size_t i = 0; i < units.size(); ++i) {
        if (!units[i].cpu_usec)
            continue;
        auto before = std::ranges::lower_bound(before_, units[i].name, {}, &Sample::unit);
        // Less CPU time than before means a new run.
        if (before != before_.end() && before->unit == units[i].name && passed > 0 && *units[i].cpu_usec >= before->cpu)
            load_[i] = (*units[i].cpu_usec - before->cpu) * 1000 / passed;
        samples.push_back({units[i].name, *units[i].cpu_usec});
    }
    before_ = std::move(samples);
    sampled_ = at;
    units_ = std::move(units);
    arrange();
}

void TopTable::order_by(TopOrder order) {
    reversed_ = order == order_ && !reversed_;
    order_ = order;
    arrange();
}

void TopTable::show_all(bool all) {
    all_ = all;
    arrange();
}

void TopTable::filter(std::string text) {
    filter_ = std::move(text);
    arrange();
}

std::size_t TopTable::place() const {
    const auto at = std::ranges::find(rows_, selected_, &TopRow::unit);
    return at == rows_.end() ? 0 : static_cast<std::size_t>(at - rows_.begin());
}

void TopTable::move(std::int64_t by) {
    if (rows_.empty())
        return;
    selecting_ = true;
    const auto last = static_cast<std::int64_t>(rows_.size()) - 1;
    selected_ =
        rows_[static_cast<std::size_t>(std::clamp<std::int64_t>(static_cast<std::int64_t>(place()) + by, 0, last))]
            .unit;
}

void TopTable::arrange() {
    rows_.clear();
    for (std::size_t i = 0; i < units_.size(); ++i) {
        const wire::UnitStatus& unit = units_[i];
        if ((!all_ && quiet(unit)) || (!filter_.empty() && !unit.name.contains(filter_)))
            continue;
        rows_.push_back({unit.name,
                         unit.state,
                         unit.frozen,
                         load_[i],
                         unit.memory_bytes,
                         unit.tasks,
                         unit.restarts,
                         unit.since_monotonic,
                         {},
                         unit.summed,
                         unit.health});
        std::ranges::replace(rows_.back().summed, "cpu_usec", "cpu_permille"); // which is made of it
    }
    // The greatest first, but of names and of times the least: up for longest.
    auto less = [this](const TopRow& a, const TopRow& b) {
        switch (order_) {
        case TopOrder::cpu: return b.cpu_permille.value_or(-1) < a.cpu_permille.value_or(-1);
        case TopOrder::memory: return b.memory_bytes.value_or(-1) < a.memory_bytes.value_or(-1);
        case TopOrder::tasks: return b.tasks.value_or(-1) < a.tasks.value_or(-1);
        case TopOrder::restarts: return b.restarts < a.restarts;
        case TopOrder::uptime: return a.since_monotonic < b.since_monotonic;
        case TopOrder::state: return urgency(b.state) < urgency(a.state);
        case TopOrder::name: return a.unit < b.unit;
        }
        unreachable("there is no other order of rows");
    };
    // Equal rows stay sorted by name.
    std::ranges::stable_sort(rows_,
                             [&](const TopRow& a, const TopRow& b) { return reversed_ ? less(b, a) : less(a, b); });
    // Until the user selects a unit, the first row is selected.
    if (!rows_.empty() && (!selecting_ || std::ranges::find(rows_, selected_, &TopRow::unit) == rows_.end()))
        selected_ = rows_[selecting_ ? std::min(first_, rows_.size() - 1) : 0].unit;
    if (rows_.empty())
        selected_.clear();
}

std::optional<std::int64_t> TopTable::age_of(const TopRow& row, std::int64_t now) const {
    return row.since_monotonic == 0 ? std::nullopt : std::optional(now - row.since_monotonic);
}

// Computes the columns that fit, and shows the last log line of each unit if enough letters of it fit.
TopTable::Layout TopTable::layout(unsigned width) const {
    constexpr std::size_t worth = 12; // the fewest letters of a line that are useful
    Layout layout{.shown = {columns_of_table.begin(), columns_of_table.end()}, .width = width};
    // The name column is as wide as the longest name, but at most a third of the terminal.
    for (const TopRow& row : rows_)
        layout.name = std::max(layout.name, columns(row.unit));
    if (width != 0)
        layout.name = std::min<std::size_t>(layout.name, std::max(8u, width / 3));
    for (unsigned goes = 1; width != 0 && layout.taken() > width && goes <= 6; ++goes)
        std::erase_if(layout.shown, [&](const Column& column) { return column.goes == goes; });
    layout.with_line = width == 0 || layout.taken() + 2 + worth <= width;
    return layout;
}

std::string TopTable::heading(const Layout& layout) const {
    std::string heading = fitted(order_ == TopOrder::name ? (reversed_ ? "UNIT▴" : "UNIT▾") : "UNIT", layout.name);
    for (const Column& column : layout.shown) {
        std::string word(column.heading);
        if (column.order == order_)
            word += reversed_ ? "▴" : "▾";
        const std::size_t wide = columns(word);
        const std::string blanks(wide < column.width ? column.width - wide : 0, ' ');
        // A marked heading may use the blank before it.
        heading += column.order == TopOrder::state ? " " + word + blanks
                   : wide > column.width           ? word
                                                   : " " + blanks + word;
    }
    if (layout.with_line)
        heading += "  LAST LINE";
    return layout.width != 0 ? fitted(heading, layout.width) : heading;
}

// Chooses the visible rows around the selected one.
void TopTable::scroll(std::size_t room) {
    const std::size_t at = place();
    if (at < first_)
        first_ = at;
    if (at >= first_ + room)
        first_ = at - room + 1;
    // Leave no empty rows below while rows above are hidden.
    first_ = std::min(first_, rows_.size() > room ? rows_.size() - room : 0);
}

bool TopRow::is_summed(std::string_view field) const { return std::ranges::find(summed, field) != summed.end(); }

std::string TopTable::cell(const Style& style, const Column& column, const TopRow& row, std::int64_t now) const {
    auto mark = [&row](std::string_view field) { return std::string(row.is_summed(field) ? "~" : ""); };
    switch (column.order) {
    case TopOrder::state:
        if (row.frozen)
            return paint(style, Colour::busy, fitted("frozen", column.width));
        return row.health == core::Health::unhealthy && row.state == core::Phase::up
                   ? paint(style, Colour::bad, fitted("unhealthy", column.width))
                   : state_word(style, row.state, column.width);
    case TopOrder::cpu:
        return right(row.cpu_permille ? mark("cpu_permille") + percent(*row.cpu_permille) : "-", column.width);
    case TopOrder::memory:
        return right(row.memory_bytes ? mark("memory_bytes") + size_text(static_cast<std::uint64_t>(*row.memory_bytes))
                                      : "-",
                     column.width);
    case TopOrder::tasks: return right(row.tasks ? std::to_string(*row.tasks) : "-", column.width);
    case TopOrder::restarts: {
        std::string count = right(std::to_string(row.restarts), column.width);
        return row.restarts == 0 ? count : paint(style, Colour::busy, count);
    }
    case TopOrder::uptime: {
        const auto past = age_of(row, now);
        return right(past ? short_age(*past) : "-", column.width);
    }
    case TopOrder::name: return {};
    }
    unreachable("there is no other column");
}

std::vector<std::string> TopTable::lines(const Style& style, unsigned width, unsigned height, std::int64_t now,
                                         const LastLine& last) {
    const Layout shown = layout(width);
    std::vector<std::string> all{heading(shown)};
    const std::size_t room = height == 0 ? rows_.size() : height - 1;
    if (height != 0 && room > 0)
        scroll(room);
    else
        first_ = 0;
    for (std::size_t i = first_; i < std::min(rows_.size(), first_ + room); ++i) {
        const TopRow& row = rows_[i];
        const bool chosen = style.terminal && height != 0 && row.unit == selected_;
        // The selected row is in reverse video, where colours would be hard to read.
        Style own = style;
        own.colours = style.colours && !chosen;
        std::string line = fitted(harmless(row.unit), shown.name);
        for (const Column& column : shown.shown)
            line += ' ' + cell(own, column, row, now);
        if (shown.with_line) {
            const std::string said = harmless(last ? last(row.unit) : std::string());
            line += "  " + (width != 0 ? fitted(said, width - shown.taken() - 2) : said);
        } else if (chosen && shown.taken() < width) {
            line.append(width - shown.taken(), ' ');
        }
        if (width == 0)
            line.erase(line.find_last_not_of(' ') + 1);
        all.push_back(chosen ? "\033[7m" + line + "\033[0m" : std::move(line));
    }
    return all;
}

TopRows TopTable::told(const LastLine& last) const {
    TopRows rows{rows_};
    for (TopRow& row : rows.units)
        if (last)
            row.last_line = last(row.unit);
    return rows;
}

} // namespace mi::ctl
