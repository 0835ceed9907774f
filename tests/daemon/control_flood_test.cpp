// Those who may not act, asking for more than can be answered.
#include "control_world.hpp"

using namespace mi;
using namespace mi::test;
using namespace std::chrono_literals;

namespace {

const std::string list_call = R"({"method":"org.miniinit.Manager.List"})";
const std::string wait_call = R"({"method":"org.miniinit.Manager.Wait","parameters":{"unit":"x","state":"up"}})";
const std::string events_call = R"({"method":"org.miniinit.Manager.Events","more":true})";
constexpr uid_t alice = 70001, bob = 70002;

std::string many(std::string_view message, int times) {
    std::string all;
    for (int i = 0; i < times; ++i)
        all += std::string(message) + '\0';
    return all;
}

// So many connections of a user, each with a thousand calls that wait to be made.
std::vector<std::unique_ptr<Client>> flood(const World& world, uid_t user, int connections) {
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < connections; ++i) {
        clients.push_back(std::make_unique<Client>(world, user));
        REQUIRE(clients.back()->send(many(ping, 1000)));
    }
    return clients;
}

} // namespace

TEST_CASE("one who may act is answered before the calls of those who may not") {
    if (::geteuid() != 0)
        return;
    World world;
    world.in_loop([&] { world.handler.cost = 1ms; });
    auto crowd = flood(world, alice, 20);
    Client root(world);
    for (int i = 0; i < 10; ++i)
        CHECK(root.ask(ping) == pong);
    // A call or two of theirs in a turn, and a turn or two for each of ours; all of theirs would be 20,000.
    CHECK(world.in_loop([&] { return world.handler.of_user[alice]; }) < 1000);
}

TEST_CASE("time is shared by user and not by connection") {
    if (::geteuid() != 0)
        return;
    World world;
    auto crowd = flood(world, alice, 50);
    Client other(world, bob);
    unsigned before = 0;
    world.in_loop([&] {
        world.handler.cost = 200us;
        before = world.handler.of_user[alice];
        REQUIRE(other.send(many(ping, 500)));
    });
    REQUIRE(world.until([&] { return world.handler.of_user[bob] == 500; }));
    const unsigned hers = world.in_loop([&] { return world.handler.of_user[alice]; }) - before;
    CHECK(hers > 100); // he does not keep her waiting, either
    CHECK(hers < 3000);
}

TEST_CASE("many calls of those who may not act do not make a turn long") {
    if (::geteuid() != 0)
        return;
    World world;
    world.in_loop([&] { world.handler.cost = 500us; });
    auto crowd = flood(world, alice, 20);
    unsigned long turns = 0;
    unsigned calls = 0;
    world.in_loop([&] {
        turns = world.turns;
        calls = world.handler.calls;
    });
    REQUIRE(world.until([&] { return world.handler.calls > calls + 200; }));
    world.in_loop([&] {
        CHECK(world.handler.calls - calls <= 4 * (world.turns - turns + 1)); // of 500 µs, in 1 ms
    });
}

TEST_CASE("when nobody asks any more the loop comes to rest") {
    if (::geteuid() != 0)
        return;
    World world;
    {
        auto crowd = flood(world, alice, 5);
        Client silent(world, bob);
        REQUIRE(silent.say(list_call));
        REQUIRE(world.until([&] { return world.handler.of_user[alice] > 100; }));
    }
    REQUIRE(world.until([&] { return world.server().connections() == 0; }));
    Client waits(world, alice), unread(world, bob);
    REQUIRE(waits.say(wait_call));
    world.in_loop([&] { world.handler.units = 100'000; });
    REQUIRE(unread.say(list_call));
    REQUIRE(world.until([&] { return world.handler.kept.size() == 1 && world.handler.made > 100; }));
    ::usleep(20'000);
    const unsigned long turns = world.turns;
    ::usleep(50'000);
    CHECK(world.turns - turns < 5);
}

TEST_CASE("a list is made as it is read, and further calls wait for that") {
    World world;
    world.in_loop([&] { world.handler.units = 5000; });
    Client client(world);
    REQUIRE(client.send(many(list_call, 30)));
    REQUIRE(world.until([&] { return world.handler.made > 0; }));
    ::usleep(20'000);
    CHECK(world.in_loop([&] { return world.handler.calls; }) == 1);
    CHECK(world.in_loop([&] { return world.handler.made; }) < 4000);
    for (int i = 0; i < 30; ++i) {
        auto answer = wire::read_answer<wire::Units>(client.hear());
        REQUIRE(answer.has_value());
        REQUIRE(answer->value.units.size() == 5000);
    }
}

TEST_CASE("short answers that are not read hold up further calls, and none is lost") {
    for (bool may_act : {true, false}) {
        if (::geteuid() != 0 && !may_act)
            return;
        World world;
        Client client = may_act ? Client(world) : Client(world, alice);
        constexpr int times = 20'000;
        std::jthread speaker([&] { CHECK(client.send(many(ping, times))); });
        CHECK(world.until([&] { return world.handler.calls > 200; }));
        ::usleep(50'000);
        CHECK(world.in_loop([&] { return world.server().buffered(); }) < 512 << 10);
        CHECK(world.in_loop([&] { return world.handler.calls; }) < times);
        int heard = 0;
        while (heard < times && client.hear() == pong)
            ++heard;
        CHECK(heard == times);
    }
}

TEST_CASE("no answer is made for one who has gone") {
    if (::geteuid() != 0)
        return;
    World world;
    Client here(world, bob);
    CHECK(here.ask(ping) == pong);
    std::vector<std::unique_ptr<Client>> crowd;
    for (int i = 0; i < 20; ++i)
        crowd.push_back(std::make_unique<Client>(world, alice));
    REQUIRE(world.until([&] { return world.server().connections() == 21; }));
    world.in_loop([&] { // between two turns
        for (auto& client : crowd)
            CHECK(client->send(many(list_call, 100)));
        crowd.clear();
    });
    CHECK(here.ask(ping) == pong);
    REQUIRE(world.until([&] { return world.server().connections() == 1; }));
    CHECK(world.in_loop([&] { return world.handler.of_user[alice]; }) == 0);
    CHECK(world.in_loop([&] { return world.handler.made; }) == 0);
}

TEST_CASE("what a client holds is given back when it goes, not when the turn ends") {
    World world({.total_limit = 1 << 20});
    std::vector<std::unique_ptr<Client>> greedy;
    for (int i = 0; i < 4; ++i) {
        greedy.push_back(std::make_unique<Client>(world));
        CHECK(greedy.back()->send(std::string(100 << 10, 'x')));
    }
    REQUIRE(world.until([&] { return world.server().buffered() >= 400 << 10; }));
    Client listener(world);
    REQUIRE(listener.say(events_call));
    REQUIRE(world.until([&] { return world.handler.kept.size() == 1; }));
    world.in_loop([&] {
        wire::EventReply big;
        big.event.text = std::string(900 << 10, 'e');
        world.server().reply(world.handler.kept[0], big, true); // too much: the greediest goes, which is the listener
        CHECK(world.server().buffered() < 900 << 10);
        CHECK(world.server().connections() == 4);
    });
}

TEST_CASE("a user's buffers are bounded for themselves") {
    if (::geteuid() != 0)
        return;
    World world({.user_limit = 1 << 20, .others_limit = 3 << 19});
    Client modest(world, bob), root(world);
    REQUIRE(modest.say(wait_call));
    CHECK(root.send(std::string(100 << 10, 'x')));
    std::vector<std::unique_ptr<Client>> greedy;
    for (int i = 0; i < 40; ++i) {
        greedy.push_back(std::make_unique<Client>(world, alice));
        (void)greedy.back()->send(std::string(100 << 10, 'x')); // half a message
    }
    CHECK(world.until([&] { return world.server().connections() < 20; }));
    CHECK(world.in_loop([&] { return world.server().buffered(); }) <= (1 << 20) + (300 << 10));
    // A second one: both together have a bound as well.
    for (int i = 0; i < 40; ++i) {
        greedy.push_back(std::make_unique<Client>(world, bob + 1));
        (void)greedy.back()->send(std::string(100 << 10, 'x'));
    }
    CHECK(world.until([&] { return world.server().buffered() <= (3 << 19) + (300 << 10); }));
    world.in_loop([&] { world.server().reply(world.handler.kept.at(0), wire::UnitReply{}); });
    CHECK(modest.hear().find("\"unit\"") != std::string::npos);
    CHECK(root.send(std::string(1, '\0')));
    CHECK(root.hear() == "closed"); // its message was garbage, and was read
}

TEST_CASE("what the handler keeps for a call counts as the caller's") {
    World world({.total_limit = 1 << 20});
    Client first(world), second(world);
    REQUIRE(first.say(wait_call));
    REQUIRE(world.until([&] { return world.handler.kept.size() == 1; }));
    world.in_loop([&] { world.server().charge(world.handler.kept[0], 600 << 10); });
    CHECK(world.in_loop([&] { return world.server().buffered(); }) >= 600 << 10);
    REQUIRE(second.say(wait_call));
    REQUIRE(world.until([&] { return world.handler.kept.size() == 2; }));
    world.in_loop([&] { world.server().charge(world.handler.kept[1], 700 << 10); });
    CHECK(second.hear() == "closed");
    world.in_loop([&] { world.server().reply(world.handler.kept.at(0), wire::UnitReply{}); });
    CHECK(first.hear().find("\"unit\"") != std::string::npos);
    CHECK(world.in_loop([&] { return world.server().buffered(); }) < 100 << 10);
}

TEST_CASE("a thousand users with a connection each push out none of those who may act") {
    if (::geteuid() != 0)
        return;
    World world({.connections = 10});
    Client first(world), second(world), third(world);
    for (Client* client : {&first, &second, &third})
        CHECK(client->ask(ping) == pong);
    std::vector<std::unique_ptr<Client>> crowd;
    for (uid_t user = 0; user < 30; ++user)
        crowd.push_back(std::make_unique<Client>(world, alice + user));
    CHECK(crowd.back()->ask(ping) == pong);
    for (Client* client : {&first, &second, &third})
        CHECK(client->ask(ping) == pong);
    CHECK(world.in_loop([&] { return world.server().connections(); }) == 10);
}

TEST_CASE("a broadcast to many who may not act is sent in pieces, and comes whole") {
    if (::geteuid() != 0)
        return;
    World world;
    std::vector<std::unique_ptr<Client>> crowd;
    for (uid_t user = 0; user < 150; ++user) {
        crowd.push_back(std::make_unique<Client>(world, alice + user % 3));
        REQUIRE(crowd.back()->say(events_call));
    }
    REQUIRE(world.until([&] { return world.handler.kept.size() == 150; }));
    for (int i = 0; i < 20; ++i)
        world.in_loop([&] {
            wire::EventReply reply;
            reply.event.text = std::to_string(i) + std::string(400, 'e');
            world.server().broadcast(world.handler.kept, reply);
        });
    for (auto& client : crowd)
        for (int i = 0; i < 20; ++i)
            REQUIRE(client->hear().find("\"text\":\"" + std::to_string(i) + "e") != std::string::npos);
}
