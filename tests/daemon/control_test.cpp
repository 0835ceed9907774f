#include "control_world.hpp"

#include "wire/varlink.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>

using namespace mi;
using namespace mi::test;

namespace {

const std::string wait_call = R"({"method":"org.miniinit.Manager.Wait","parameters":{"unit":"x","state":"up"}})";
const std::string list_call = R"({"method":"org.miniinit.Manager.List"})";
const std::string events_call = R"({"method":"org.miniinit.Manager.Events","more":true})";
const std::string shutdown_call = R"({"method":"org.miniinit.Manager.Shutdown","parameters":{"how":"reboot"}})";

std::string status_call(const std::string& name) {
    return R"({"method":"org.miniinit.Manager.Status","parameters":{"units":[")" + name + R"("]}})";
}

wire::EventReply event(const std::string& text) {
    wire::EventReply reply;
    reply.event.kind = wire::EventKind::manager;
    reply.event.text = text;
    return reply;
}

// The exit code of `what` in a child that has become user and group 65534 (with `group` besides).
int as_nobody(gid_t group, auto what) {
    pid_t child = ::fork();
    if (child == 0) {
        const gid_t groups[] = {65534, group};
        if (::setgroups(2, groups) != 0 || ::setresgid(65534, 65534, 65534) != 0 ||
            ::setresuid(65534, 65534, 65534) != 0)
            ::_exit(99);
        ::_exit(what());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

} // namespace

TEST_CASE("a call is answered") {
    World world;
    Client client(world);
    CHECK(client.ask(ping) == pong);
    CHECK(client.ask(status_call("web")).find(R"("name":"web")") != std::string::npos);
}

TEST_CASE("introspection is answered without the handler") {
    World world;
    Client client(world);
    CHECK(client.ask(R"({"method":"org.varlink.service.GetInfo"})").find("org.miniinit.Manager") != std::string::npos);
    CHECK(world.in_loop([&] { return world.handler.calls; }) == 0);
}

TEST_CASE("calls sent at once are answered in their order, one after the other") {
    World world;
    Client client(world);
    std::string all;
    for (int i = 0; i < 100; ++i)
        all += status_call("unit" + std::to_string(i)) + '\0';
    REQUIRE(client.send(all));
    for (int i = 0; i < 100; ++i)
        CHECK(client.hear().find("\"name\":\"unit" + std::to_string(i) + "\"") != std::string::npos);
}

TEST_CASE("a call behind one that waits is made once that is answered") {
    World world;
    Client client(world);
    REQUIRE(client.send(wait_call + '\0' + std::string(ping) + '\0'));
    REQUIRE(world.until([&] { return world.handler.kept.size() == 1; }));
    CHECK(world.in_loop([&] { return world.handler.calls; }) == 1);
    world.in_loop([&] { world.server().reply(world.handler.kept[0], wire::UnitReply{Handler::named("x")}); });
    CHECK(client.hear().find("\"name\":\"x\"") != std::string::npos);
    CHECK(client.hear() == pong);
}

TEST_CASE("a message may come byte by byte") {
    World world;
    Client client(world);
    for (char letter : std::string(ping) + '\0')
        REQUIRE(client.send({&letter, 1}));
    CHECK(client.hear() == pong);
}

TEST_CASE("garbage ends the connection and nothing else") {
    World world;
    Client other(world);
    for (std::string_view garbage : {std::string_view("GET / HTTP/1.1\r\n\r\n\0", 19), std::string_view("\0", 1),
                                     std::string_view("\xff\xfe\0", 3), std::string_view("{\"method\":\0", 11)}) {
        Client client(world);
        REQUIRE(client.send(garbage));
        CHECK(client.hear() == "closed");
        CHECK(other.ask(ping) == pong);
    }
    CHECK(world.until([&] { return world.server().connections() == 1; }));
}

TEST_CASE("half a message holds up nobody") {
    World world;
    Client half(world);
    REQUIRE(half.send(R"({"method":"org.mini)"));
    Client other(world);
    CHECK(other.ask(ping) == pong);
    REQUIRE(half.send(std::string(R"(init.Manager.Ping"})") + '\0'));
    CHECK(half.hear() == pong);
}

TEST_CASE("a message of ten megabytes is refused when it is too long, not when it is complete") {
    World world;
    Client client(world);
    const std::string part(1 << 16, 'x');
    bool open = true;
    for (int i = 0; i < 160 && open; ++i)
        open = client.send(part);
    CHECK_FALSE(open);
    CHECK(client.hear().find("org.varlink.service.InvalidParameter") != std::string::npos);
    CHECK(client.hear() == "closed");
    CHECK(world.until([&] { return world.server().connections() == 0 && world.server().buffered() == 0; }));
}

TEST_CASE("a thousand clients that never read cost their buffers, and others are served meanwhile") {
    rlimit files{4096, 4096};
    ::setrlimit(RLIMIT_NOFILE, &files);
    World world;
    world.in_loop([&] { world.handler.units = 3000; });
    std::vector<std::unique_ptr<Client>> mute;
    for (int i = 0; i < 1000; ++i) {
        mute.push_back(std::make_unique<Client>(world));
        REQUIRE(mute.back()->say(list_call));
    }
    Client other(world);
    CHECK(other.ask(ping) == pong);
    REQUIRE(world.until([&] { return world.handler.calls == 1001; }));
    // Lists are made as they are read: what is not read is hardly there, and where it is too much all the same, who does not
    // read it goes.
    CHECK(world.in_loop([&] { return world.server().buffered(); }) <= daemon::ControlSettings{}.total_limit);
    CHECK(world.in_loop([&] { return world.server().connections(); }) > 300);
    CHECK(other.ask(ping) == pong);
}

TEST_CASE("all buffers together are bounded, and the greediest client pays") {
    World world({.total_limit = 2 << 20});
    Client modest(world);
    REQUIRE(modest.say(wait_call));
    std::vector<std::unique_ptr<Client>> greedy;
    for (int i = 0; i < 60; ++i) {
        greedy.push_back(std::make_unique<Client>(world));
        (void)greedy.back()->send(std::string(100 << 10, 'x')); // half a message
    }
    CHECK(world.until([&] { return world.server().connections() < 40; }));
    CHECK(world.in_loop([&] { return world.server().buffered(); }) <= 2 << 20);
    world.in_loop([&] { world.server().reply(world.handler.kept.at(0), wire::UnitReply{}); });
    CHECK(modest.hear().find("\"unit\"") != std::string::npos);
}

TEST_CASE("more clients than there may be: the longest idle goes, one that waits for its answer stays") {
    World world({.connections = 10});
    Client waiting(world);
    REQUIRE(waiting.say(wait_call));
    REQUIRE(world.until([&] { return world.handler.kept.size() == 1; }));
    std::vector<std::unique_ptr<Client>> idle;
    for (int i = 0; i < 30; ++i) {
        idle.push_back(std::make_unique<Client>(world));
        CHECK(idle.back()->ask(ping) == pong);
    }
    CHECK(world.in_loop([&] { return world.server().connections(); }) == 10);
    CHECK(idle.front()->hear() == "closed");
    CHECK(idle.back()->ask(ping) == pong);
    world.in_loop([&] { world.server().reply(world.handler.kept.at(0), wire::UnitReply{}); });
    CHECK(waiting.hear().find("\"unit\"") != std::string::npos);
}

TEST_CASE("a user who opens too many connections loses his own, and root gets in") {
    if (::geteuid() != 0)
        return;
    World world({.connections = 50, .per_user = 20});
    Client root(world);
    REQUIRE(root.ask(ping) == pong);
    const int result = as_nobody(65534, [&] {
        std::vector<Fd> many;
        for (int i = 0; i < 200; ++i) {
            Result<Fd> fd = os::connect_local(world.path(), std::chrono::seconds(5));
            if (!fd)
                return 1;
            many.push_back(std::move(*fd));
        }
        // The last one is served.
        const std::string message = std::string(ping) + '\0';
        char answer[64];
        if (::send(many.back().get(), message.data(), message.size(), MSG_NOSIGNAL) < 0 ||
            ::recv(many.back().get(), answer, sizeof answer, 0) <= 0)
            return 2;
        return 0;
    });
    CHECK(result == 0);
    CHECK(root.ask(ping) == pong);
}

TEST_CASE("out of descriptors, newcomers are turned away or take an idle one's place, and the loop does not spin") {
    World world;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    Client first(world);
    REQUIRE(first.ask(ping) == pong);
    // Sockets are made before there is room for no more; connecting needs no descriptor of ours, accepting does.
    std::vector<Fd> sockets;
    for (int i = 0; i < 5; ++i)
        sockets.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    std::vector<Fd> fillers;
    rlimit tight{static_cast<rlim_t>(sockets.back().get()) + 8, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    for (;;) {
        Fd filler(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        if (!filler)
            break;
        fillers.push_back(std::move(filler));
    }
    const unsigned long turns = world.turns;
    Result<sockaddr_un> address = os::local_address(world.path());
    for (Fd& socket : sockets)
        CHECK(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0);
    // The first was the only one to make room.
    CHECK(first.hear() == "closed");
    ::usleep(50'000);
    CHECK(world.turns - turns < 200);
    fillers.clear();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    Client last(world);
    CHECK(last.ask(ping) == pong);
}

TEST_CASE("only root and the control group may act, everyone may look") {
    if (::geteuid() != 0)
        return;
    World world({.group = 54321});
    auto ask = [&](const std::string& message) {
        return [&world, message] {
            Result<Fd> fd = os::connect_local(world.path(), std::chrono::seconds(5));
            char answer[1024];
            const std::string call = message + '\0';
            if (!fd || ::send(fd->get(), call.data(), call.size(), MSG_NOSIGNAL) < 0)
                return 3;
            ssize_t count = ::recv(fd->get(), answer, sizeof answer, 0);
            const std::string_view text(answer, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
            return text.find("org.miniinit.Manager.PermissionDenied") != std::string_view::npos ? 1
                   : text.find("\"error\":") != std::string_view::npos                          ? 2
                                                                                                : 0;
        };
    };
    CHECK(as_nobody(65534, ask(std::string(ping))) == 0);
    CHECK(as_nobody(65534, ask(status_call("x"))) == 0);
    CHECK(as_nobody(65534, ask(shutdown_call)) == 1);
    CHECK(world.in_loop([&] { return world.handler.calls; }) == 2);
    CHECK(as_nobody(54321, ask(shutdown_call)) == 0);
    Client root(world);
    CHECK(root.ask(shutdown_call) == pong);
    world.in_loop([&] { world.server().set_group(std::nullopt); });
    CHECK(as_nobody(54321, ask(shutdown_call)) == 1);
}

TEST_CASE("a slow reader of a long list gets the whole of it") {
    for (bool more : {false, true}) {
        World world;
        world.in_loop([&] { world.handler.units = 5000; });
        Client client(world);
        REQUIRE(client.say(more ? R"({"method":"org.miniinit.Manager.List","more":true})" : list_call));
        std::size_t units = 0;
        unsigned replies = 0;
        for (bool continues = true; continues;) {
            auto answer = wire::read_answer<wire::Units>(client.hear());
            REQUIRE(answer.has_value());
            units += answer->value.units.size();
            continues = answer->continues;
            ++replies;
        }
        CHECK(units == 5000);
        CHECK((replies > 1) == more);
        CHECK(client.ask(ping) == pong);
        CHECK(world.in_loop([&] { return world.server().buffered(); }) < 16 << 10);
    }
}

TEST_CASE("a listener who does not read is dropped, one who does hears every event") {
    World world({.out_limit = 64 << 10});
    Client slow(world), good(world);
    REQUIRE(slow.say(events_call));
    REQUIRE(good.say(events_call));
    REQUIRE(world.until([&] { return world.handler.kept.size() == 2; }));
    std::atomic<int> heard = 0;
    std::thread reader([&] {
        for (int i = 0; i < 5000; ++i)
            if (good.hear().find("\"text\":\"" + std::to_string(i) + " ") != std::string::npos)
                ++heard;
    });
    for (int i = 0; i < 5000; ++i) {
        world.in_loop([&] {
            world.server().broadcast(world.handler.kept, event(std::to_string(i) + " " + std::string(200, 'e')));
        });
        while (i - heard > 100)
            std::this_thread::yield();
    }
    reader.join();
    CHECK(heard == 5000);
    CHECK(world.in_loop([&] { return world.handler.kept.size(); }) == 1);
    CHECK(world.in_loop([&] { return world.server().connections(); }) == 1);
}

TEST_CASE("one who asked without more hears the result alone") {
    World world;
    Client client(world), curious(world);
    const std::string start = R"({"method":"org.miniinit.Manager.Start","parameters":{"units":["x"]})";
    REQUIRE(client.say(start + "}"));
    REQUIRE(curious.say(start + R"(,"more":true})"));
    REQUIRE(world.until([&] { return world.handler.kept.size() == 2; }));
    world.in_loop([&] {
        for (daemon::CallId id : world.handler.kept) {
            world.server().reply(id, wire::Progress{wire::Event{}, {}}, true);
            world.server().reply(id, wire::Progress{{}, {{"x", true, core::Phase::up, ""}}});
            world.server().reply(id, wire::Progress{{}, {{"x", false, core::Phase::up, "too late"}}});
        }
    });
    CHECK(client.hear().find("\"ok\":true") != std::string::npos);
    CHECK(curious.hear().find("\"continues\":true") != std::string::npos);
    CHECK(curious.hear().find("\"ok\":true") != std::string::npos);
    CHECK(client.ask(ping) == pong);
    CHECK(curious.ask(ping) == pong);
}

TEST_CASE("the handler hears of a caller who goes in the middle of a call, and may still answer") {
    World world;
    auto client = std::make_unique<Client>(world);
    REQUIRE(client->say(wait_call));
    REQUIRE(world.until([&] { return world.handler.kept.size() == 1; }));
    const daemon::CallId id = world.in_loop([&] { return world.handler.kept[0]; });
    CHECK(world.in_loop([&] { return world.server().waiting(id); }));
    client.reset();
    CHECK(world.until([&] { return world.handler.left == 1; }));
    world.in_loop([&] {
        CHECK_FALSE(world.server().waiting(id));
        world.server().reply(id, wire::UnitReply{});
        world.server().error(id, wire::ShuttingDown{});
    });
    CHECK(world.in_loop([&] { return world.server().connections(); }) == 0);
}

TEST_CASE("one who has said all he has to say is still answered") {
    World world;
    Client client(world);
    REQUIRE(client.say(wait_call));
    REQUIRE(client.say(ping));
    client.half_close();
    REQUIRE(world.until([&] { return world.handler.kept.size() == 1; }));
    const unsigned long turns = world.turns;
    ::usleep(20'000);
    CHECK(world.turns - turns < 5); // the end of his words is no reason to spin
    world.in_loop([&] { world.server().reply(world.handler.kept[0], wire::UnitReply{}); });
    CHECK(client.hear().find("\"unit\"") != std::string::npos);
    CHECK(client.hear() == pong);
    CHECK(client.hear() == "closed");
}

TEST_CASE("a oneway call is made and not answered, and where it would only look it is not even made") {
    World world;
    Client client(world);
    REQUIRE(client.say(shutdown_call.substr(0, shutdown_call.size() - 1) + R"(,"oneway":true})"));
    REQUIRE(client.say(R"({"method":"org.miniinit.Manager.Nonsense","oneway":true})"));
    REQUIRE(client.say(R"({"method":"org.miniinit.Manager.Ping","oneway":true})"));
    REQUIRE(client.say(events_call.substr(0, events_call.size() - 1) + R"(,"oneway":true})"));
    REQUIRE(client.say(wait_call.substr(0, wait_call.size() - 1) + R"(,"oneway":true})"));
    REQUIRE(client.say(status_call("x")));
    CHECK(client.hear().find("\"name\":\"x\"") != std::string::npos);
    CHECK(world.in_loop([&] { return world.handler.calls; }) == 2);
    CHECK(world.in_loop([&] { return world.handler.kept.size(); }) == 0);
}

TEST_CASE("what is answered behind a barrier waits for it, what was answered before does not") {
    World world;
    Client client(world);
    REQUIRE(client.say(events_call));
    REQUIRE(world.until([&] { return world.handler.kept.size() == 1; }));
    const daemon::CallId id = world.in_loop([&] { return world.handler.kept[0]; });
    daemon::ControlServer::Barrier first = 0, second = 0;
    world.in_loop([&] {
        world.server().reply(id, event("free"), true);
        first = world.server().hold();
        world.server().reply(id, event("behind one"), true);
        second = world.server().hold();
        world.server().reply(id, event("behind two"), true);
    });
    CHECK(client.hear().find("free") != std::string::npos);
    CHECK_FALSE(client.something(20));
    world.in_loop([&] { world.server().release(second); }); // does not help while the first is closed
    CHECK_FALSE(client.something(20));
    world.in_loop([&] { world.server().release(first); });
    CHECK(client.hear().find("behind one") != std::string::npos);
    CHECK(client.hear().find("behind two") != std::string::npos);
    world.in_loop([&] {
        first = world.server().hold();
        world.server().reply(id, event("three"), true);
        second = world.server().hold();
        world.server().reply(id, event("four"), true);
        world.server().release(first);
    });
    CHECK(client.hear().find("three") != std::string::npos);
    CHECK_FALSE(client.something(20));
    world.in_loop([&] { world.server().release(second); });
    CHECK(client.hear().find("four") != std::string::npos);
}

TEST_CASE("a client that talks without end does not keep a turn from ending") {
    World world;
    std::atomic<bool> enough = false;
    std::vector<std::thread> talkers;
    for (int i = 0; i < 3; ++i)
        talkers.emplace_back([&] {
            Client client(world);
            std::string many;
            for (int k = 0; k < 200; ++k)
                many += std::string(ping) + '\0';
            while (!enough) {
                if (!client.send(many))
                    return;
                for (int k = 0; k < 200; ++k)
                    if (client.hear() != pong)
                        return;
            }
        });
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    unsigned served = 0;
    Client other(world);
    while (std::chrono::steady_clock::now() < end) {
        CHECK(other.ask(ping) == pong);
        world.in_loop([] {});
        ++served;
    }
    enough = true;
    for (std::thread& talker : talkers)
        talker.join();
    CHECK(served > 20);
}
