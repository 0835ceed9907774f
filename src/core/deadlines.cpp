#include "core/deadlines.hpp"

namespace mi::core {

void Deadlines::reset(const std::vector<Record>& records) {
    entries_ = {};
    entered_.assign(records.size(), never);
    for (UnitId id = 0; id < records.size(); ++id)
        enter(id, records[id].*field_);
}

// Entries that no longer count go, those put off go to their new place.
UnitId Deadlines::first(const std::vector<Record>& records) {
    while (!entries_.empty()) {
        const Entry top = entries_.top();
        if (entered_[top.unit] == top.at && records[top.unit].*field_ == top.at)
            return top.unit;
        entries_.pop();
        if (entered_[top.unit] == top.at)
            enter(top.unit, records[top.unit].*field_);
    }
    return no_unit;
}

std::vector<UnitId> Deadlines::passed(const std::vector<Record>& records, Instant now) {
    std::vector<UnitId> units;
    for (UnitId unit = first(records); unit != no_unit && records[unit].*field_ <= now; unit = first(records)) {
        units.push_back(unit);
        entries_.pop();
    }
    for (UnitId unit : units)
        entries_.push({entered_[unit], unit});
    return units;
}

} // namespace mi::core
