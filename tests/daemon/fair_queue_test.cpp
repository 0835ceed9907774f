#include "daemon/control/fair_queue.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace mi;
using namespace std::chrono_literals;

namespace {

using Queue = daemon::FairQueue<int>;

// Serves so many items, each of which costs what its user's items cost, and gives how many of each user came. Everybody goes on
// asking.
std::map<uid_t, int> serve(Queue& queue, const std::map<uid_t, Span>& costs, int rounds) {
    std::map<uid_t, int> served;
    for (int i = 0; i < rounds; ++i) {
        const int item = queue.next();
        const uid_t user = static_cast<uid_t>(item / 1000);
        ++served[user];
        queue.charge(user, costs.at(user));
        queue.add(user, item);
    }
    return served;
}

} // namespace

TEST_CASE("users share by the time that they cost, however many items they have") {
    Queue queue;
    for (int item = 0; item < 200; ++item)
        queue.add(1, 1000 + item);
    queue.add(2, 2000);
    queue.add(3, 3000);
    std::map<uid_t, int> served = serve(queue, {{1, 1ms}, {2, 1ms}, {3, 4ms}}, 900);
    CHECK(served[1] == served[2]);
    CHECK(served[1] == doctest::Approx(4 * served[3]).epsilon(0.02));
}

TEST_CASE("the items of a user come in their order") {
    Queue queue;
    for (int item : {1003, 1001, 1002})
        queue.add(1, item);
    queue.remove(1, 1001);
    CHECK(queue.next() == 1003);
    CHECK(queue.next() == 1002);
    CHECK(queue.empty());
}

TEST_CASE("who was away has saved nothing up, and who comes is not behind for long") {
    Queue queue;
    queue.add(1, 1000);
    queue.add(2, 2000);
    (void)serve(queue, {{1, 1ms}, {2, 1ms}}, 1000);
    queue.add(3, 3000);
    std::map<uid_t, int> served = serve(queue, {{1, 1ms}, {2, 1ms}, {3, 1ms}}, 30);
    CHECK(served[3] >= 9);
    CHECK(served[3] <= 12);
}

TEST_CASE("a user who leaves and comes back in the same moment still owes what he has cost") {
    Queue queue;
    queue.add(2, 2000);
    queue.add(1, 1000);
    for (int i = 0; i < 2; ++i)
        if (const int item = queue.next(); item == 1000) {
            queue.charge(1, 10ms);
            queue.add(1, 1001);
            queue.remove(1, 1001);
            queue.add(1, 1002);
        } else {
            queue.charge(2, 1ms);
            queue.add(2, item);
        }
    for (int i = 0; i < 8; ++i) {
        CHECK(queue.next() == 2000);
        queue.charge(2, 1ms);
        queue.add(2, 2000);
    }
}

TEST_CASE("nothing is left of users whose items are taken out") {
    Queue queue;
    for (uid_t user = 0; user < 10'000; ++user) {
        queue.add(user, 1);
        queue.remove(user, 1);
    }
    CHECK(queue.empty());
    queue.add(7, 7000);
    CHECK(queue.next() == 7000);
}
