// What is measured: one table of families, for minictl's OpenMetrics text and for io.systemd.Metrics alike. Names, types and
// labels are a promise to those who have them in a query (minictl(1), METRICS): rows are added, and never changed.
#pragma once

#include "wire/errors.hpp"
#include "wire/replies.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mi::wire {

// One value of a family: of the manager, or of one unit.
struct MetricSample {
    std::int64_t value = 0;
    std::string_view word; // the value of the family's second label; empty: it has none
};

// What families of the manager are made of.
struct ManagerFacts {
    Overview overview;
    std::array<std::int64_t, Words<core::Phase>::count> units{}; // how many are in each state
};

struct MetricRow {
    std::string_view
        name;        // `unit_restarts` is the family miniinit_unit_restarts, or org.miniinit.Manager.unit_restarts
    MetricType type; // string: the value is the word of its label, which OpenMetrics has as a 1 with that label
    std::string_view label, help;
    bool micros; // values are millionths of what the name says
    // One of them: the samples of the manager, or those of a unit.
    void (*of_manager)(const ManagerFacts& facts, std::vector<MetricSample>& to);
    void (*of_unit)(const UnitStatus& unit, std::vector<MetricSample>& to);
};

[[nodiscard]] std::span<const MetricRow> metric_rows();

// The value as digits.
[[nodiscard]] std::string metric_digits(const MetricRow& row, const MetricSample& sample);

// The same as io.systemd.Metrics tells it. `unit`: its name, or empty.
[[nodiscard]] Metric told(const MetricRow& row, const MetricSample& sample, std::string_view unit);
[[nodiscard]] MetricFamilyReply told(const MetricRow& row);

// How counters are written, which the two formats have in different ways: as what both can read (without a type), or as one of
// them has it.
enum class MetricFormat : std::uint8_t { both, openmetrics, prometheus };

// All of it as text that ends with `# EOF`.
[[nodiscard]] std::string metrics_text(const ManagerFacts& facts, std::span<const UnitStatus> units,
                                       MetricFormat format);

} // namespace mi::wire
