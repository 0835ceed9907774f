// How root walks a path that a unit names: the administrator's links are followed, a user's are not.
#include "os/spawn/walk.hpp"

#include "os/file/runtime.hpp"
#include "os/file/walked_file.hpp"
#include "os/process/process.hpp"
#include "os/socket/listen_socket.hpp"
#include "os/socket/local_socket.hpp"
#include "scene.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <filesystem>

using namespace mi;
using namespace mi::os;

namespace {

constexpr uid_t user = 1234;

// A directory of root's, `secret` in it, and `theirs`, which belongs to a user.
struct Ground : Scratch {
    Ground() {
        make("theirs");
        make("theirs/sub");
        write("secret", "root's\n", 0600);
        for (const char* name : {"theirs", "theirs/sub"})
            (void)::chown((*this / name).c_str(), user, user);
    }
    void make(const std::string& name, mode_t mode = 0755) const {
        REQUIRE(::mkdir((*this / name).c_str(), 0755) == 0);
        REQUIRE(::chmod((*this / name).c_str(), mode) == 0);
    }
    void link(const std::string& target, const std::string& name) const {
        REQUIRE(::symlink(target.c_str(), (*this / name).c_str()) == 0);
    }
    // What open_walked gives: the text of the file, or the error.
    std::string read(const std::string& name, LastLink last = LastLink::followed) const {
        return text_of(AT_FDCWD, *this / name, last);
    }
    static std::string text_of(int start, const std::string& path, LastLink last = LastLink::followed) {
        const long fd = open_walked(start, path.c_str(), O_RDONLY | O_NONBLOCK, 0, last);
        if (fd < 0)
            return ::strerrorname_np(static_cast<int>(-fd));
        const Fd file(static_cast<int>(fd));
        CHECK((::fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
        return drain(file.get());
    }
};

struct Found {
    long code;
    Fd directory;
    std::string name;
    bool others_can_write, way_can_change;
};

// Whether we can be, and give files to, another user.
bool has_users() {
    return is_root() && aside([] { return ::setresuid(user, user, user) == 0; });
}

Found walk_to(const std::string& path, LastLink last = LastLink::followed, int start = AT_FDCWD) {
    Walked found;
    const long code = walk(start, path.c_str(), found, last);
    return {code, Fd(found.directory), found.name, found.others_can_write, found.way_can_change};
}

std::string directory_of(const Found& found) {
    return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(found.directory.get()));
}

int descriptors() {
    int count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

} // namespace

TEST_CASE("links in directories of root's are followed, to files, directories, and absolute paths") {
    Ground ground;
    ground.make("a");
    ground.make("a/b");
    ground.write("a/b/file", "text");
    ground.link("a/b/file", "to-file");
    ground.link("a", "to-a");
    ground.link(ground / "a/b", "absolute");
    ground.link("../a/./b//file", "a/winding");
    for (const char* path : {"a/b/file", "to-file", "to-a/b/file", "absolute/file", "a/winding", "a//b/./file",
                             "a/b/../b/file", "to-a/../to-a/winding"}) {
        INFO(path);
        CHECK(ground.read(path) == "text");
    }
    CHECK(ground.read("to-file", LastLink::meant) == "ELOOP");
    CHECK(ground.read("to-a/b/file", LastLink::meant) == "text");
    CHECK(ground.read("to-file/") == "ENOTDIR");
    CHECK(ground.read("a/b/file/") == "ENOTDIR");
    CHECK(ground.read("a/nothing") == "ENOENT");
    CHECK(ground.read("nothing/file") == "ENOENT");
    CHECK(ground.read("a/b/file/below") == "ENOTDIR");
    CHECK(Ground::text_of(AT_FDCWD, "") == "ENOENT");
}

TEST_CASE("a walk ends at the directory of the last component, which need not be there") {
    Ground ground;
    ground.make("a");
    ground.link("a", "to-a");
    ground.link("a/new", "to-new");
    for (auto [path, directory, name] : {std::tuple{"a/new", "/a", "new"},
                                         {"to-a/new", "/a", "new"},
                                         {"to-new", "/a", "new"},
                                         {"a/", "/a", "."},
                                         {"a/.", "/a", "."},
                                         {"to-a/", "/a", "."},
                                         {"a/..", "", "."},
                                         {"to-a", "", "a"}}) {
        INFO(path);
        const Found found = walk_to(ground / path);
        REQUIRE(found.code == 0);
        CHECK(directory_of(found) == ground.path() + directory);
        CHECK(found.name == name);
        CHECK_FALSE(found.others_can_write);
    }
    CHECK(walk_to(ground / "to-a", LastLink::meant).name == "to-a");
    CHECK(walk_to("/").name == ".");
    CHECK(walk_to("/").code == 0);
    const std::string longest(255, 'n');
    CHECK(walk_to(ground / longest).name == longest);
    CHECK(walk_to(ground / (longest + "n")).code == -ENAMETOOLONG);
    CHECK(walk_to(ground / (longest + "n/x")).code == -ENAMETOOLONG);
    CHECK(walk_to(std::string(9000, '/')).code == -ENAMETOOLONG);
    std::string deep = ground / "a";
    for (int i = 0; i < 1500; ++i)
        deep += "/../a";
    CHECK(walk_to(deep + "/new").name == "new"); // longer than PATH_MAX
}

TEST_CASE("a walk begins in an open directory, or where we are") {
    Ground ground;
    ground.make("a");
    ground.write("a/file", "text");
    ground.link("a/file", "to-file");
    Fd start(::open(ground.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    CHECK(Ground::text_of(start.get(), "a/file") == "text");
    CHECK(Ground::text_of(start.get(), "./to-file") == "text");
    CHECK(Ground::text_of(start.get(), ground / "a/file") == "text");
    CHECK(Ground::text_of(start.get(), "../file") == "ENOENT");
    CHECK(aside([&] {
        return ::chdir(ground.path().c_str()) == 0 && Ground::text_of(AT_FDCWD, "to-file") == "text" &&
               walk_to("file").name == "file";
    }));
}

TEST_CASE("links that lead in a circle, or nowhere, are an error") {
    Ground ground;
    ground.link("two", "one");
    ground.link("one", "two");
    ground.link("nowhere/at/all", "lost");
    ground.link("itself/deeper", "itself");
    CHECK(ground.read("one") == "ELOOP");
    CHECK(ground.read("one/file") == "ELOOP");
    CHECK(ground.read("itself") == "ELOOP");
    CHECK(ground.read("lost") == "ENOENT");
    const int before = descriptors();
    for (const char* path : {"one", "lost", "nothing/x", "theirs/x"})
        (void)ground.read(path);
    CHECK(descriptors() == before);
}

TEST_CASE("no link is followed in a directory of somebody else's, nor below") {
    if (!has_users())
        return;
    Ground ground;
    ground.make("theirs/roots"); // he can put another there
    ground.write("theirs/own", "his\n");
    ground.write("theirs/roots/own", "root's, in his\n");
    ground.link("../secret", "theirs/link");
    ground.link(ground / "secret", "theirs/absolute");
    ground.link("..", "theirs/up");
    ground.link("../../secret", "theirs/roots/link");
    ground.link("theirs", "to-theirs");
    CHECK(ground.read("theirs/own") == "his\n");
    CHECK(ground.read("to-theirs/own") == "his\n");
    CHECK(ground.read("theirs/roots/own") == "root's, in his\n");
    for (const char* path :
         {"theirs/link", "theirs/absolute", "theirs/up/secret", "to-theirs/link", "theirs/roots/link"}) {
        INFO(path);
        CHECK(ground.read(path) == "ELOOP");
    }
    for (const char* path : {"theirs/../secret", "theirs/..", "theirs/sub/../own", "to-theirs/../secret"}) {
        INFO(path);
        CHECK(ground.read(path) == "EPERM");
    }
    CHECK(walk_to(ground / "theirs/link").name == "link"); // for whoever opens it with O_NOFOLLOW, or removes it
    CHECK(walk_to(ground / "theirs/link").others_can_write);
    CHECK_FALSE(walk_to(ground / "theirs/link").way_can_change);
    CHECK(walk_to(ground / "theirs/sub/x").way_can_change);
    CHECK(open_walked(AT_FDCWD, (ground / "theirs/link").c_str(), O_PATH) == -ELOOP);
    CHECK(open_walked(AT_FDCWD, (ground / "theirs/link").c_str(), O_WRONLY | O_CREAT, 0600) == -ELOOP);
    CHECK(open_walked(AT_FDCWD, (ground / "theirs/link").c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600) == -EEXIST);
    CHECK(contents(ground / "secret") == "root's\n");
}

TEST_CASE("a hard link is refused where others can write, before anything happens to the file") {
    if (!has_users())
        return;
    Ground ground;
    ground.write("once", "text");
    REQUIRE(::link((ground / "secret").c_str(), (ground / "theirs/hard").c_str()) == 0);
    REQUIRE(::link((ground / "once").c_str(), (ground / "twice").c_str()) == 0);
    CHECK(ground.read("theirs/hard") == "EMLINK");
    CHECK(open_walked(AT_FDCWD, (ground / "theirs/hard").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600) == -EMLINK);
    CHECK(contents(ground / "secret") == "root's\n");
    CHECK(ground.read("twice") == "text"); // the administrator's own
    ground.write("theirs/plain", "long text");
    const Fd cut(
        static_cast<int>(open_walked(AT_FDCWD, (ground / "theirs/plain").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600)));
    CHECK(cut);
    CHECK(contents(ground / "theirs/plain").empty());
    const Fd made(
        static_cast<int>(open_walked(AT_FDCWD, (ground / "theirs/new").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0640)));
    CHECK(made);
    CHECK(std::filesystem::exists(ground / "theirs/new"));
}

TEST_CASE("what others can write to by its mode is not trusted; a sticky directory keeps what is root's in place") {
    if (!has_users())
        return;
    Ground ground;
    ground.make("open", 0777);
    ground.make("group", 0775);
    ground.make("sticky", 01777);
    for (const char* name : {"open", "group", "sticky"}) {
        INFO(name);
        const std::string place = name;
        ground.make(place + "/roots");
        ground.make(place + "/his");
        REQUIRE(::chown((ground / (place + "/his")).c_str(), user, user) == 0);
        ground.write(place + "/file", "text");
        for (const char* sub : {"/link", "/roots/link", "/his/link"})
            ground.link(ground / "secret", place + sub);
        CHECK(ground.read(place + "/file") == "text");
        CHECK(ground.read(place + "/link") == "ELOOP");
        CHECK(ground.read(place + "/his/link") == "ELOOP");
        const bool kept = place == "sticky";
        CHECK(ground.read(place + "/roots/link") == (kept ? "root's\n" : "ELOOP"));
        CHECK(walk_to(ground / (place + "/roots/x")).way_can_change == !kept);
        CHECK(walk_to(ground / (place + "/his/x")).way_can_change);
    }
    CHECK(walk_to("/tmp/x").others_can_write);
}

TEST_CASE("for a user his own directories are trusted, and another's are not") {
    if (!has_users())
        return;
    Ground ground;
    ground.make("other");
    REQUIRE(::chown((ground / "other").c_str(), user + 1, user + 1) == 0);
    ground.write("readable", "text");
    ground.link(ground / "readable", "theirs/link");
    ground.link(ground / "readable", "other/link");
    CHECK(aside([&] {
        return ::setresgid(user, user, user) == 0 && ::setresuid(user, user, user) == 0 &&
               ground.read("theirs/link") == "text" && ground.read("theirs/../readable") == "text" &&
               ground.read("other/link") == "ELOOP" && ::chmod((ground / "theirs").c_str(), 0775) == 0 &&
               ground.read("theirs/link") == "text" && // his own group
               ::chmod((ground / "theirs").c_str(), 0777) == 0 && ground.read("theirs/link") == "ELOOP";
    }));
}

TEST_CASE("the links of procfs are followed to what is open, if they are our own") {
    Pipe pipe = make_pipe().value();
    Ground ground;
    const std::string number = std::to_string(pipe.write.get());
    ground.link("/proc/self/fd/" + number, "like-dev-stdout");
    for (const std::string& path : {"/proc/self/fd/" + number, "/proc/thread-self/fd/" + number,
                                    "/proc/self/../self/fd/" + number, ground / "like-dev-stdout"}) {
        INFO(path);
        const long fd = open_walked(AT_FDCWD, path.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0640);
        REQUIRE(fd >= 0);
        CHECK(::write(static_cast<int>(fd), "x", 1) == 1);
        ::close(static_cast<int>(fd));
    }
    pipe.write.reset();
    CHECK(drain(pipe.read.get()) == "xxxx");
    CHECK(Ground::text_of(AT_FDCWD, "/proc/self/root" + ground.write("file", "text")) == "text");
    if (!has_users())
        return;
    // Where a process of a user's points is the user's business.
    Pipe ready = make_pipe().value(), over = make_pipe().value();
    const pid_t child = ::fork();
    if (child == 0) {
        over.write.reset();
        char letter = 0;
        const bool his = ::setresuid(user, user, user) == 0 && ::prctl(PR_SET_DUMPABLE, 1) == 0;
        (void)!::write(ready.write.get(), &letter, his ? 1 : 0);
        ready.write.reset();
        (void)!::read(over.read.get(), &letter, 1);
        ::_exit(0);
    }
    REQUIRE(child > 0);
    ready.write.reset();
    CHECK(drain(ready.read.get()).size() == 1);
    const std::string his = "/proc/" + std::to_string(child);
    CHECK(process_user(child) == user);
    CHECK(Ground::text_of(AT_FDCWD, his + "/root" + (ground / "file")) == "ELOOP");
    CHECK(Ground::text_of(AT_FDCWD, his + "/cwd/x") == "ELOOP");
    over.write.reset();
    ::waitpid(child, nullptr, 0);
}

TEST_CASE("files at paths of units are written, removed and given parents in the directory that was walked to") {
    if (!has_users())
        return;
    Ground ground;
    ground.write("victim", "precious");
    ground.link(ground.path(), "theirs/out");
    ground.link(ground / "victim", "theirs/file");
    CHECK(write_walked_file(ground / "theirs/out/victim", "bent").error().code == ELOOP);
    CHECK(remove_walked_file(ground / "theirs/out/victim").error().code == ELOOP);
    CHECK(make_walked_parents(ground / "theirs/out/new/x").error().code == ELOOP);
    CHECK(make_walked_parents(ground / "theirs/../new/x").error().code == EPERM);
    CHECK_FALSE(std::filesystem::exists(ground / "new"));
    CHECK(write_walked_file(ground / "theirs/file", "text")); // in the link's stead
    CHECK(contents(ground / "victim") == "precious");
    CHECK(contents(ground / "theirs/file") == "text");
    CHECK(remove_walked_file(ground / "theirs/file"));
    CHECK(remove_walked_file(ground / "theirs/file"));
    CHECK(remove_walked_file(ground / "nothing/at/all"));
    CHECK(make_walked_parents(ground / "theirs/a/b/c"));
    CHECK(std::filesystem::is_directory(ground / "theirs/a/b"));
    CHECK_FALSE(std::filesystem::exists(ground / "theirs/a/b/c"));
    CHECK(remove_walked_file(ground / "theirs/out"));
    CHECK(contents(ground / "victim") == "precious");
    CHECK(write_walked_file(ground / "theirs/x/y", "").error().text() ==
          "reach " + (ground / "theirs/x/y") + ": No such file or directory");
}

TEST_CASE("a PID file is believed neither through a link of its user's nor by a hard link") {
    if (!has_users())
        return;
    Ground ground;
    ground.write("4.pid", "4\n");
    ground.link(ground.path(), "theirs/out");
    REQUIRE(::link((ground / "4.pid").c_str(), (ground / "theirs/hard").c_str()) == 0);
    auto named_by = [](const std::string& path) {
        const PathQuestion question = question_for_pid_file(path);
        return pid_in(path, answer_anyway({&question, 1}).front(), std::nullopt);
    };
    CHECK(named_by(ground / "4.pid") == 4);
    CHECK(named_by(ground / "theirs/out/4.pid").error().text().starts_with("refuse PID file that is a symbolic link"));
    CHECK(named_by(ground / "theirs/hard").error().text().starts_with("refuse PID file that has another name"));
}

TEST_CASE("a socket or FIFO is made in the directory that was walked to, and we stay where we are") {
    if (!has_users())
        return;
    Ground ground;
    ground.make("elsewhere");
    const std::string here = std::filesystem::current_path();
    using Kind = Endpoint::Kind;
    for (Kind kind : {Kind::stream, Kind::datagram, Kind::fifo}) {
        INFO(static_cast<int>(kind));
        auto open = [&](const std::string& path) {
            return ListenSocket::open({.kind = kind, .address = ground / path, .mode = 0600, .user = user});
        };
        auto deep = open("theirs/sub/socket");
        REQUIRE(deep);
        CHECK(deep->reachable());
        CHECK(std::filesystem::current_path() == here);
        // He moves his directory away, and a link to another one has its name.
        REQUIRE(::rename((ground / "theirs/sub").c_str(), (ground / "theirs/moved").c_str()) == 0);
        ground.link(ground / "elsewhere", "theirs/sub");
        ground.write("elsewhere/socket", "precious");
        CHECK_FALSE(deep->reachable());
        deep->remove();
        CHECK(contents(ground / "elsewhere/socket") == "precious");
        auto bent = open("theirs/sub/other");
        CHECK(bent.error().code == ELOOP);
        CHECK(open("theirs/sub/new/other").error().code == ELOOP);
        CHECK(std::filesystem::current_path() == here);
        CHECK_FALSE(std::filesystem::exists(ground / "elsewhere/other"));
        CHECK_FALSE(std::filesystem::exists(ground / "elsewhere/new"));
        REQUIRE(::unlink((ground / "theirs/sub").c_str()) == 0);
        std::filesystem::remove_all(ground / "theirs/moved");
        ground.make("theirs/sub");
        REQUIRE(::chown((ground / "theirs/sub").c_str(), user, user) == 0);
    }
}

TEST_CASE("a socket has its whole path for a name, unless a link or a mount could come to be on its way") {
    if (!has_users())
        return;
    Ground ground;
    auto name_of = [&](const std::string& path) {
        Fd socket = listen_local(ground / path, 0600).value();
        sockaddr_un address{};
        socklen_t size = sizeof address;
        REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        return std::string(address.sun_path);
    };
    CHECK(name_of("plain") == ground / "plain");
    CHECK(name_of("theirs/plain") == "plain"); // he may mount something over his directory
    ground.make("sticky", 01777);
    CHECK(name_of("sticky/plain") == ground / "sticky/plain");
    ground.make("open", 0777);
    CHECK(name_of("open/plain") == "plain");
    CHECK(name_of("theirs/sub/plain") == "plain");
    // One that is left is replaced, and a live one is not.
    CHECK(name_of("theirs/sub/plain") == "plain");
    Fd alive = listen_local(ground / "theirs/sub/plain", 0600).value();
    CHECK(listen_local(ground / "theirs/sub/plain", 0600).error().code == EADDRINUSE);
}
