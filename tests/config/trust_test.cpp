// Who may have written a file, and what else may lie where a unit is expected.
#include "config/load.hpp"
#include "config/private_group.hpp"
#include "directory.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace mi::config {

namespace {

constexpr std::string_view plain = "[service]\ncommand = [\"/bin/true\"]\n";

// What is wrong with the one unit of `directory`, without the help.
std::string reason(const TestDirectory& directory, bool allow = false) {
    Source source = directory.source();
    source.allow_insecure = allow;
    Loaded loaded = load(source);
    REQUIRE(loaded.units.size() == 1);
    CHECK(loaded.units[0].dependencies.empty());
    std::string fault = loaded.units[0].fault, root = directory.path("");
    for (std::size_t at = fault.find(root); at != std::string::npos; at = fault.find(root))
        fault.erase(at, root.size());
    return fault.substr(0, fault.find(" (whoever"));
}

} // namespace

TEST_CASE("a unit that others can write is refused, unless that is allowed") {
    TestDirectory directory;
    directory.write("etc/a.toml", "requires = [\"x\"]\n", 0666);
    CHECK(reason(directory) == "etc/a.toml: is writable by everyone");
    directory.write("etc/a.toml", plain, 0664);
    CHECK(reason(directory) == "etc/a.toml: is writable by group " + std::to_string(::getgid()));
    CHECK(reason(directory, true).empty());
    directory.write("etc/a.toml", plain, 0644);
    CHECK(reason(directory).empty());
    if (::getuid() == 0) {
        CHECK(::chown(directory.path("etc/a.toml").c_str(), 1234, 0) == 0);
        CHECK(reason(directory) == "etc/a.toml: is owned by user 1234");
        Source source = directory.source();
        source.owner = 1234;
        CHECK(load(source).units[0].fault.empty());
    }
}

TEST_CASE("nothing is used from a directory that others can write, nor from one below such") {
    TestDirectory directory;
    directory.write("etc/a.toml", plain);
    ::chmod(directory.path("etc").c_str(), 0777);
    CHECK(reason(directory) == "etc/a.toml: is in etc, which is writable by everyone");
    CHECK(load(directory.source()).problems.size() == 2); // the directory, and the unit
    ::chmod(directory.path("etc").c_str(), 01777);
    CHECK(reason(directory) == "etc/a.toml: is in etc, which is writable by everyone");
    ::chmod(directory.path("etc").c_str(), 0755);
    CHECK(reason(directory).empty());
    ::chmod(directory.path("").c_str(), 0777);
    std::string above = directory.path("");
    above.pop_back();
    CHECK(reason(directory) == "etc/a.toml: is in etc, which is below " + above + ", which others may write");
    CHECK(reason(directory, true).empty());
}

TEST_CASE("a group that is the user's own may write, as a umask of 0002 has it") {
    constexpr std::string_view passwd =
        "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"
        "bob:x:1001:1001:::\ncid:x:1002:100:::\ndan:x:1003:100:::\neve:x:1004:1000:::\n";
    constexpr std::string_view alone = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"
                                       "cid:x:1002:100:::\n";
    constexpr std::string_view group = "root:x:0:\nann:x:1000:\nbob:x:1001:bob\nusers:x:100:\nfilm:x:44:ann\n";
    CHECK(is_private_group(alone, group, 1000, 1000));
    CHECK_FALSE(is_private_group(passwd, group, 1000, 1000)); // eve has it as well
    CHECK(is_private_group(passwd, group, 1001, 1001));       // which lists but its owner
    CHECK_FALSE(is_private_group(passwd, "bob:x:1001:bob,ann\n", 1001, 1001));
    CHECK_FALSE(is_private_group(passwd, "bob:x:1001:\nrobert:x:1001:ann\n", 1001, 1001)); // by another name
    CHECK_FALSE(is_private_group(passwd, group, 1002, 100));                               // dan has it as well
    CHECK(is_private_group(alone, group, 1002, 100));
    CHECK_FALSE(is_private_group(alone, group, 1000, 44)); // listed there, but it is not the user's own
    CHECK_FALSE(is_private_group(alone, group, 1000, 0));
    CHECK_FALSE(is_private_group(alone, group, 0, 0)); // services without root's number may have it
    CHECK(is_private_group(alone, group, 4711, 4711)); // nobody knows of another
    CHECK_FALSE(is_private_group(alone, group, 4711, 4712));
    CHECK_FALSE(is_private_group(alone, "x:x:4711:ann\n", 4711, 4711));
    CHECK_FALSE(is_private_group("x:x:1:4711:::\n", "", 4711, 4711));
}

TEST_CASE(
    "files and directories that only the user's own group may write are read, and what mends the others is said") {
    if (::getuid() != 0)
        return;
    TestDirectory directory;
    directory.write("etc/a.toml", plain, 0664);
    directory.write("etc/passwd", "u:x:4321:4321:::\n");
    directory.write("etc/group", "u:x:4321:\n");
    ::chmod(directory.path("etc").c_str(), 0775);
    Source source = directory.source();
    source.owner = 4321;
    auto read = [&] {
        Loaded loaded = load(source);
        REQUIRE(loaded.units.size() == 1);
        std::string fault = loaded.units[0].fault, root = directory.path("");
        for (std::size_t at = fault.find(root); at != std::string::npos; at = fault.find(root))
            fault.erase(at, root.size());
        return fault;
    };
    auto give = [&](const char* name, uid_t user, gid_t group) {
        REQUIRE(::chown(directory.path(name).c_str(), user, group) == 0);
    };
    give("etc", 4321, 4321);
    give("etc/a.toml", 4321, 4321);
    CHECK(read().empty());
    give("etc", 0, 4321); // root's, but only the user may write
    CHECK(read().empty());
    give("etc", 4321, 4322);
    CHECK(read() == "etc/a.toml: is in etc, which is writable by group 4322 (whoever can write it decides what runs as "
                    "user 4321: chmod go-w etc)");
    ::chmod(directory.path("etc").c_str(), 0755);
    give("etc/a.toml", 4321, 4322);
    CHECK(read() == "etc/a.toml: is writable by group 4322 (whoever can write it decides what runs as user 4321: chmod "
                    "go-w etc/a.toml)");
    give("etc/a.toml", 4322, 4321);
    CHECK(read() ==
          "etc/a.toml: is owned by user 4322 (whoever can write it decides what runs as user 4321: chown 4321 "
          "etc/a.toml)");
    give("etc/a.toml", 4321, 4321);
    // For root's own units no group will do.
    source.owner = 0;
    give("etc", 0, 0);
    give("etc/a.toml", 0, 0);
    CHECK(read() == "etc/a.toml: is writable by group 0 (whoever can write it decides what runs as root: chmod go-w "
                    "etc/a.toml)");
    // A list of further users hides behind the group's bits.
    source.owner = 4321;
    give("etc/a.toml", 4321, 4321);
    constexpr unsigned char list[] = {2,  0, 0, 0,                       // the version, then tag, rights and number:
                                      1,  0, 6, 0, 255,  255, 255, 255,  // the owner,
                                      2,  0, 6, 0, 0xe7, 3,   0,   0,    // user 999,
                                      4,  0, 4, 0, 255,  255, 255, 255,  // the group,
                                      16, 0, 6, 0, 255,  255, 255, 255,  // the most that these two may,
                                      32, 0, 4, 0, 255,  255, 255, 255}; // others
    if (::setxattr(directory.path("etc/a.toml").c_str(), "system.posix_acl_access", list, sizeof list, 0) == 0)
        CHECK(read().starts_with("etc/a.toml: is writable by group 4321 ("));
}

TEST_CASE("a refused file still hides the one behind it") {
    TestDirectory directory;
    directory.write("etc/a.toml", plain, 0666);
    directory.write("lib/a.toml", plain);
    CHECK(reason(directory) == "etc/a.toml: is writable by everyone");
}

TEST_CASE("a drop-in that others can write makes its unit invalid") {
    TestDirectory directory;
    directory.write("etc/a.toml", plain);
    directory.write("run/a.toml.d/x.toml", "description = \"x\"\n", 0666);
    CHECK(reason(directory) == "run/a.toml.d/x.toml: is writable by everyone");
    ::chmod(directory.path("run/a.toml.d/x.toml").c_str(), 0644);
    ::chmod(directory.path("run/a.toml.d").c_str(), 0777);
    CHECK(reason(directory) == "run/a.toml.d/x.toml: is in run/a.toml.d, which is writable by everyone");
}

TEST_CASE("a link is judged by the file it leads to and by the directories above that") {
    TestDirectory directory;
    directory.write("share/a.toml", plain);
    directory.link(directory.path("share/a.toml"), "etc/a.toml");
    CHECK(reason(directory).empty());
    ::chmod(directory.path("share").c_str(), 0777);
    CHECK(reason(directory) == "etc/a.toml: is below share, which others may write");
    ::chmod(directory.path("share").c_str(), 0755);
    ::chmod(directory.path("share/a.toml").c_str(), 0666);
    CHECK(reason(directory) == "etc/a.toml: is writable by everyone");
}

TEST_CASE("links of enable in a directory that others can write are not looked at") {
    TestDirectory directory;
    directory.write("etc/a.toml", plain);
    directory.link("x", "etc/disabled/a");
    CHECK_FALSE(load(directory.source()).units[0].enabled);
    ::chmod(directory.path("etc/disabled").c_str(), 0777);
    CHECK(load(directory.source()).units[0].enabled);
    CHECK(load(directory.source()).problems.size() == 1);
}

TEST_CASE("a bundle that others can write is refused whole") {
    TestDirectory directory;
    directory.write("miniinit.toml", "[manager]\nboot-attempts = 9\n[units.a.service]\ncommand = \"x\"\n", 0666);
    Loaded loaded = load(directory.source());
    CHECK(loaded.units.empty());
    CHECK(loaded.manager.boot_attempts == 3);
    CHECK(problems(loaded, directory) == "miniinit.toml: is writable by everyone (whoever can write it decides what "
                                         "runs as root: chmod go-w miniinit.toml)\n");
}

TEST_CASE("what is no file is said to be none, and nothing waits for it") {
    TestDirectory directory;
    directory.make("etc");
    REQUIRE(::mkfifo(directory.path("etc/a.toml").c_str(), 0644) == 0);
    CHECK(reason(directory) == "etc/a.toml: is a named pipe, not a file");
    std::filesystem::remove(directory.path("etc/a.toml"));
    directory.make("etc/a.toml");
    CHECK(reason(directory) == "etc/a.toml: is a directory, not a file");
    std::filesystem::remove(directory.path("etc/a.toml"));
    directory.link("/dev/zero", "etc/a.toml");
    CHECK(reason(directory) == "etc/a.toml: is a device, not a file");
    std::filesystem::remove(directory.path("etc/a.toml"));
    directory.link("nowhere", "etc/a.toml");
    CHECK(reason(directory) == "etc/a.toml: is a link to a file that does not exist");
    std::filesystem::remove(directory.path("etc/a.toml"));
    directory.link("a.toml", "etc/a.toml");
    CHECK(reason(directory) == "etc/a.toml: cannot be read: Too many levels of symbolic links");
    std::filesystem::remove(directory.path("etc/a.toml"));
    int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    directory.path("etc/a.toml").copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
    CHECK(reason(directory) == "etc/a.toml: is a socket, not a file");
}

TEST_CASE("what the kernel makes up when it is read is no unit, drop-in or bundle, however one comes to it") {
    // Reading /proc/kmsg takes messages away from whoever waits for them, and waits where there are none.
    for (const char* path : {"/proc/kmsg", "/proc/version", "/proc/self/environ"}) {
        TestDirectory directory;
        directory.link(path, "etc/a.toml");
        CHECK(reason(directory) == "etc/a.toml: is a file of the kernel (proc), not one that holds text");
        directory.link("a.toml", "etc/b.toml"); // by way of another link
        CHECK(find(load(directory.source()), "b")->fault.find("of the kernel (proc)") != std::string::npos);
    }
    TestDirectory directory;
    directory.write("etc/a.toml", plain);
    directory.link("/proc/version", "etc/a.toml.d/x.toml");
    CHECK(reason(directory) == "etc/a.toml.d/x.toml: is a file of the kernel (proc), not one that holds text");
    std::filesystem::remove(directory.path("etc/a.toml.d/x.toml"));
    CHECK(reason(directory).empty());
    directory.link("/proc/version", "miniinit.toml");
    CHECK(problems(load(directory.source()), directory) ==
          "miniinit.toml: is a file of the kernel (proc), not one that holds text\n");
    Source anywhere;
    anywhere.allow_insecure = true;
    for (const char* path : {"/proc/version", "/sys/kernel/notes", "/sys/fs/cgroup/cgroup.controllers"})
        if (std::filesystem::exists(path))
            CHECK(read_file(anywhere, path).problems.at(0).message.starts_with("is a file of the kernel ("));
}

TEST_CASE("a file of a hundred megabytes is not read") {
    TestDirectory directory;
    directory.write("etc/a.toml", "");
    REQUIRE(::truncate(directory.path("etc/a.toml").c_str(), 100 << 20) == 0);
    CHECK(reason(directory) == "etc/a.toml: is larger than 1 MiB");
}

TEST_CASE("a file full of faults is told about, but not for ever") {
    TestDirectory directory;
    std::string text;
    for (int i = 0; i < 15000; ++i)
        text += "restrat" + std::to_string(i) + " = 1\n";
    directory.write("etc/a.toml", text);
    CHECK(load(directory.source()).problems.size() == 100);
    text.clear();
    for (int i = 0; i < 60000; ++i)
        text += "k" + std::to_string(i) + " = 1\n";
    directory.write("etc/a.toml", text);
    CHECK(reason(directory) == "etc/a.toml:1:1: a table of more than 20000 keys");
    text = "requires = [";
    for (int i = 0; i < 60000; ++i)
        text += "\"u" + std::to_string(i) + "\",";
    directory.write("etc/a.toml", text + "]\n" + std::string(plain));
    CHECK(load(directory.source()).units[0].dependencies.size() == 60000);
}

TEST_CASE("file names that cannot name a unit are said, other files are left alone") {
    TestDirectory directory;
    directory.write("etc/a b.toml", plain);
    directory.write("etc/@x.toml", plain);
    directory.write("etc/" + std::string(201, 'a') + ".toml", plain);
    directory.write("etc/.hidden.toml", "garbage");
    directory.write("etc/a.toml~", "garbage");
    directory.write("etc/a.toml.dpkg-new", "garbage");
    directory.write("etc/ok.toml", plain);
    directory.write("etc/syslog.toml", plain);
    directory.write("etc/syslogd.toml", plain);
    directory.write("etc/miniinit.toml.d/x.toml", plain);
    directory.link("../syslog.toml", "etc/enabled/syslog");
    Loaded loaded = load(directory.source());
    CHECK(names(loaded) == "ok syslogd");
    CHECK(
        problems(loaded, directory) ==
        "etc/@x.toml: cannot name a unit: a name cannot begin with '.', '-' or '@'\n"
        "etc/a b.toml: cannot name a unit: a name consists of letters, digits and _ . @ : -\n"
        "etc/" +
            std::string(201, 'a') +
            ".toml: cannot name a unit: a name has at most 200 characters\n"
            "etc/enabled/syslog: is not the name of a unit\n"
            "etc/miniinit.toml.d: cannot name a unit: miniinit, kernel and syslog are the names of the init's own "
            "logs\n"
            "etc/syslog.toml: cannot name a unit: miniinit, kernel and syslog are the names of the init's own logs\n");
}

TEST_CASE("a user's own source has the user's directories") {
    Source source = user_source("/home/u/.config", "/run/user/1/miniinit", 1);
    CHECK(source.directories == std::vector<std::string>{"/home/u/.config/miniinit", "/etc/miniinit/user",
                                                         "/run/user/1/miniinit/units", "/usr/lib/miniinit/user"});
    CHECK(source.config == "/home/u/.config/miniinit.toml");
    CHECK(source.owner == 1);
}

} // namespace mi::config
