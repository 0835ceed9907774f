// Accounts, the kernel's command line, what is unmounted in which order, and what is found here. What changes a machine
// is tried in a machine of its own, not here.
#include "os/file/runtime.hpp"
#include "os/machine/probe.hpp"
#include "os/machine/shutdown.hpp"
#include "os/machine/system.hpp"
#include "os/mount/mounts.hpp"
#include "os/mount/storage.hpp"
#include "os/process/accounts.hpp"
#include "os/process/timed_child.hpp"
#include "scene.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

using namespace mi;
using namespace mi::os;

TEST_CASE("users and groups come from the files, by name and by number") {
    Scratch scratch;
    ::mkdir((scratch / "etc").c_str(), 0755);
    scratch.write("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nweb:x:33:34:,,,:/var/www:/usr/sbin/nologin\n"
                                "web:x:99:99::/:/bin/sh\nbare:x:50:51\n");
    scratch.write("etc/group", "root:x:0:\nwww:x:34:web\nlogs:x:80:root,web\ntape:x:26: web , x\nlast:x:90:web");
    Accounts accounts(scratch.path());
    User web = accounts.user("web").value();
    CHECK(web.uid == 33);
    CHECK(web.gid == 34);
    CHECK(web.home == "/var/www");
    CHECK(web.shell == "/usr/sbin/nologin");
    CHECK(accounts.user("33")->name == "web");
    CHECK(accounts.user("bare")->home == "/");
    CHECK(accounts.groups_of(web) == std::vector<gid_t>{34, 26, 80, 90});
    CHECK(accounts.group("logs") == 80);
    CHECK(accounts.group("4000") == 4000);
    CHECK(accounts.group("none").error().code == ENOENT);
    CHECK(accounts.user("none").error().code == ENOENT);
    User number = accounts.user("7000").value();
    CHECK(number.uid == 7000);
    CHECK(number.gid == 7000);
    CHECK(accounts.groups_of(number) == std::vector<gid_t>{7000});

    scratch.write("etc/passwd.new", "web:x:44:34::/srv:/bin/sh\n");
    std::filesystem::rename(scratch / "etc/passwd.new", scratch / "etc/passwd");
    CHECK(accounts.user("web")->uid == 44);
    CHECK(accounts.user("root").error().code == ENOENT);
}

TEST_CASE("lines that make no sense give no account, least of all root") {
    Scratch scratch;
    ::mkdir((scratch / "etc").c_str(), 0755);
    std::string hostile =
        "\n:x:0:0::/:/bin/sh\n#c:x:1:1::/:/bin/sh\na:x:-1:0::/:/\nb:x:4294967295:0::/:/\nc:x::0::/:/\n"
        "d:x:0x10:0::/:/\ne:x:99999999999:0::/:/\nf:x: 5:5::/:/\ng\nh:\ni:x:1\n+::::::\n";
    hostile += std::string("z\0z:x:5:5::/:/\n", 15) + std::string(100000, 'q') + ":x:6:6::/:/\nlast:x:7:7::relative:sh";
    scratch.write("etc/passwd", hostile);
    scratch.write("etc/group",
                  ":x:0:\nwheel:x:-1:a\nw:x:4294967295:a\n" + std::string(1000, ',') + "\nok:x:5:,,last,\n");
    Accounts accounts(scratch.path());
    for (const char* name : {"", "#c", "a", "b", "c", "d", "e", "f", "g", "h", "i", "+", "z", "-1", "4294967295"})
        CHECK(!accounts.user(name));
    User last = accounts.user("last").value();
    CHECK(last.uid == 7);
    CHECK(last.home == "/");
    CHECK(accounts.groups_of(last) == std::vector<gid_t>{7, 5});
    CHECK(!accounts.group("wheel"));
    CHECK(!accounts.group(""));
    Accounts nothing(scratch / "none");
    CHECK(nothing.user("root").error().code == ENOENT);
    CHECK(nothing.user("5")->uid == 5);
}

TEST_CASE("the kernel's command line keeps quoted blanks together") {
    using Words = std::vector<std::string>;
    CHECK(split_command_line("quiet miniinit.target=\"a b\" \"c d\"  e\n") ==
          Words{"quiet", "miniinit.target=a b", "c d", "e"});
    CHECK(split_command_line("") == Words{});
    CHECK(split_command_line("\"open end") == Words{"open end"});
}

TEST_CASE("everything is unmounted innermost first, but what the kernel's interfaces are and the root") {
    std::vector<Mount> mounts = parse_mounts("1 0 0:1 / / rw - ext4 /dev/vda rw\n"
                                             "2 1 0:2 / /proc rw - proc proc rw\n"
                                             "3 1 0:3 / /dev rw - devtmpfs dev rw\n"
                                             "4 3 0:4 / /dev/pts rw - devpts pts rw\n"
                                             "5 1 0:5 / /run rw - tmpfs run rw\n"
                                             "6 1 0:6 / /home rw - ext4 /dev/vdb rw\n"
                                             "7 6 0:7 / /home/jail/proc rw - proc proc rw\n"
                                             "8 5 0:8 / /run/media/stick rw - vfat /dev/sda1 rw\n"
                                             "9 1 0:9 / /devices rw - xfs /dev/vdc ro\n");
    auto points = [](const std::vector<Mount>& list) {
        std::string text;
        for (const Mount& mount : list)
            text += mount.point + " ";
        return text;
    };
    CHECK(points(to_unmount(mounts)) == "/devices /run/media/stick /home/jail/proc /home ");
    CHECK(points(to_make_read_only(mounts)) == "/run/media/stick /home / ");
    CHECK(points(to_unmount(mounts, "/home/jail")) == "/devices /run/media/stick /home/jail/proc ");
    CHECK(mount_of("/home/jail/process", mounts)->point == "/home");
    CHECK(mount_of("/devices", mounts)->point == "/devices");
    CHECK(mount_of("/var/lib", mounts)->point == "/");
    CHECK(swap_areas("Filename\t\t\t\tType\n/dev/vdd  partition 1 0 -2\n/swap file\tfile\n") ==
          std::vector<std::string>{"/dev/vdd", "/swap"});
}

TEST_CASE("who is not process 1 ends nothing") {
    CHECK(end_machine(Ending::reboot).error().code == EPERM);
    CHECK(end_all_processes(Span(0), Span(0), [](std::string_view) {}).size() == 1);
}

TEST_CASE("what is stored at the end is there whole, and what cannot be is said") {
    Scratch scratch;
    const std::string directory = scratch / "state";
    CHECK(store_within(std::chrono::seconds(5), directory, "report", "a\nb\n"));
    CHECK(read_file(directory + "/report") == "a\nb\n");
    CHECK(!store_within(std::chrono::seconds(5), "/proc/nowhere", "report", "a\n"));
}

TEST_CASE("work that hangs is given up in time") {
    auto started = std::chrono::steady_clock::now();
    CHECK(in_child(std::chrono::milliseconds(100), [] { return ::pause() == 0; }) == Outcome::too_long);
    CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(5));
    CHECK(in_child(std::chrono::seconds(5), [] { return true; }) == Outcome::done);
    CHECK(in_child(std::chrono::seconds(5), [] { return false; }) == Outcome::failed);
    ::waitpid(-1, nullptr, 0);
}

TEST_CASE("what is here can be told, and a hostname or clock that is right is left alone") {
    std::vector<Finding> findings = probe();
    CHECK(findings.size() >= 10);
    for (const Finding& finding : findings) {
        CHECK(!finding.feature.empty());
        CHECK((finding.present || !finding.instead.empty() || finding.feature == "container" ||
               finding.feature == "pid 1"));
    }
    CHECK(std::ranges::find(findings, "proc", &Finding::feature)->present);
    CHECK(sane_clock(WallTime{1}) == false);
}
