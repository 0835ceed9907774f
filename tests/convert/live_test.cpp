// All units of a root at once: what is enabled and by what, which file counts, what is left to our own units.
#include "convert/live.hpp"
#include "convert/scene.hpp"

using namespace mi::convert;

namespace {

const std::string vendor = "/usr/lib/systemd/system/", admin = "/etc/systemd/system/", generated = "/gen";

std::string service(const std::string& program, const std::string& more = "") {
    return "[Service]\nExecStart=/bin/" + program + "\n" + more + "[Install]\nWantedBy=multi-user.target\n";
}

LiveUnits live(const Scene& scene) {
    LiveUnits made = convert_live(live_search_path("", generated), scene);
    Scene::check(made.units);
    return made;
}

// The names of the units that are enabled, with blanks between them; with `all`, of all units.
std::string names(const LiveUnits& made, bool all = false) {
    std::string names;
    for (const Unit& unit : made.units)
        if (all || !has(unit, "enabled = false"))
            names += (names.empty() ? "" : " ") + unit.name;
    return names;
}
const Unit& one(const LiveUnits& made, const std::string& name) {
    const auto found = std::ranges::find(made.units, name, &Unit::name);
    REQUIRE(found != made.units.end());
    return *found;
}

} // namespace

TEST_CASE("the links say what is enabled, and not what a unit would have itself installed in") {
    Scene scene;
    scene.unit("on.service", service("on")).unit("off.service", service("off")).unit("early.service", service("early"));
    scene.unit("static.service", "[Service]\nExecStart=/bin/static\n");
    scene.link(admin + "multi-user.target.wants/on.service", vendor + "on.service");
    scene.link(admin + "sysinit.target.requires/early.service", vendor + "early.service");
    scene.link(vendor + "multi-user.target.wants/static.service", "../static.service");
    const LiveUnits made = live(scene);
    CHECK(names(made) == "early on static");
    CHECK(has(one(made, "on"), "wanted-by = [\"multi-user\"]"));
    CHECK(has(one(made, "early"), "required-by = [\"sysinit\"]"));
    CHECK(has(one(made, "static"), "wanted-by = [\"multi-user\"]"));
    // Who enables it later finds what it is to be wanted by.
    CHECK(has(one(made, "off"), "wanted-by = [\"multi-user\"]"));
    CHECK(made.problems.empty());
}

TEST_CASE("a link that leads to /dev/null takes the place of a package's") {
    Scene scene;
    scene.unit("a.service", service("a")).link(vendor + "multi-user.target.wants/a.service", "../a.service");
    scene.link(admin + "multi-user.target.wants/a.service", "/dev/null");
    CHECK(names(live(scene)).empty());
}

TEST_CASE("a masked unit is masked here, and nothing starts it by its socket") {
    Scene scene;
    scene.unit("a.service", service("a")).unit("a.socket", "[Socket]\nListenStream=/run/a\n");
    scene.link(admin + "a.service", "/dev/null");
    scene.link(admin + "sockets.target.wants/a.socket", vendor + "a.socket");
    scene.unit("empty.service", "");
    const LiveUnits made = live(scene);
    CHECK(made.units.empty());
    CHECK(made.masked == std::vector<std::string>{"a", "empty"});
    CHECK(made.problems.size() == 1);
}

TEST_CASE("files of /etc win over those of packages, whose drop-ins count beside them") {
    Scene scene;
    scene.unit("a.service", service("package")).file(admin + "a.service", service("admin"));
    scene.file(vendor + "a.service.d/1.conf", "[Service]\nUser=web\n");
    scene.file("/run/systemd/system/a.service.d/2.conf", "[Service]\nUser=mail\n");
    const LiveUnits made = live(scene);
    CHECK(has(one(made, "a"), "command = [\"/bin/admin\"]"));
    CHECK(has(one(made, "a"), "user = \"mail\""));
}

TEST_CASE("a link to a file of another name is an alias, in force where the link is") {
    Scene scene;
    scene.unit("ssh.service", service("sshd", "[Install]\nAlias=sshd.service\n"));
    scene.unit("gdm.service", "[Service]\nExecStart=/bin/gdm\n[Install]\nAlias=display-manager.service\n");
    scene.unit("sddm.service", "[Service]\nExecStart=/bin/sddm\n[Install]\nAlias=display-manager.service\n");
    scene.link(admin + "sshd.service", vendor + "ssh.service");
    scene.link(admin + "display-manager.service", vendor + "sddm.service");
    scene.unit("graphical.target", "[Unit]\nWants=display-manager.service\n");
    scene.link(admin + "multi-user.target.wants/sshd.service", vendor + "ssh.service");
    LiveUnits made = live(scene);
    CHECK(names(made) == "sddm ssh");
    CHECK(has(one(made, "ssh"), "aliases = [\"sshd\"]"));
    CHECK(has(one(made, "sddm"), "aliases = [\"display-manager\"]"));
    CHECK(has(one(made, "sddm"), "wanted-by = [\"graphical\"]"));
    CHECK(one(made, "gdm").toml.find("aliases") == std::string::npos);
    // The boot ends with graphical.target, where ours ends with multi-user.
    scene.link(vendor + "default.target", "graphical.target");
    made = live(scene);
    CHECK(has(one(made, "sddm"), "wanted-by = [\"graphical\", \"default\"]"));
}

TEST_CASE("instances are made of the links that name them, and templates are there for others") {
    Scene scene;
    scene.unit("db@.service", service("db %i")).file(admin + "db@b.service.d/x.conf", "[Service]\nUser=b\n");
    scene.link(admin + "multi-user.target.wants/db@a.service", vendor + "db@.service");
    scene.link(generated + "/normal/multi-user.target.wants/db@b.service", vendor + "db@.service");
    const LiveUnits made = live(scene);
    CHECK(names(made, true) == "db@ db@a db@b");
    CHECK(has(one(made, "db@a"), "command = [\"/bin/db\", \"a\"]"));
    CHECK(has(one(made, "db@b"), "user = \"b\""));
    CHECK(has(one(made, "db@b"), "wanted-by = [\"multi-user\"]"));
}

TEST_CASE("what generators wrote comes before all, beside or after the directories, by its kind") {
    Scene scene;
    for (const char* name : {"early", "normal", "late"})
        scene.unit(std::string(name) + ".service", service("vendor"))
            .file(generated + "/" + name + "/" + name + ".service", service("generated"));
    scene.file(admin + "early.service", service("admin")).file(admin + "normal.service", service("admin"));
    scene.unit("own.service", service("vendor")).file(generated + "/normal/own.service", service("generated"));
    const LiveUnits made = live(scene);
    CHECK(has(one(made, "early"), "command = [\"/bin/generated\"]"));
    CHECK(has(one(made, "normal"), "command = [\"/bin/admin\"]"));
    CHECK(has(one(made, "own"), "command = [\"/bin/generated\"]"));
    CHECK(has(one(made, "late"), "command = [\"/bin/vendor\"]"));
}

TEST_CASE("what our own units do is left to them") {
    Scene scene;
    for (const char* name : {"systemd-udevd.service", "networking.service", "systemd-sysctl.service", "getty@.service",
                             "systemd-logind.service", "initrd-cleanup.service", "multi-user.target", "kmod.service"})
        scene.unit(name, name == std::string("multi-user.target") ? "[Unit]\n" : service("own"));
    scene.unit("systemd-timesyncd.service", service("timesyncd")).unit("nginx.service", service("nginx"));
    scene.link(admin + "getty.target.wants/getty@tty1.service", vendor + "getty@.service");
    scene.link(admin + "multi-user.target.wants/networking.service", vendor + "networking.service");
    CHECK(names(live(scene), true) == "nginx systemd-timesyncd");
    CHECK(is_generator_done_here("systemd-fstab-generator"));
    CHECK_FALSE(is_generator_done_here("systemd-crontab-generator"));
    CHECK_FALSE(is_generator_done_here("postgresql-generator"));
}

TEST_CASE("a socket or timer is part of its service where it is enabled itself") {
    Scene scene;
    scene.unit("ssh.service", service("sshd"))
        .unit("ssh.socket", "[Socket]\nListenStream=22\n[Install]\n"
                            "WantedBy=sockets.target\n");
    scene.unit("job.service", "[Service]\nType=oneshot\nExecStart=/bin/job\n")
        .unit("job.timer", "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n");
    scene.link(admin + "multi-user.target.wants/ssh.service", vendor + "ssh.service");
    scene.link(admin + "timers.target.wants/job.timer", vendor + "job.timer");
    LiveUnits made = live(scene);
    CHECK(one(made, "ssh").toml.find("[[listen]]") == std::string::npos);
    CHECK(has(one(made, "job"), "wanted-by = [\"multi-user\"]"));
    CHECK(one(made, "job").toml.find("[timer]") != std::string::npos);
    scene.link(admin + "sockets.target.wants/ssh.socket", vendor + "ssh.socket");
    made = live(scene);
    CHECK(one(made, "ssh").toml.find("[[listen]]") != std::string::npos);
    CHECK(made.problems.empty());
}

TEST_CASE("an init script is taken where its links start it and no unit stands for it") {
    Scene scene;
    const std::string script = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: x\n# Default-Start: 2 3 4 5\n"
                               "### END INIT INFO\ncase $1 in start) ;; esac\n";
    for (const char* name : {"old", "off", "both", "masked-one", "udev"})
        scene.file(std::string("/etc/init.d/") + name, script);
    scene.unit("both.service", service("both")).link(vendor + "masked-one.service", "/dev/null");
    CHECK(names(live(scene)) == "off old");
    for (const char* name : {"S01old", "S01both", "S02masked-one", "S01udev", "K01off"})
        scene.link(std::string("/etc/rc2.d/") + name, std::string("../init.d/") + (name + 3));
    const LiveUnits made = live(scene);
    CHECK(names(made) == "old");
    CHECK(has(one(made, "old"), "wanted-by = [\"multi-user\"]"));
}

TEST_CASE("an enabled unit that cannot be used is named, and one of a package that the kernel has anyway is not") {
    Scene scene;
    scene.unit("data.mount", "[Mount]\nWhat=/dev/sdb\nWhere=/data\n").unit("dev-mqueue.mount", "[Mount]\n");
    scene.link(admin + "multi-user.target.wants/data.mount", vendor + "data.mount");
    scene.link(vendor + "sysinit.target.wants/dev-mqueue.mount", "../dev-mqueue.mount");
    scene.unit("alone.timer", "[Timer]\nOnBootSec=1\n").link(admin + "timers.target.wants/alone.timer", "x");
    const LiveUnits made = live(scene);
    CHECK(made.units.empty());
    REQUIRE(made.problems.size() == 2);
    CHECK(made.problems[0].starts_with("data.mount is enabled, and cannot be used here: "));
    CHECK(made.problems[1].starts_with("alone.timer is enabled"));
}
