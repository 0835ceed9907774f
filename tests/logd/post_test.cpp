// The socket of syslog(3): messages through a real collector, also one that is killed.
#include <sys/un.h>
#include <doctest/doctest.h>

#include <random>

#include "harness.hpp"
#include "os/socket/syslog_socket.hpp"

using namespace mi;
using namespace mi::logd::test;
using logs::Priority;
using logs::Source;

namespace {

class Sender {
public:
    explicit Sender(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    // Waits where too much is unread; the error, or 0.
    [[nodiscard]] int send(std::string_view text, int gift = -1) const {
        iovec part{const_cast<char*>(text.data()), text.size()};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof gift)] = {};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (gift >= 0) {
            message.msg_control = control;
            message.msg_controllen = sizeof control;
            cmsghdr* head = CMSG_FIRSTHDR(&message);
            *head = {CMSG_LEN(sizeof gift), SOL_SOCKET, SCM_RIGHTS};
            std::memcpy(CMSG_DATA(head), &gift, sizeof gift);
        }
        return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) < 0 ? errno : 0;
    }

private:
    Fd socket_;
};

// A process that leads a session of its own, as one of a service does. (The session of the tests may be led from outside
// of their PID namespace, and then has no number.)
class Leader {
public:
    // `work` runs in it once it is let go; it must not assert. What it returns is its exit status.
    explicit Leader(const std::function<int()>& work) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        const Fd wait(ends[0]);
        go_ = Fd(ends[1]);
        pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            go_.reset();
            char byte;
            ::_exit(::setsid() > 0 && ::read(wait.get(), &byte, 1) == 0 ? work() : 125);
        }
    }
    ~Leader() {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    Leader(const Leader&) = delete;
    Leader& operator=(const Leader&) = delete;

    void go() { go_.reset(); }
    // Its exit status once it has ended, -1 before. It remains as a zombie: who reads its messages can ask who it was.
    int ended(int options = 0) {
        siginfo_t info{};
        if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | options) != 0 || info.si_pid != pid)
            return -1;
        return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    }

    pid_t pid = 0;

private:
    Fd go_;
};

std::vector<std::string> texts(const std::vector<Entry>& entries) {
    std::vector<std::string> all;
    for (const Entry& entry : entries)
        all.push_back(entry.text);
    return all;
}

} // namespace

TEST_CASE("a message of syslog(3) is in the log of the unit whose process leads the sender's session") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    logs::StreamId id = 0;
    init.open_syslog(scratch.path / "log", &id);
    Leader web([&] { return Sender(scratch.path / "log").send("<35>Nov 22 04:10:01 app[7]: one\ntwo"); });
    const Fd pipe = init.open_stream("web", Source::out, 0, nullptr, web.pid);
    web.go();
    CHECK(web.ended() == 0);
    CHECK(init.flush({id}));
    auto entries = entries_of(scratch.path / "var", "web");
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].source == Source::syslog);
    CHECK(entries[0].priority == Priority::err);
    CHECK(texts(entries) == std::vector<std::string>{"app[7]: one", "\ttwo"});
    CHECK(read_file(scratch.path / "var/web/current").find(" err syslog.auth: app[7]: one\n") != std::string::npos);
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("who belongs to no unit is in the log of the unit syslog, whatever he sends") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    logs::StreamId id = 0;
    init.open_syslog(scratch.path / "log", &id);
    const Sender sender(scratch.path / "log");
    const std::string huge = "<13>" + std::string(100'000, 'x');
    for (std::string_view text : {std::string_view("no pri"), std::string_view("<14>a\0b", 7), std::string_view(""),
                                  std::string_view("\n\n"), std::string_view(huge), std::string_view("<15>last")})
        CHECK(sender.send(text) == 0);
    CHECK(init.flush({id}));
    auto entries = entries_of(scratch.path / "var", "syslog");
    REQUIRE(entries.size() == 6);
    CHECK(entries[0].text == "no pri");
    CHECK(entries[1].text == std::string("a\0b", 3));
    CHECK(entries[2].text.empty());
    CHECK(entries[3].unended);
    CHECK(entries[4].unended); // it was longer than what is taken of one
    CHECK(entries[3].text.size() + entries[4].text.size() == 64 * 1024 - 4);
    CHECK(entries[5].text == "last");
    CHECK(entries[5].priority == Priority::debug);
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("descriptors that somebody sends along are not taken") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    logs::StreamId id = 0;
    init.open_syslog(scratch.path / "log", &id);
    CHECK(init.flush({id}));
    const auto open = [&] {
        return std::distance(fs::directory_iterator("/proc/" + std::to_string(init.pid) + "/fd"), {});
    };
    const auto before = open();
    const Sender sender(scratch.path / "log");
    std::size_t taken = 0;
    for (int i = 0; i < 20; ++i) {
        const int result = sender.send("<13>with a gift", STDIN_FILENO);
        CHECK((result == 0 || result == EPERM)); // from Linux 6.16 on it is refused
        taken += result == 0 ? 1 : 0;
    }
    CHECK(sender.send("<13>without one") == 0);
    CHECK(init.flush({id}));
    CHECK(entries_of(scratch.path / "var", "syslog").size() == taken + 1);
    CHECK(open() - before <= 1); // the log's own file
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("a socket that is shut down is read to its end, and then it has ended") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    const Fd& socket = init.open_syslog(scratch.path / "log");
    const Sender sender(scratch.path / "log");
    for (int i = 0; i < 5; ++i)
        CHECK(sender.send("<13>" + std::to_string(i)) == 0);
    os::close_syslog(socket.get());
    CHECK(sender.send("<13>too late") == EPIPE);
    CHECK(init.expect_all_ended());
    CHECK(texts(entries_of(scratch.path / "var", "syslog")) == std::vector<std::string>{"0", "1", "2", "3", "4"});
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("ten thousand messages arrive exactly once and in order while the collector is killed again and again") {
    Scratch scratch(true);
    FakeInit init({scratch.path / "var"}, {.rotate_size = 200'000, .rotate_keep = 1000});
    init.start();
    logs::StreamId id = 0;
    init.open_syslog(scratch.path / "log", &id);
    constexpr int messages = 10'000;
    Leader web([&] {
        const Sender sender(scratch.path / "log");
        int failed = 0;
        for (int i = 0; i < messages; ++i)
            failed += sender.send("<13>app: " + std::to_string(i) + (i % 7 == 0 ? "\nmore" : "")) != 0;
        return failed != 0;
    });
    const Fd pipe = init.open_stream("web", Source::out, 0, nullptr, web.pid);
    web.go();
    std::mt19937 random(static_cast<unsigned>(::getpid()));
    unsigned kills = 0;
    int status = -1;
    while ((status = web.ended(WNOHANG)) < 0) {
        ::usleep(static_cast<useconds_t>(random() % 10'000)); // anywhere
        init.kill_collector();
        init.start();
        ++kills;
    }
    CHECK(status == 0);
    CHECK(init.flush({id}));
    MESSAGE("killed " << kills << " times");
    CHECK(kills >= 5);
    CHECK(init.finish() == logd::exit_done);
    int expected = 0, wrong = 0;
    for (const Entry& entry : entries_of(scratch.path / "var", "web")) {
        if (entry.text == "\tmore")
            wrong += expected % 7 != 1;
        else
            wrong += entry.text != "app: " + std::to_string(expected++);
    }
    CHECK(expected == messages);
    CHECK(wrong == 0);
    CHECK(entries_of(scratch.path / "var", "syslog").empty());
}
