// Who connects to units that wait: the first one is told, or each is served, as many as there may be and can be.
#include "base/clock.hpp"
#include "daemon/linux_kernel.hpp"
#include "daemon/socket/connections.hpp"
#include "daemon/socket/sockets.hpp"
#include "os/file/runtime.hpp"
#include "os/scene.hpp"
#include "os/socket/local_socket.hpp"

#include <sys/socket.h>

using namespace mi;
using namespace mi::daemon;

namespace {

constexpr core::UnitId web = 0;
std::string name(core::UnitId unit) { return unit == web ? "web " : "? "; }

// A loop that a story runs until something has come about, sockets, and a host that keeps what it is given.
class Story : public Connections::Host {
public:
    explicit Story(std::uint32_t most = 64) {
        core::Unit unit;
        unit.name = "web";
        unit.listen.push_back({.address = path(), .accept = true, .max_connections = most});
        unit_ = std::move(unit);
        units_.fit(1);
        open();
        // Told as a callback would be: before anything waits again.
        loop_->set_turn_end([this] {
            if (until_() || ++turns_ > 1000)
                loop_->stop();
        });
    }
    void arrived(core::UnitId unit) override {
        told += name(unit);
        if (again) // its run is over at once, and the next connection waits
            REQUIRE(connections->arm(unit, sockets()));
    }
    Connections::Serving serve(core::UnitId unit, const os::Connection& connection) override {
        asked += name(unit);
        if (answer == Connections::Serving::Kind::served)
            (void)::send(connection.fd.get(), "x", 1, MSG_NOSIGNAL);
        return {answer, answer == Connections::Serving::Kind::served ? ++last_pid : 0};
    }
    void connection_trouble(core::UnitId, const std::string& text) override { trouble += text; }

    [[nodiscard]] std::string path() const { return scratch_ / "socket"; }
    std::span<const OpenSocket> sockets() { return units_[web].sockets; }
    void on_demand() {
        unit_.listen[0].accept = false;
        open();
    }
    [[nodiscard]] ConnectionCount count() const { return connections->count(web, unit_.listen[0]); }
    // A client that is in the queue by now.
    Fd connect() { return os::connect_local(path(), std::chrono::seconds(5)).value(); }
    // Turns of the loop until `condition` holds; false after many. A loop runs once: so this is a story's last word on it.
    bool run_until(std::function<bool()> condition) {
        until_ = std::move(condition);
        if (until_())
            return true;
        loop_->run();
        return until_();
    }
    static bool has_been_greeted(const Fd& client) {
        char letter = 0;
        return ::recv(client.get(), &letter, 1, MSG_DONTWAIT) == 1;
    }
    static bool is_closed(const Fd& client) {
        char letter = 0;
        return ::recv(client.get(), &letter, 1, 0) == 0;
    }

    std::string told, asked, trouble;
    bool again = false;
    Connections::Serving::Kind answer = Connections::Serving::Kind::served;
    pid_t last_pid = 1000;

private:
    void open() { REQUIRE(sockets_.open(web, unit_, accounts_)); }
    os::Scratch scratch_;
    os::Accounts accounts_;
    core::Unit unit_;
    os::HangingMounts hanging_;
    std::unique_ptr<LinuxKernel> loop_ = std::make_unique<LinuxKernel>();
    UnitTable units_;
    Sockets sockets_{units_, hanging_};
    std::function<bool()> until_ = [] { return true; };
    int turns_ = 0;

public:
    std::unique_ptr<Connections> connections = std::make_unique<Connections>(*loop_, units_, *this);
};

} // namespace

TEST_CASE("the first connection to an on-demand unit is told once, and waits for its service") {
    Story story;
    story.on_demand();
    REQUIRE(story.connections->arm(web, story.sockets()));
    Fd first = story.connect(), second = story.connect();
    CHECK(story.run_until([&] { return !story.told.empty(); }));
    CHECK(story.told == "web ");
    CHECK(story.asked.empty());
    CHECK(os::something_waits(story.sockets()[0].socket.fd()));
}

TEST_CASE("a unit that is disarmed is not told of anybody") {
    Story story;
    story.on_demand();
    REQUIRE(story.connections->arm(web, story.sockets()));
    story.connections->disarm(web);
    Fd client = story.connect();
    Story other;
    other.on_demand();
    REQUIRE(other.connections->arm(web, other.sockets()));
    Fd third = other.connect();
    CHECK(other.run_until([&] { return !other.told.empty(); }));
    CHECK(story.told.empty());
}

TEST_CASE("an on-demand unit that connections run again and again is watched with pauses, and says so") {
    Story story;
    story.on_demand();
    story.again = true;
    REQUIRE(story.connections->arm(web, story.sockets()));
    Fd client = story.connect();
    const Instant before = monotonic_now();
    CHECK(story.run_until([&] { return !story.trouble.empty(); }));
    CHECK(story.told.size() / name(web).size() == 20);
    CHECK(story.trouble == "20 times within 2s it was started by a connection; those that come now wait");
    const Instant resumes = story.connections->next_deadline();
    CHECK(resumes > before);
    CHECK(resumes <= monotonic_now() + std::chrono::seconds(2));
    SUBCASE("until the time is over") {
        story.connections->due(resumes);
        CHECK(story.connections->next_deadline() == never);
        CHECK(story.connections->awaits(web));
    }
    SUBCASE("and is not looked at when it is no longer armed") {
        story.connections->disarm(web);
        CHECK(story.connections->next_deadline() == never);
    }
}

TEST_CASE("ending at once and leaving what waits is forgiven a number of times, and taking it is forgiven always") {
    Story story;
    story.on_demand();
    REQUIRE(story.connections->arm(web, story.sockets()));
    Fd client = story.connect();
    CHECK(story.connections->idle_runs(web, story.sockets(), monotonic_now()) == 0); // it has not been run yet
    CHECK(story.run_until([&] { return !story.told.empty(); }));
    unsigned looks = 1;
    while (story.connections->idle_runs(web, story.sockets(), monotonic_now()) == 0 && looks < 100)
        ++looks;
    CHECK(looks == 20);
    CHECK(story.connections->idle_runs(web, story.sockets(), monotonic_now()) == 21);
    // A run that lasted is no such run, and none is one that took what waited.
    CHECK(story.connections->idle_runs(web, story.sockets(), monotonic_now() + std::chrono::seconds(5)) == 0);
    CHECK(story.connections->idle_runs(web, story.sockets(), monotonic_now()) == 0);
    REQUIRE(os::set_blocking(story.sockets()[0].socket.fd(), false));
    REQUIRE(os::accept_connection(story.sockets()[0].socket.fd()).value());
    for (int i = 0; i < 30; ++i)
        CHECK(story.connections->idle_runs(web, story.sockets(), monotonic_now()) == 0);
}

TEST_CASE("connections are served as they come, as many as there may be, and the next when one has ended") {
    Story story(2);
    REQUIRE(story.connections->arm(web, story.sockets()));
    Fd first = story.connect(), second = story.connect(), third = story.connect();
    bool ended = false;
    CHECK(story.run_until([&] {
        if (story.count().all == 2 && !ended) {
            ended = true;
            CHECK(story.count().now == 2);
            story.connections->ended(1001);
            CHECK(story.count().now == 1);
        }
        return story.count().all == 3;
    }));
    CHECK(story.count().now == 2);
    CHECK(Story::has_been_greeted(first));
    CHECK(Story::has_been_greeted(third));
    CHECK(Story::is_closed(first)); // by us: it is its process's alone
    story.connections->ended(4711); // nobody we know
    CHECK(story.count().now == 2);
}

TEST_CASE("a connection that is refused is closed, and the next is served") {
    Story story;
    story.answer = Connections::Serving::Kind::refused;
    REQUIRE(story.connections->arm(web, story.sockets()));
    Fd client = story.connect();
    CHECK(story.run_until([&] { return story.count().all == 1; }));
    CHECK(story.count().now == 0);
    CHECK(Story::is_closed(client));
}

TEST_CASE("without room for its process a connection waits, and so do all others, until something has ended") {
    Story story;
    REQUIRE(story.connections->arm(web, story.sockets()));
    Fd first = story.connect();
    Fd second, third;
    int stage = 0;
    CHECK(story.run_until([&] {
        if (stage == 0 && story.count().all == 1) {
            stage = 1;
            story.answer = Connections::Serving::Kind::later;
            second = story.connect();
            third = story.connect();
        } else if (stage == 1 && story.asked == "web web ") {
            stage = 2;
            CHECK(story.connections->next_deadline() != never);
            CHECK(story.connections->next_deadline() > monotonic_now());
            story.connections->ended(1001); // and still no room
            CHECK(story.asked == "web web web ");
            CHECK(story.count().now == 0);
            story.answer = Connections::Serving::Kind::served;
            story.connections->due(monotonic_now()); // not yet
            CHECK(story.asked == "web web web ");
            story.connections->due(story.connections->next_deadline());
            CHECK(story.connections->next_deadline() == never);
        }
        return stage == 2 && story.count().all == 3;
    }));
    CHECK(Story::has_been_greeted(second));
    CHECK(Story::has_been_greeted(third));
    CHECK(story.count().now == 2);
}

TEST_CASE("a unit at rest is forgotten, with what waited for room, but not the processes it has left") {
    Story story;
    REQUIRE(story.connections->arm(web, story.sockets()));
    Fd first = story.connect();
    CHECK(story.run_until([&] { return story.count().all == 1; }));
    story.connections->forget(web);
    CHECK(story.count().now == 1);
    story.connections->ended(1001);
    CHECK(story.count().now == 0);
    story.connections->forget(web);
    CHECK(story.count().all == 0);
}
