// Descriptors kept for services: by unit and name, up to a bound, until they hang up; and those nobody keeps.
#include "daemon/socket/fd_store.hpp"
#include "os/file/runtime.hpp"
#include "os/process/children.hpp"
#include "os/scene.hpp"
#include "os/socket/discard.hpp"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <set>

using namespace mi;
using namespace mi::daemon;
using Kept = FdStore::Kept;

namespace {

struct Pair {
    Fd a, b;
};
Pair sockets() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}
Fd copy(const Fd& fd) { return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)); }

// A store, and a table with a place for some units.
struct World {
    World() { units.fit(4); }
    [[nodiscard]] std::string names(core::UnitId unit) const {
        std::string text;
        for (const StoredFd& one : units[unit].stored)
            text += (text.empty() ? "" : " ") + one.name;
        return text;
    }
    // What the turn does when a child has ended. True: it was one that closes.
    bool ended(pid_t pid) {
        Subsystem* owner = children.take(pid);
        if (owner != nullptr)
            owner->exited({.pid = pid});
        return owner != nullptr;
    }

    UnitTable units;
    Children children;
    std::string changed; // the units that the store has told of
    FdStore store{units, children, [this](core::UnitId unit) { changed += std::to_string(unit) + " "; }};
};

bool hung_up(const FdStore& store, int milliseconds) {
    pollfd poll{store.fd(), POLLIN, 0};
    return ::poll(&poll, 1, milliseconds) == 1;
}

// Whether nobody holds the other end any more.
bool is_closed(const Fd& end) {
    pollfd poll{end.get(), POLLIN, 0};
    return ::poll(&poll, 1, 1000) == 1 && (poll.revents & POLLHUP) != 0;
}

} // namespace

TEST_CASE("descriptors are kept by unit and name, the oldest first, and given up by name or together") {
    World world;
    FdStore& store = world.store;
    Pair one = sockets(), two = sockets(), three = sockets(), other = sockets();
    CHECK(store.keep(1, "x", std::move(one.b), true, 8) == Kept::yes);
    CHECK(store.keep(1, "y", std::move(two.b), true, 8) == Kept::yes);
    CHECK(store.keep(1, "x", std::move(three.b), true, 8) == Kept::yes);
    CHECK(store.keep(2, "x", std::move(other.b), true, 8) == Kept::yes);
    CHECK(world.names(1) == "x y x");
    CHECK(world.changed == "1 1 1 2 ");
    store.remove(1, "x");
    CHECK(world.names(1) == "y");
    CHECK(is_closed(one.a));
    CHECK(is_closed(three.a));
    CHECK(world.names(2) == "x");
    store.drop(1);
    CHECK(is_closed(two.a));
    CHECK(world.names(1).empty());
    world.changed.clear();
    store.remove(3, "x");
    store.drop(3);
    CHECK(world.changed.empty());
}

TEST_CASE("one that is kept already is not kept twice, and there is a bound") {
    World world;
    FdStore& store = world.store;
    Pair one = sockets();
    Fd file(::eventfd(0, EFD_CLOEXEC)), file_too(::eventfd(0, EFD_CLOEXEC));
    CHECK(store.keep(1, "a", copy(one.b), true, 3) == Kept::yes);
    CHECK(store.keep(1, "b", copy(one.b), true, 3) == Kept::already);
    CHECK(store.keep(1, "c", copy(file), true, 3) == Kept::yes);
    CHECK(store.keep(1, "d", copy(file_too), true, 3) == Kept::yes);
    CHECK(store.keep(1, "e", copy(one.a), true, 3) == Kept::full);
    CHECK(store.keep(1, "f", copy(file), true, 3) == Kept::already);
    CHECK(store.keep(2, "a", copy(one.b), true, 0) == Kept::full);
    CHECK(world.names(1) == "a c d");
}

TEST_CASE("what hangs up is dropped, unless its service wants it kept; what merely has data wakes nobody") {
    World world;
    FdStore& store = world.store;
    Pair one = sockets(), two = sockets(), busy = sockets();
    store.keep(1, "polled", std::move(one.b), true, 8);
    store.keep(1, "not-polled", std::move(two.b), false, 8);
    store.keep(1, "busy", std::move(busy.b), true, 8);
    REQUIRE(::write(busy.a.get(), "x", 1) == 1);
    CHECK_FALSE(hung_up(store, 100));
    two.a.reset();
    CHECK_FALSE(hung_up(store, 100));
    one.a.reset();
    CHECK(hung_up(store, 1000));
    store.drop_dead();
    CHECK(world.names(1) == "not-polled busy");
    CHECK_FALSE(hung_up(store, 100));
}

TEST_CASE("one that was given up is not heard of again, though its service still has it") {
    World world;
    FdStore& store = world.store;
    Pair one = sockets();
    store.keep(1, "a", copy(one.b), true, 8);
    store.remove(1, "a");
    one.a.reset();
    CHECK_FALSE(hung_up(store, 100));
    store.drop_dead();
}

TEST_CASE("the descriptors of a unit that is gone are closed") {
    World world;
    FdStore& store = world.store;
    Pair one = sockets(), two = sockets();
    store.keep(1, "a", std::move(one.b), true, 8);
    store.keep(2, "b", std::move(two.b), true, 8);
    store.unit_gone(2);
    CHECK(world.names(1) == "a");
    CHECK(world.names(2).empty());
    CHECK(is_closed(two.a));
}

TEST_CASE("only what depends on nobody is harmless") {
    os::Scratch scratch;
    Pair pair = sockets();
    os::Pipe pipe = os::make_pipe().value();
    CHECK(os::is_harmless(pair.a.get()));
    CHECK(os::is_harmless(pipe.read.get()));
    CHECK(os::is_harmless(Fd(::eventfd(0, EFD_CLOEXEC)).get()));
    CHECK(os::is_harmless(Fd(::memfd_create("m", MFD_CLOEXEC)).get()));
    CHECK(os::is_harmless(Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)).get()));
    CHECK_FALSE(os::is_harmless(Fd(::open("/dev/null", O_RDWR | O_CLOEXEC)).get()));
    CHECK_FALSE(os::is_harmless(Fd(::open("/", O_RDONLY | O_CLOEXEC)).get()));
    CHECK_FALSE(os::is_harmless(Fd(::open("/", O_PATH | O_CLOEXEC)).get()));
    CHECK_FALSE(os::is_harmless(-1));
}

TEST_CASE("a socket's linger time does not hold us up") {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    linger long_time{1, 1000}, left{};
    REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &long_time, sizeof long_time) == 0);
    os::close_harmless(copy(socket));
    socklen_t length = sizeof left;
    REQUIRE(::getsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &left, &length) == 0);
    CHECK(left.l_onoff == 0);
}

TEST_CASE("what may be slow to close is closed by a child, one child at a time") {
    World world;
    FdStore& store = world.store;
    // The lock of a description goes when its last descriptor is closed, whoever closes it.
    os::Scratch scratch;
    std::string path = scratch.write("file", "");
    auto locked = [&] {
        Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        REQUIRE(fd);
        struct flock lock{};
        lock.l_type = F_WRLCK;
        REQUIRE(::fcntl(fd.get(), F_OFD_SETLK, &lock) == 0);
        return fd;
    };
    auto is_locked = [&] {
        Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        struct flock lock{};
        lock.l_type = F_WRLCK;
        return ::fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    };
    int number = -1;
    {
        Fd file = locked();
        number = file.get();
        CHECK(store.discard(1, std::move(file)));
    }
    std::vector<Fd> more;
    for (int i = 0; i < 5; ++i)
        CHECK(store.discard(1, Fd(::open("/", O_RDONLY | O_CLOEXEC))));
    CHECK(os::eventually([&] { return !is_locked(); }));
    std::set<pid_t> closers;
    for (int i = 0; i < 2; ++i) { // the first, and one for all that came meanwhile
        int status = 0;
        pid_t closer = ::waitpid(-1, &status, 0);
        REQUIRE(closer > 0);
        CHECK(status == 0);
        CHECK(world.ended(closer));
        CHECK_FALSE(world.ended(closer));
    }
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(::fcntl(number, F_GETFD) == -1); // closed in our table too
}

TEST_CASE("a unit whose descriptors cannot be closed any more is noticed") {
    World world;
    FdStore& store = world.store;
    bool bearable = true;
    int sent = 0;
    // The first closer is not collected: as if it hung.
    for (; bearable && sent < 2000; ++sent)
        bearable = store.discard(1, Fd(::open("/", O_RDONLY | O_CLOEXEC)));
    CHECK(sent == 514);
    CHECK(store.discard(2, Fd(::open("/", O_RDONLY | O_CLOEXEC))));
    for (int closers = 0; closers < 3; ++closers)
        CHECK(world.ended(::waitpid(-1, nullptr, 0)));
}
