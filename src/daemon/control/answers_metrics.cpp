#include "daemon/control/answers_metrics.hpp"

#include "daemon/control/overview.hpp"
#include "daemon/control/unit_status.hpp"
#include "wire/metrics.hpp"
#include "wire/varlink.hpp"

#include <utility>

namespace mi::daemon {

namespace {

// Told one by one. Which of them is the last one has to be known when it is told: so one is held back.
class MetricStream {
public:
    MetricStream(const Parts& parts, wire::ManagerFacts facts, std::vector<std::string> units)
        : parts_(parts), facts_(std::move(facts)), units_(std::move(units)) {}

    // Appends one reply; false: it was the last one.
    bool next(std::string& out) {
        wire::Metric metric = *take();
        if (!held_)
            held_ = take();
        wire::append_one_reply(out, metric, held_.has_value());
        return held_.has_value();
    }

private:
    // The one that was held back, or one from the next family that has any.
    std::optional<wire::Metric> take() {
        if (held_)
            return std::exchange(held_, std::nullopt);
        while (at_ == samples_.size()) {
            if (row_ == wire::metric_rows().size() && !next_unit())
                return std::nullopt;
            const wire::MetricRow& row = wire::metric_rows()[row_++];
            samples_.clear();
            at_ = 0;
            if (row.of_unit != nullptr && !unit_.empty())
                row.of_unit(status_, samples_);
            else if (row.of_manager != nullptr && unit_.empty())
                row.of_manager(facts_, samples_);
        }
        return wire::told(wire::metric_rows()[row_ - 1], samples_[at_++], unit_);
    }

    // By name, as the units may be read again meanwhile.
    bool next_unit() {
        while (next_unit_ < units_.size()) {
            const core::UnitId id = parts_.engine.graph().find(units_[next_unit_++]);
            if (id == core::no_unit)
                continue;
            status_ = status_of(parts_, id, Detail::usage);
            unit_ = status_.name;
            row_ = 0;
            return true;
        }
        return false;
    }

    const Parts& parts_;
    wire::ManagerFacts facts_;
    std::vector<std::string> units_;
    std::size_t next_unit_ = 0, row_ = 0, at_ = 0;
    std::string unit_;
    wire::UnitStatus status_;
    std::vector<wire::MetricSample> samples_; // of the row before row_
    std::optional<wire::Metric> held_;
};

} // namespace

void MetricsAnswers::answer(CallId id, const Caller&, const wire::ListMetrics&) {
    wire::ManagerFacts facts{.overview = overview_of(parts_)};
    std::vector<std::string> names;
    for (core::UnitId unit : parts_.engine.graph().ids()) {
        names.push_back(parts_.engine.graph().name(unit));
        ++facts.units[static_cast<std::size_t>(parts_.engine.record(unit).phase)];
    }
    const std::size_t bytes = memory_of(names);
    parts_.control->reply_each(
        id,
        [stream = MetricStream(parts_, std::move(facts), std::move(names))](std::string& out) mutable {
            return stream.next(out);
        },
        bytes);
}

void MetricsAnswers::answer(CallId id, const Caller&, const wire::DescribeMetrics&) {
    const std::span<const wire::MetricRow> rows = wire::metric_rows();
    parts_.control->reply_each(
        id,
        [rows, at = std::size_t{0}](std::string& out) mutable {
            wire::append_one_reply(out, wire::told(rows[at]), at + 1 < rows.size());
            return ++at < rows.size();
        },
        0);
}

} // namespace mi::daemon
