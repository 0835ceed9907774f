// The table of `minictl top`: selects and sorts the units, and fits them to the terminal. Replies in, lines out;
// top.cpp reads keys, and screen.hpp handles the terminal.
#pragma once

#include "ctl/text/terminal.hpp"
#include "wire/messages.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::ctl {

enum class TopOrder : std::uint8_t { cpu, memory, tasks, restarts, uptime, name, state };
// As they are called, in this order; false where there is no such word.
inline constexpr std::array<std::string_view, 7> order_words{"cpu",    "memory", "tasks", "restarts",
                                                             "uptime", "name",   "state"};
[[nodiscard]] bool order_named(std::string_view word, TopOrder& order);

// A row as `--json` has it.
struct TopRow {
    std::string unit;
    core::Phase state = core::Phase::down;
    bool frozen = false;
    std::optional<std::int64_t> cpu_permille; // of one processor, since the refresh before; none: not known yet
    std::optional<std::int64_t> memory_bytes, tasks;
    std::uint32_t restarts = 0;
    std::int64_t since_monotonic = 0; // when the state began
    std::string last_line;            // of its log, where it was asked for
    // Which of cpu_permille, memory_bytes and tasks are sums over its processes, for want of a cgroup that counts.
    std::vector<std::string> summed;
    core::Health health = core::Health::none;
    [[nodiscard]] bool is_summed(std::string_view field) const;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("state", self.state);
        visit("frozen", self.frozen);
        visit("cpu_permille", self.cpu_permille);
        visit("memory_bytes", self.memory_bytes);
        visit("tasks", self.tasks);
        visit("restarts", self.restarts);
        visit("since_monotonic", self.since_monotonic);
        visit("last_line", self.last_line);
        visit("summed", self.summed);
        visit("health", self.health);
    }
};
struct TopRows {
    std::vector<TopRow> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};

class TopTable {
public:
    // Gets the last log line of a unit; called only for visible rows.
    using LastLine = std::function<std::string(const std::string& unit)>;

    // Takes a new reply. `at`: its time in microseconds, on the clock that CPU time is measured with.
    void update(std::vector<wire::UnitStatus> units, std::int64_t at);
    // The same order again reverses the direction.
    void order_by(TopOrder order);
    void show_all(bool all);
    [[nodiscard]] bool shows_all() const { return all_; }
    void filter(std::string text);
    [[nodiscard]] const std::string& filtered() const { return filter_; }
    // Moves the selection by `rows`. It stays with its unit when rows move.
    void move(std::int64_t rows);
    void select_first() { move(INT32_MIN); }
    void select_last() { move(INT32_MAX); }
    [[nodiscard]] const std::string& selected() const { return selected_; }
    [[nodiscard]] std::size_t size() const { return rows_.size(); }

    // The heading and `height` - 1 rows, each `width` columns wide (0: not cut), including the selected row, if any.
    [[nodiscard]] std::vector<std::string> lines(const Style& style, unsigned width, unsigned height, std::int64_t now,
                                                 const LastLine& last);
    [[nodiscard]] TopRows told(const LastLine& last) const;

private:
    struct Sample {
        std::string unit;
        std::int64_t cpu = 0;
    };
    struct Column {
        TopOrder order;
        std::string_view heading;
        unsigned width, goes; // `goes`: the order in which columns are dropped (1 is the first)
    };
    // The widths of all parts.
    struct Layout {
        std::vector<Column> shown;
        std::size_t name = 8;
        unsigned width = 0; // of the terminal; 0: any
        bool with_line = false;
        [[nodiscard]] std::size_t taken() const {
            std::size_t sum = name;
            for (const Column& column : shown)
                sum += 1 + column.width;
            return sum;
        }
    };
    static const std::array<Column, 6> columns_of_table;
    void arrange();
    [[nodiscard]] Layout layout(unsigned width) const;
    [[nodiscard]] std::string heading(const Layout& layout) const;
    void scroll(std::size_t room);
    [[nodiscard]] std::string cell(const Style& style, const Column& column, const TopRow& row, std::int64_t now) const;
    [[nodiscard]] std::size_t place() const; // index of the selected row
    [[nodiscard]] std::optional<std::int64_t> age_of(const TopRow& row, std::int64_t now) const;

    std::vector<wire::UnitStatus> units_;           // sorted by name
    std::vector<std::optional<std::int64_t>> load_; // of units_
    std::vector<Sample> before_;
    std::int64_t sampled_ = 0;
    std::vector<TopRow> rows_; // visible rows, in order
    TopOrder order_ = TopOrder::cpu;
    bool reversed_ = false, all_ = false, selecting_ = false;
    std::string filter_, selected_;
    std::size_t first_ = 0; // index of the top row
};

} // namespace mi::ctl
