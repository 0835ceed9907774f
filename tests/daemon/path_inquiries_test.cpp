// Questions that wait: answered at once, late, or not, each told once. A lease is the file system that hangs.
#include "base/clock.hpp"
#include "daemon/linux_kernel.hpp"
#include "daemon/start/path_inquiries.hpp"
#include "os/scene.hpp"

#include <csignal>

using namespace mi;
using namespace mi::daemon;
using namespace std::chrono_literals;

namespace {

// A file that cannot be read as long as a lease is held on it.
struct Held {
    Held() : path(scratch.write("file", "words")), before(::signal(SIGIO, SIG_IGN)) {
        file = Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        held = ::fcntl(file.get(), F_SETLEASE, F_WRLCK) == 0;
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { ::signal(SIGIO, before); }

    // Asks for it; what is told is in `told`.
    bool ask(Span limit) {
        return inquiries.ask({{.kind = os::PathQuestion::Kind::read, .path = path, .most = 100}},
                             monotonic_now() + limit, [this](PathInquiries::Answer answer) {
                                 ++times;
                                 told = answer ? answer->front().text : answer.error();
                             });
    }
    // Runs the loop until nothing is waited for any more.
    void run() {
        loop.set_due([this] {
            inquiries.due(monotonic_now());
            loop.wake_at(inquiries.next_deadline());
        });
        loop.set_turn_end([this] {
            if (inquiries.pending() == 0)
                loop.stop();
        });
        loop.wake_at(inquiries.next_deadline());
        loop.run();
    }
    // Collects so many children of its.
    void collect(int count) {
        for (pid_t pid = 0; count > 0 && (pid = ::waitpid(-1, nullptr, 0)) > 0;)
            count -= inquiries.exited(pid) ? 1 : 0; // others may have left some, too
        CHECK(count == 0);
    }

    os::Scratch scratch;
    std::string path;
    sighandler_t before;
    Fd file;
    bool held = false;
    LinuxKernel loop;
    os::HangingMounts mounts;
    PathInquiries inquiries{loop, mounts};
    std::string told;
    int times = 0;
};

} // namespace

TEST_CASE("what cannot hang is answered before the question returns") {
    Held story;
    story.file.reset();
    CHECK(story.ask(5s));
    CHECK(story.told == "words");
    CHECK(story.inquiries.pending() == 0);
    CHECK(story.inquiries.next_deadline() == never);
}

TEST_CASE("an answer that comes late is told when it comes") {
    Held story;
    if (!story.held)
        return;
    CHECK_FALSE(story.ask(20s));
    CHECK(story.told.empty());
    CHECK(story.inquiries.next_deadline() != never);
    story.file.reset();
    story.run();
    CHECK(story.told == "words");
    CHECK(story.times == 1);
    story.collect(1);
}

TEST_CASE("one that does not come is given up, in words that name the path and the reason") {
    Held story;
    if (!story.held)
        return;
    CHECK_FALSE(story.ask(100ms));
    story.run();
    CHECK(story.told.starts_with(story.path + " did not answer within 0"));
    CHECK(story.told.ends_with("s: somebody holds a lease on it"));
    CHECK(story.times == 1);
    story.collect(1);
}

TEST_CASE("where too many children hang already no other is made, until one of them ends") {
    Held story;
    if (!story.held)
        return;
    for (std::size_t i = 0; i < PathInquiries::most_given_up; ++i)
        CHECK_FALSE(story.ask(1ms));
    story.run();
    CHECK(story.ask(1ms)); // as long as they are not collected they count as hanging
    CHECK(story.told.find("4 earlier looks hang") != std::string::npos);
    story.collect(PathInquiries::most_given_up);
    CHECK_FALSE(story.ask(1ms));
    story.inquiries.due(monotonic_now() + 1s);
    story.collect(1);
}
