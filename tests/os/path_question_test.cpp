// Touching paths: each question, what is judged before it is touched, and the child that does what may hang.
#include "os/file/path_inquiry.hpp"
#include "scene.hpp"

#include <algorithm>
#include <cerrno>

using namespace mi;
using namespace mi::os;

namespace {

using Kind = PathQuestion::Kind;

PathAnswer asked(const PathQuestion& question) { return answer_anyway({&question, 1}).front(); }

// Asked here, with the mount table as it is; or the words with which it was not touched.
std::string here(const PathQuestion& question, HangingMounts& mounts) {
    auto answers = answer_here({&question, 1}, mounts);
    return answers ? std::to_string(answers->front().code) + answers->front().text : answers.error().text();
}
std::string here(const PathQuestion& question) {
    HangingMounts mounts;
    return here(question, mounts);
}

// A mount table like ours, in which the line of /proc is another.
std::string table_with(const Scratch& scratch, const std::string& point, const std::string& type) {
    std::string lines;
    const std::vector<Mount> mounts = read_mounts().value_or(std::vector<Mount>{});
    for (const Mount& mount : mounts) {
        const bool proc = mount.point == "/proc";
        lines += std::to_string(mount.id) + " " + std::to_string(mount.parent) + " 0:1 / " +
                 (proc ? point : mount.point) + " rw - " + (proc ? type : mount.type) + " none rw\n";
    }
    return scratch.write("mountinfo", lines);
}

// Somebody who has a write lease on a file, until he gives it up.
class Lease {
public:
    explicit Lease(const std::string& path)
        : before_(::signal(SIGIO, SIG_IGN)), file_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
        held = ::fcntl(file_.get(), F_SETLEASE, F_WRLCK) == 0;
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
        file_.reset();
        ::signal(SIGIO, before_);
    }
    void give_up() const { CHECK(::fcntl(file_.get(), F_SETLEASE, F_UNLCK) == 0); }
    bool held = false;

private:
    sighandler_t before_;
    Fd file_;
};

// Waits until the child has said all.
std::optional<PathAnswers> wait_for(PathInquiry& inquiry) {
    pollfd poll{inquiry.fd(), POLLIN, 0};
    do
        CHECK(::poll(&poll, 1, 20000) == 1);
    while (!inquiry.hear());
    CHECK(::waitpid(inquiry.pid(), nullptr, 0) == inquiry.pid());
    return inquiry.answers();
}

} // namespace

TEST_CASE("whether something is there is answered by following links") {
    Scratch scratch;
    scratch.write("file", "x");
    ::mkdir((scratch / "empty").c_str(), 0755);
    std::filesystem::create_symlink("file", scratch / "link");
    std::filesystem::create_symlink("nowhere", scratch / "dangling");
    CHECK(here({Kind::exists, scratch / "file"}) == "0");
    CHECK(here({Kind::exists, scratch / "link"}) == "0");
    CHECK(here({Kind::exists, scratch.path()}) == "0");
    CHECK(here({Kind::exists, "/"}) == "0");
    CHECK(here({Kind::exists, scratch / "dangling"}) == std::to_string(ENOENT));
    CHECK(here({Kind::exists, scratch / "file/below"}) == std::to_string(ENOTDIR));
    CHECK(here({Kind::holds_something, scratch.path()}) == "0");
    CHECK(here({Kind::holds_something, scratch / "empty"}) == std::to_string(ENODATA));
    CHECK(here({Kind::holds_something, scratch / "file"}) == std::to_string(ENOTDIR));
}

TEST_CASE("a pattern is matched as a shell does, and a large directory is left to a child") {
    Scratch scratch;
    std::filesystem::create_directories(scratch / "few/sub");
    std::filesystem::create_directory(scratch / "many");
    scratch.write("few/sub/a.conf", "");
    CHECK(asked({.kind = Kind::matches, .path = scratch / "f*/s?b/*.conf"}).code == 0);
    CHECK(asked({.kind = Kind::matches, .path = scratch / "f*/none/*.conf"}).code != 0);
    CHECK(here({.kind = Kind::matches, .path = scratch / "few/*/[b-z]*"}) == std::to_string(ENOENT));
    for (int i = 0; i < 1100; ++i)
        scratch.write("many/" + std::to_string(i), "");
    const PathQuestion question{.kind = Kind::matches, .path = scratch / "many/*.conf"};
    CHECK(here(question) == "more than 1,000 entries are to be read for it");
    CHECK(asked(question).code == ENOENT);
}

TEST_CASE("a program is found by name, with a reason where it is not") {
    Scratch scratch;
    ::mkdir((scratch / "a").c_str(), 0755);
    ::mkdir((scratch / "b").c_str(), 0755);
    ::mkdir((scratch / "a/tool").c_str(), 0755); // a directory is no program
    scratch.write("b/tool", "#!/bin/sh\n", 0755);
    scratch.write("a/plain", "text", 0644);
    const std::string search = scratch / "a" + ":" + scratch / "b";
    CHECK(here({Kind::program, "tool", search}) == "0" + scratch / "b/tool");
    CHECK(here({Kind::program, scratch / "b/tool"}) == "0" + scratch / "b/tool");
    CHECK(asked({Kind::program, "none", search}).code == ENOENT);
    CHECK(asked({Kind::program, "plain", search}).code == EACCES);
    CHECK(asked({Kind::program, scratch / "a/plain", search}).code == EACCES);
    CHECK(asked({Kind::program, scratch / "a", search}).code == EACCES);
    CHECK(asked({Kind::program, scratch / "none", search}).code == ENOENT);
    CHECK(asked({Kind::program, "", search}).code == ENOENT);
}

TEST_CASE("a program is looked for as a process in another root directory would find it") {
    Scratch scratch;
    std::filesystem::create_directories(scratch / "jail/usr/bin");
    std::filesystem::create_directories(scratch / "jail/opt");
    std::filesystem::create_symlink("/usr/bin", scratch / "jail/bin");
    std::filesystem::create_symlink("../../../../usr/bin/tool", scratch / "jail/opt/up");
    scratch.write("jail/usr/bin/tool", "#!/bin/sh\n", 0755);
    CHECK(here({Kind::program, "tool", "/sbin:/bin", scratch / "jail"}) == "0/bin/tool");
    CHECK(here({Kind::program, "/opt/up", "", scratch / "jail"}) == "0/opt/up");
    CHECK(asked({Kind::program, "sh", "/sbin:/bin", scratch / "jail"}).code == ENOENT);
}

TEST_CASE("a file is read whole or not at all, and what is no file is not opened") {
    Scratch scratch;
    ::mkfifo((scratch / "fifo").c_str(), 0600);
    scratch.write("file", "words\n", 0640);
    PathAnswer read = asked({.kind = Kind::read, .path = scratch / "file", .most = 6});
    CHECK(read == PathAnswer{.owner = ::geteuid(), .mode = S_IFREG | 0640, .text = "words\n"});
    CHECK(asked({.kind = Kind::read, .path = scratch / "file", .most = 5}).code == EFBIG);
    CHECK(asked({.kind = Kind::read, .path = scratch / "fifo", .most = 5}).code == ENOTSUP);
    CHECK(asked({.kind = Kind::read, .path = scratch.path(), .most = 5}).code == ENOTSUP);
    CHECK(asked({.kind = Kind::read, .path = "/dev/null", .most = 5}).code == ENOTSUP);
    CHECK(asked({.kind = Kind::read, .path = scratch / "none", .most = 5}).code == ENOENT);
    CHECK(asked({.kind = Kind::read, .path = "/proc/self/comm", .most = 50}).code == 0);
}

TEST_CASE("a link that somebody else can have planted is not read, written or removed through") {
    if (::geteuid() != 0)
        return;
    Scratch scratch;
    scratch.write("secret", "secret", 0600);
    ::mkdir((scratch / "theirs").c_str(), 0755);
    std::filesystem::create_symlink(scratch / "secret", scratch / "theirs/link");
    std::filesystem::create_symlink(scratch.path(), scratch / "theirs/up");
    std::filesystem::create_hard_link(scratch / "secret", scratch / "theirs/hard");
    REQUIRE(::chown((scratch / "theirs").c_str(), 1000, 1000) == 0);
    CHECK(asked({.kind = Kind::read, .path = scratch / "theirs/link", .most = 50}).code == ELOOP);
    CHECK(asked({.kind = Kind::read, .path = scratch / "theirs/up/secret", .most = 50}).code == ELOOP);
    CHECK(asked({.kind = Kind::read, .path = scratch / "theirs/hard", .most = 50}).code == EMLINK);
    CHECK(asked({.kind = Kind::write, .path = scratch / "theirs/up/secret", .text = "x"}).code == ELOOP);
    CHECK(asked({.kind = Kind::remove, .path = scratch / "theirs/up/secret"}).code == ELOOP);
    // What the path itself names is theirs to lose.
    CHECK(asked({.kind = Kind::write, .path = scratch / "theirs/link", .text = "x"}).code == 0);
    CHECK(asked({.kind = Kind::remove, .path = scratch / "theirs/hard"}).code == 0);
    CHECK(contents(scratch / "secret") == "secret");
    CHECK(contents(scratch / "theirs/link") == "x");
}

TEST_CASE("a file is written in one step, and removing what is not there is no fault") {
    Scratch scratch;
    const std::string path = scratch.write("a.pid", "an older one that is longer\n", 0600);
    CHECK(here({.kind = Kind::write, .path = path, .text = "12\n"}) == "0");
    CHECK(contents(path) == "12\n");
    struct stat about{};
    CHECK((::stat(path.c_str(), &about) == 0 && (about.st_mode & 07777) == 0644));
    CHECK(asked({.kind = Kind::write, .path = scratch / "none/a", .text = "x"}).code == ENOENT);
    CHECK(asked({.kind = Kind::write, .path = scratch.path() + "/", .text = "x"}).code == EISDIR);
    CHECK(here({.kind = Kind::remove, .path = path}) == "0");
    CHECK(here({.kind = Kind::remove, .path = path}) == "0");
    CHECK(here({.kind = Kind::remove, .path = scratch / "none/a"}) == "0");
    CHECK(std::distance(std::filesystem::directory_iterator(scratch.path()), {}) == 0);
}

TEST_CASE("a file system that may hang is not entered, by whatever path") {
    Scratch scratch;
    HangingMounts mounts(table_with(scratch, "/proc", "fuse.sshfs"));
    std::filesystem::create_symlink("/proc/version", scratch / "link");
    std::filesystem::create_symlink("/proc", scratch / "directory");
    const std::string words = "it lies on FUSE file system /proc (fuse.sshfs)";
    CHECK(here({Kind::exists, "/proc/version"}, mounts) == words);
    CHECK(here({Kind::exists, "/proc"}, mounts) == words);
    CHECK(here({Kind::exists, scratch / "link"}, mounts) == words);
    CHECK(here({Kind::holds_something, scratch / "directory"}, mounts) == words);
    CHECK(here({.kind = Kind::read, .path = "/proc/version", .most = 1000}, mounts) == words);
    CHECK(here({.kind = Kind::write, .path = "/proc/x", .text = "x"}, mounts) == words);
    CHECK(here({.kind = Kind::remove, .path = "/proc/x"}, mounts) == words);
    CHECK(here({Kind::program, "none", "/usr/bin:/proc"}, mounts) == words);
    CHECK(here({Kind::program, "version", "/", "/proc"}, mounts) == words);
    // What comes before it on the way is still found.
    CHECK(here({Kind::program, "sh", "/bin:/proc"}, mounts) == "0/bin/sh");
    CHECK(open_directory_here(scratch / "directory/net", mounts).error().code == EXDEV);
    CHECK(open_directory_here(scratch.path(), mounts));
}

TEST_CASE("what was mounted after the look at the table is found out by its number, before it is touched") {
    Scratch scratch;
    SUBCASE("it may hang") {
        HangingMounts mounts(table_with(scratch, "/elsewhere", "nfs4"));
        CHECK(here({Kind::exists, "/proc/version"}, mounts) == "it lies on network file system /elsewhere (nfs4)");
    }
    SUBCASE("it is not known at all") {
        HangingMounts mounts(scratch.write("mountinfo", "1 0 0:1 / / rw - ext4 none rw\n"));
        CHECK(here({Kind::exists, "/proc/version"}, mounts) == "it lies on a mount that our mount table does not have");
    }
    SUBCASE("it is harmless") {
        HangingMounts mounts(table_with(scratch, "/elsewhere", "proc"));
        CHECK(here({Kind::exists, "/proc/version"}, mounts) == "0");
    }
}

TEST_CASE("questions that may hang are answered by a child, which has nothing of ours open") {
    Scratch scratch;
    scratch.write("file", std::string(200000, 'x'));
    int ours[2];
    REQUIRE(::pipe2(ours, O_CLOEXEC) == 0);
    Fd read(ours[0]), write(ours[1]);
    const std::vector<PathQuestion> questions{{.kind = Kind::read, .path = scratch / "file", .most = 1 << 20},
                                              {Kind::exists, scratch / "none"},
                                              {Kind::exists, "/proc/self/fd/" + std::to_string(write.get())}};
    auto inquiry = PathInquiry::begin(questions);
    REQUIRE(inquiry);
    auto answers = wait_for(*inquiry);
    REQUIRE(answers);
    REQUIRE(answers->size() == 3);
    CHECK((*answers)[0].text == std::string(200000, 'x'));
    CHECK((*answers)[1].code == ENOENT);
    CHECK((*answers)[2].code == ENOENT);
}

TEST_CASE("a lease on a file holds up a child, and not us") {
    Scratch scratch;
    const std::string path = scratch.write("file", "words");
    Lease lease(path);
    if (!lease.held)
        return;
    const PathQuestion question{.kind = Kind::read, .path = path, .most = 100};
    CHECK(here(question) == "somebody holds a lease on it");
    auto inquiry = PathInquiry::begin({&question, 1});
    REQUIRE(inquiry);
    pollfd poll{inquiry->fd(), POLLIN, 0};
    SUBCASE("that is given up: the answer comes late") {
        CHECK(::poll(&poll, 1, 100) == 0);
        lease.give_up();
        auto answers = wait_for(*inquiry);
        REQUIRE(answers);
        CHECK(answers->front().text == "words");
    }
    SUBCASE("that is kept: the child is killed, and has said nothing") {
        inquiry->kill();
        CHECK_FALSE(wait_for(*inquiry));
    }
}

TEST_CASE("answers that were cut short, or are none, are not taken for some") {
    const PathAnswers answers{{.code = 2}, {.owner = 7, .mode = 0100644, .text = "words"}};
    const std::string bytes = encode(answers);
    CHECK(decode(bytes) == answers);
    for (std::size_t length = 0; length < bytes.size(); ++length)
        CHECK_FALSE(decode(bytes.substr(0, length)));
    CHECK_FALSE(decode(bytes + "x"));
    CHECK(decode(encode({})) == PathAnswers{});
}
