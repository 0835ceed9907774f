// Finds the next deadline. Deadlines are fields of the records; this is only an order over them (a heap).
#pragma once

#include "core/record.hpp"

#include <functional>
#include <queue>
#include <vector>

namespace mi::core {

class Deadlines {
public:
    // `field`: which moment of a record.
    explicit Deadlines(Instant Record::* field) : field_(field) {}
    // Begins anew with the deadlines of these records.
    void reset(const std::vector<Record>& records);
    // The deadline of a record was set. One that was cleared, or put off, need not be told.
    void set(UnitId id, Instant deadline) {
        if (deadline < entered_[id])
            enter(id, deadline);
    }
    // The unit whose deadline is the first, or no_unit.
    [[nodiscard]] UnitId first(const std::vector<Record>& records);
    // All whose deadline has passed.
    [[nodiscard]] std::vector<UnitId> passed(const std::vector<Record>& records, Instant now);
    // How many entries there are: for tests.
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        Instant at;
        UnitId unit;
        bool operator>(const Entry& other) const { return at > other.at; }
    };
    void enter(UnitId id, Instant at) {
        entered_[id] = at;
        if (at != never)
            entries_.push({at, id});
    }

    Instant Record::* field_;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> entries_;
    // Of each unit the moment of the one entry that counts: not later than its deadline, which may have moved on since.
    // So one that is put off again and again, as a watchdog's is, adds no entry.
    std::vector<Instant> entered_;
};

} // namespace mi::core
