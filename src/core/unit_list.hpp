// A list of units to be handled, each at most once.
#pragma once

#include "core/record.hpp"

#include <utility>
#include <vector>

namespace mi::core {

// `Units`: a vector, or a deque to take the first one first.
template <typename Units>
class UnitList {
public:
    // Empties the list, for ids below `size`.
    void reset(std::size_t size) {
        units_.clear();
        listed_.assign(size, 0);
    }
    // Always inlined: every change of a record calls this, and at -Os the call costs more than the test.
    [[gnu::always_inline]] void add(UnitId id) {
        if (!listed_[id]) {
            listed_[id] = 1;
            units_.push_back(id);
        }
    }
    [[nodiscard]] bool empty() const { return units_.empty(); }
    UnitId take_first() {
        const UnitId id = units_.front();
        units_.pop_front();
        listed_[id] = 0;
        return id;
    }
    UnitId take_last() {
        const UnitId id = units_.back();
        units_.pop_back();
        listed_[id] = 0;
        return id;
    }
    // Moves all of them into `units`, and keeps the memory of `units` for later.
    void take_all(Units& units) {
        units.clear();
        std::swap(units, units_);
        for (UnitId id : units)
            listed_[id] = 0;
    }

private:
    Units units_;
    std::vector<char> listed_; // by id
};

} // namespace mi::core
