// Signals arrive in a queue, exits are collected once and told rightly.
#include "scene.hpp"

#include "os/machine/normalise.hpp"

#include <algorithm>
#include <cerrno>

using namespace mi;
using namespace mi::os;

TEST_CASE("exits tell codes, signals and stops, each once") {
    CHECK(aside([] {
        Result<SignalQueue> queue = SignalQueue::open();
        Spawner spawner = *Spawner::make();
        pid_t seven = spawner.spawn(shell_plan("exit 7")).value();
        pid_t killed = spawner.spawn(shell_plan("kill -TERM $$")).value();
        pid_t stopped = spawner.spawn(shell_plan("kill -STOP $$; exit 1")).value();
        std::vector<Exit> exits;
        bool heard = false;
        bool all = eventually([&] {
            std::span<const signalfd_siginfo> batch = queue->read().value();
            for (const signalfd_siginfo& info : batch)
                heard = heard || info.ssi_signo == SIGCHLD;
            reap(exits, 100, true);
            return exits.size() == 3;
        });
        auto has = [&](const Exit& wanted) { return std::ranges::count(exits, wanted) == 1; };
        bool told = has({seven, Exit::Kind::exited, 7, false}) && has({killed, Exit::Kind::killed, SIGTERM, false}) &&
                    has({stopped, Exit::Kind::stopped, SIGSTOP, false});
        exits.clear();
        bool gone = send_signal(stopped, SIGKILL) && eventually([&] {
                        reap(exits, 100, false);
                        return exits == std::vector<Exit>{{stopped, Exit::Kind::killed, SIGKILL, false}};
                    });
        return all && heard && told && gone && send_signal(stopped, SIGTERM).error().code == ESRCH;
    }));
}

TEST_CASE("an ended child can be looked at before it is collected") {
    Spawner spawner = *Spawner::make();
    pid_t child = 0;
    {
        Blocked blocked;
        child = spawner.spawn(shell_plan("exit 3")).value();
    }
    REQUIRE(eventually([] { return peek_exit().has_value(); }));
    CHECK(peek_exit() == Exit{child, Exit::Kind::exited, 3, false});
    CHECK(contents("/proc/" + std::to_string(child) + "/stat").find(" Z ") != std::string::npos);
    CHECK(collect(child) == Exit{child, Exit::Kind::exited, 3, false});
    CHECK(!collect(child));
    CHECK(!peek_exit());
}

TEST_CASE("reaping is bounded and says when there may be more") {
    Spawner spawner = *Spawner::make();
    {
        Blocked blocked;
        for (int i = 0; i < 5; ++i)
            REQUIRE(spawner.spawn(plan_for("os_exit")));
    }
    std::vector<Exit> exits;
    REQUIRE(eventually([&] { return reap(exits, 2) || exits.size() >= 4; }) == true);
    CHECK(eventually([&] { return reap(exits, 100), exits.size() == 5; }));
}

TEST_CASE("a signal to 0 or -1 is refused, not sent to everyone") {
    CHECK(send_signal(0, SIGKILL).error().code == EINVAL);
    CHECK(send_signal(-1, SIGKILL).error().code == EINVAL);
    CHECK(signal_group(1, SIGKILL).error().code == EINVAL);
    CHECK(signal_group(0, SIGKILL).error().code == EINVAL);
}

TEST_CASE("a subreaper gets the orphans") {
    CHECK(aside([] {
        Spawner spawner = *Spawner::make();
        if (!become_subreaper())
            return false;
        pid_t child = spawner.spawn(shell_plan("(sleep 0.05; exit 9) & exit 0")).value();
        std::vector<Exit> exits;
        return eventually([&] { return reap(exits, 10), exits.size() == 2; }) && exits[0].pid == child &&
               exits[1].code == 9;
    }));
}
