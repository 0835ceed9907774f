#include "daemon/control/client_accounts.hpp"

#include <doctest/doctest.h>

using namespace mi::daemon;

namespace {

Caller user(uid_t uid) { return {.uid = uid}; }
Caller root() { return {.may_act = true}; }

} // namespace

TEST_CASE("connections and bytes are counted for each user, for those who may not act, and for all") {
    ClientAccounts accounts;
    accounts.enter(user(5));
    accounts.enter(user(5));
    accounts.enter(user(6));
    accounts.enter(root());
    CHECK(accounts.busiest() == 5);
    accounts.change(user(5), 0, 1000);
    accounts.change(user(5), 0, 10);
    accounts.change(user(6), 0, 200);
    accounts.change(root(), 0, 3000);
    accounts.change(user(5), 1000, 400);
    CHECK(accounts.of(5).connections == 2);
    CHECK(accounts.of(5).bytes == 410);
    CHECK(accounts.of(6).bytes == 200);
    CHECK(accounts.others() == 610);
    CHECK(accounts.total() == 3610);
}

TEST_CASE("a client that goes leaves nothing behind") {
    ClientAccounts accounts;
    accounts.enter(root());
    CHECK(accounts.busiest() == std::nullopt);
    accounts.enter(user(5));
    accounts.change(user(5), 0, 1000);
    accounts.leave(user(5), 1000);
    accounts.leave(root(), 0);
    CHECK(accounts.of(5).connections == 0);
    CHECK(accounts.busiest() == std::nullopt);
    CHECK(accounts.others() == 0);
    CHECK(accounts.total() == 0);
}
