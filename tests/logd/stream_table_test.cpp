#include "logd/stream_table.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace mi::logd;

namespace {

std::vector<StreamId> ids_of(const StreamTable& table) {
    std::vector<StreamId> ids;
    for (const StreamTable::Entry& one : table.all())
        ids.push_back(one.id);
    return ids;
}

} // namespace

TEST_CASE("a stream is found by its id until it is removed, and its place is used again") {
    StreamTable table;
    CHECK(table.next_index() == 0);
    table.add(7, Source::out);
    table.add(3, Source::syslog);
    table.add(9, Source::err);
    CHECK(ids_of(table) == std::vector<StreamId>{3, 7, 9});
    CHECK(table.find(3) == 1);
    CHECK(table[table.find(9)].source == Source::err);
    CHECK(table.find(4) == StreamTable::none);

    table.remove(table.find(3));
    CHECK(table.find(3) == StreamTable::none);
    CHECK(table[1].id == 0);
    CHECK(ids_of(table) == std::vector<StreamId>{7, 9});
    CHECK(table.next_index() == 1);
    table.add(12, Source::out);
    CHECK(table.find(12) == 1);
    CHECK(table.next_index() == 3);
}

TEST_CASE("the sockets of syslog(3) are known among the streams") {
    StreamTable table;
    table.add(1, Source::syslog);
    table.add(2, Source::out);
    table.add(5, Source::syslog);
    CHECK(table.sockets() == std::vector<StreamId>{1, 5});
    table.remove(table.find(1));
    CHECK(table.sockets() == std::vector<StreamId>{5});
}
