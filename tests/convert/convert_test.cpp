// Whole units: what belongs together, what is found where, and how names and words come over.
#include "convert/names.hpp"
#include "convert/scene.hpp"
#include "convert/unit_file.hpp"
#include "convert/words.hpp"

#include <filesystem>

using namespace mi::convert;

namespace {

const std::string web = "[Service]\nExecStart=/usr/bin/web\n";
const std::string wanted = "[Install]\nWantedBy=multi-user.target\n";
const std::string socket_of = "[Socket]\nListenStream=/run/web.sock\nSocketMode=0660\nSocketGroup=web\n"
                              "[Install]\nWantedBy=sockets.target\n";

} // namespace

TEST_CASE("lines go on behind a backslash, also over comments, and are counted from their beginning") {
    UnitText text;
    read_unit_text(text, "[A]\n# no\nK = one \\\n; no\n  two\\\n\nL=x\\\\\nM=\n[B\nrest\n[X-Ours]\nN=1\n", "f");
    REQUIRE(text.assignments.size() == 3);
    CHECK(text.assignments[0].key == "K");
    CHECK(text.assignments[0].value == "one  two");
    CHECK(text.assignments[0].line == 3);
    CHECK(text.assignments[1].value == "x\\\\");
    CHECK(text.assignments[1].line == 7);
    CHECK(text.assignments[2].value.empty());
    REQUIRE(text.bad.size() == 2);
    CHECK(text.bad[0].line == 9);
    CHECK(text.bad[1].line == 10);
}

TEST_CASE("words lose their quotes and escapes") {
    CHECK(split_words("a 'b c' \"d\\\"e\" f\\x41g \\u00e9 h\\sj").value() ==
          std::vector<std::string>{"a", "b c", "d\"e", "fAg", "\xc3\xa9", "h j"});
    CHECK(split_words("a\"b c\"d").value() == std::vector<std::string>{"ab cd"});
    CHECK(split_words("''").value() == std::vector<std::string>{""});
    CHECK(split_words("\\q").value() == std::vector<std::string>{"\\q"});
    CHECK_FALSE(split_words("'a").has_value());
    CHECK_FALSE(split_words("\\xff").has_value()); // no UTF-8
}

TEST_CASE("a command becomes an array, or a line for a shell where it has variables") {
    auto command = [](const std::string& line) {
        Unit unit = Scene::service("ExecStart=" + line + "\n");
        std::size_t at = unit.toml.find("command ");
        REQUIRE(at != std::string::npos);
        at = unit.toml.find('[', at);
        return unit.toml.substr(at, unit.toml.find('\n', at) - at);
    };
    CHECK(command("/bin/a \"b c\" 'd\"e' $$f %%") == R"(["/bin/a", "b c", "d\"e", "$f", "%"])");
    CHECK(command("/bin/a $B") == R"(["/bin/sh", "-fc", "exec /bin/a $B"])");
    CHECK(command("/bin/a x${B}y $C") == R"(["/bin/sh", "-fc", "exec /bin/a x\"${B}\"y $C"])");
    CHECK(command("/bin/a ${B}") == R"(["/bin/sh", "-c", "exec /bin/a \"${B}\""])");
    CHECK(command("/bin/a 'it is' ${B}") == R"(["/bin/sh", "-c", "exec /bin/a 'it is' \"${B}\""])");
    CHECK(command("/bin/a b$C") == R"(["/bin/a", "b$C"])"); // systemd leaves that alone, too
    CHECK(command(":/bin/a $B ${C}") == R"(["/bin/a", "$B", "${C}"])");
    CHECK(command("@/bin/busybox busybox httpd") == R"(["/bin/busybox", "httpd"])");
    CHECK(command("/bin/sh -c 'echo ${name}'") == R"(["/bin/sh", "-c", "exec /bin/sh -c 'echo '\"${name}\""])");
    CHECK(command(":/bin/echo ${name}") == R"(["/bin/echo", "$${name}"])"); // not ours
    CHECK(command("/bin/a -H %H") == R"(["/bin/sh", "-c", "exec /bin/a -H \"$(cat /proc/sys/kernel/hostname)\""])");
    Unit two = Scene::service("Type=oneshot\nExecStart=-/bin/a ; /bin/b \\; c\nExecStart=/bin/d\n");
    CHECK(has(two, R"(pre-start = [["/bin/sh", "-c", "/bin/a || :"], ["/bin/b", ";", "c"]])"));
    CHECK(has(two, R"(command = ["/bin/d"])"));
}

TEST_CASE("a command that systemd does not confine is not confined here, whatever confines the service") {
    for (const char* confining :
         {"User=web", "ProtectSystem=full", "CapabilityBoundingSet=CAP_KILL",
          "CapabilityBoundingSet=", "PrivateTmp=yes", "SystemCallFilter=@default", "NoNewPrivileges=yes"}) {
        CAPTURE(confining);
        const Unit unit = Scene::service(std::string(confining) + "\nExecStartPre=+/bin/prepare\n");
        CHECK(remarks(unit).find("ExecStartPre") == std::string::npos);
        CHECK(has(unit, R"(pre-start = [["+/bin/prepare"]])"));
    }
    CHECK(has(Scene::service("ProtectSystem=no\nExecStartPre=+/bin/prepare\n"), R"(pre-start = [["/bin/prepare"]])"));
    // It gives up a user, and no confinement.
    CHECK(has(Scene::service("ProtectSystem=full\nExecStartPre=!/bin/prepare\n"), R"(pre-start = [["/bin/prepare"]])"));
    CHECK(remarks(Scene::service("ProtectSystem=full\nExecStart=+/bin/web\n")).find("lost ExecStart") !=
          std::string::npos);
}

TEST_CASE("the bus does not ask systemd for its services, and each instance has its own terminal") {
    const Unit bus =
        Scene::service("ExecStart=@/usr/bin/dbus-daemon @dbus-daemon --system --systemd-activation --nofork\n");
    CHECK(has(bus, R"(command = ["/usr/bin/dbus-daemon", "--system", "--nofork"])"));
    CHECK(remarks(bus).find("near ExecStart") != std::string::npos);
    Scene scene;
    scene.unit("login@.service", "[Service]\nExecStart=/bin/login\nStandardInput=tty\nTTYPath=/dev/%I\n");
    CHECK(has(scene.made("login@.service"), R"(tty = "/dev/${instance}")"));
    scene.unit("odd@.service", "[Service]\nExecStart=/bin/login\nStandardInput=tty\nTTYPath=/dev/%m\n");
    const Unit odd = scene.made("odd@.service");
    CHECK(remarks(odd).find("lost TTYPath") != std::string::npos);
    CHECK(odd.toml.find("/dev/console") == std::string::npos);
    const Unit late = Scene::service("User=web\nLogsDirectory=web\nStandardOutput=append:/var/log/web/out\n"
                                     "ExecStart=!/usr/bin/web\n");
    CHECK(remarks(late).find("lost LogsDirectory") != std::string::npos);
}

TEST_CASE("quotes in a variable that a shell does not take off are told") {
    Scene scene;
    scene.unit("web.service", "[Service]\nEnvironmentFile=-/etc/default/web\nExecStart=/usr/bin/web $OPTS\n");
    CHECK(remarks(scene.made("web")).find("$OPTS") == std::string::npos);
    scene.file("/etc/default/web", "OPTS=\"--name 'two words'\"\n");
    CHECK(remarks(scene.made("web")).find("near ExecStart=/usr/bin/web $OPTS") != std::string::npos);
}

TEST_CASE("drop-ins are merged in the order of their names, and the first directory counts") {
    Scene scene;
    scene.unit("web.service", web + "Nice=1\nEnvironment=A=1\n")
        .unit("web.service.d/20-b.conf", "[Service]\nNice=2\nEnvironment=B=1\n")
        .unit("web.service.d/10-a.conf", "[Service]\nNice=3\n")
        .file("/etc/systemd/system/web.service.d/20-b.conf", "[Service]\nEnvironment=\nEnvironment=C=1\n")
        .unit("service.d/99-all.conf", "[Service]\nUMask=077\n");
    Unit unit = scene.made("web.service");
    CHECK(has(unit, "nice = 3"));
    CHECK(has(unit, "environment = { C = \"1\" }"));
    CHECK(has(unit, "umask = \"077\""));
    CHECK(unit.files.size() == 4);
}

TEST_CASE("a remark about a drop-in names its file and line") {
    Scene scene;
    scene.unit("web.service", web).unit("web.service.d/lock.conf", "[Service]\n\nSecureBits=yes\n");
    Unit unit = scene.made("web");
    REQUIRE(unit.remarks.size() == 1);
    CHECK(text(unit.remarks[0]) ==
          "/usr/lib/systemd/system/web.service.d/lock.conf:3: SecureBits=yes: no equal: there is "
          "no key for this kind of confinement");
    CHECK(unit.toml.find("# web.service.d/lock.conf:3: SecureBits=yes: no equal: ") != std::string::npos);
}

TEST_CASE("a service that nothing else starts comes with its socket, whichever is named") {
    Scene scene;
    scene.unit("web.service", web).unit("web.socket", socket_of);
    for (const char* name : {"web.service", "web.socket", "web"}) {
        Unit unit = scene.made(name);
        CHECK(unit.name == "web");
        CHECK(has(unit, "stream = \"/run/web.sock\""));
        CHECK(has(unit, "name = \"web.socket\""));
        CHECK(has(unit, "mode = \"0660\""));
        CHECK(has(unit, "group = \"web\""));
        CHECK(has(unit, "activation = \"on-demand\""));
        CHECK(has(unit, "wanted-by = [\"multi-user\"]"));
        CHECK(unit.remarks.empty());
    }
    CHECK(scene.all({"web.service", "web.socket"}).size() == 1);
}

TEST_CASE("a socket that is switched off opens nothing, unless it is named") {
    Scene scene;
    scene.unit("web.service", web + wanted).unit("web.socket", socket_of);
    Unit unit = scene.made("web.service");
    CHECK_FALSE(has(unit, "[[listen]]"));
    CHECK(remarks(unit).starts_with("note web.socket could start it"));
    CHECK(has(scene.all({"web.service", "web.socket"}).front(), "[[listen]]"));
    scene.file("/etc/systemd/system/sockets.target.wants/web.socket", "");
    unit = scene.made("web.service");
    CHECK(has(unit, "[[listen]]"));
    CHECK_FALSE(has(unit, "activation = \"on-demand\"")); // it starts at boot, as before
}

TEST_CASE("the addresses of sockets") {
    Scene scene;
    scene.unit("web.service", web)
        .unit("web.socket", "[Socket]\nListenStream=9999\nListenStream=\nListenStream=80\n"
                            "ListenDatagram=127.0.0.1:53\nListenStream=[::1]:81\nListenStream=[::]:82\n"
                            "ListenSequentialPacket=@abstract\nListenFIFO=%t/web.fifo\n"
                            "ListenNetlink=route\nListenStream=vsock:2:1\nBacklog=5\nReusePort=yes\n");
    Unit unit = scene.made("web.socket");
    CHECK(unit.toml.find("9999") == std::string::npos);
    for (const char* line :
         {"stream = \"*:80\"", "datagram = \"127.0.0.1:53\"", "stream = \"[::1]:81\"", "stream = \"*:82\"",
          "sequential-packet = \"@abstract\"", "fifo = \"/run/web.fifo\"", "backlog = 5", "reuse-port = true"})
        CHECK(has(unit, line));
    CHECK(remarks(unit) == "lost ListenNetlink=route; lost ListenStream=vsock:2:1");
}

TEST_CASE("a socket with Accept=yes makes a unit of its own, of the template") {
    Scene scene;
    scene.unit("echo@.service", "[Unit]\nDescription=Echo %i\n[Service]\nExecStart=-/bin/cat\nStandardInput=socket\n")
        .unit("echo.socket",
              "[Socket]\nListenStream=7\nAccept=yes\nMaxConnections=10\n[Install]\nWantedBy=sockets.target\n");
    Unit unit = scene.made("echo.socket");
    CHECK(unit.name == "echo");
    for (const char* line : {"stream = \"*:7\"", "accept = true", "max-connections = 10", "stdin = \"socket\"",
                             "stdout = \"socket\"", "stderr = \"socket\"", "command = [\"/bin/cat\"]"})
        CHECK(has(unit, line));
    CHECK(remarks(unit) == "lost Description=Echo %i"); // a connection is no unit
    // Beside a service of that name it has to be called something else.
    scene.unit("echo.service", "[Service]\nExecStart=/usr/bin/echod\n" + wanted);
    CHECK(scene.made("echo.socket").name == "echo-socket");
    CHECK(scene.made("echo.service").name == "echo");
}

TEST_CASE("a timer and its service are one unit") {
    Scene scene;
    scene.unit("job.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/job\n" + wanted)
        .unit("nightly.timer",
              "[Timer]\nUnit=job.service\nOnCalendar=daily\nOnCalendar=Mon 12:00\nOnBootSec=15min\n"
              "OnUnitActiveSec=1d\nOnUnitInactiveSec=2d\nRandomizedDelaySec=1h\nPersistent=true\nAccuracySec=1h\n"
              "WakeSystem=yes\n[Install]\nWantedBy=timers.target\n");
    Unit unit = scene.made("nightly.timer");
    CHECK(unit.name == "job");
    for (const char* line : {"calendar = [\"daily\", \"Mon 12:00\"]", "after-boot = \"15min\"", "every = \"1d\"",
                             "jitter = \"1h\"", "persistent = true", "wanted-by = [\"multi-user\"]"})
        CHECK(has(unit, line));
    CHECK(remarks(unit) ==
          "near WantedBy=multi-user.target; lost OnUnitInactiveSec=2d; note AccuracySec=1h; lost WakeSystem=yes");
}

TEST_CASE("a path that starts a service is lost, and the service is not") {
    Scene scene;
    scene.unit("web.service", web).unit("web.path", "[Path]\nPathExists=/var/spool/web\nUnit=web.service\n" + wanted);
    Unit unit = scene.made("web.path");
    CHECK(unit.name == "web");
    CHECK(remarks(unit) == "lost PathExists=/var/spool/web");
}

TEST_CASE("templates keep their placeholders, instances do not") {
    Scene scene;
    scene.unit("db@.service",
               "[Unit]\nDescription=%i of %p\nAfter=disk@%i.service\n[Service]\n"
               "ExecStart=/usr/bin/db %i %I %n %N ${name}\nPIDFile=/run/%i.pid\nType=forking\n[Install]\n"
               "WantedBy=multi-user.target\nDefaultInstance=main\n");
    Unit unit = scene.made("db@.service");
    CHECK(unit.name == "db@");
    CHECK(has(unit, "description = \"${instance} of db\""));
    CHECK(has(unit, "after = [\"disk@${instance}\", \"basic\"]"));
    CHECK(has(unit, "pid-file = \"/run/${instance}.pid\""));
    CHECK(unit.toml.find("'${instance}' '${instance-path}'") != std::string::npos);
    scene.unit("db@.service",
               "[Unit]\nConditionPathExists=/etc/db/%I\nWants=disk@%I.service\n[Service]\nExecStart=/usr/bin/db\n");
    unit = scene.made("db@.service");
    CHECK(has(unit, "path-exists = \"/etc/db/${instance-path}\""));
    CHECK(remarks(unit).find("lost Wants=disk@%I.service") != std::string::npos); // no name has a '/'
    scene.unit("db@.service", "[Unit]\nDescription=%i of %p\n[Service]\nExecStart=/usr/bin/db %i %I %n %N ${name}\n");
    unit = scene.made("db@.service");
    CHECK(unit.toml.find("'${name}.service' '${name}'") != std::string::npos);
    unit = scene.made("db@15-main.service");
    CHECK(unit.name == "db@15-main");
    CHECK(has(unit, "description = \"15-main of db\""));
    CHECK(unit.toml.find("/usr/bin/db 15-main 15/main db@15-main.service db@15-main ") != std::string::npos);
}

TEST_CASE("what DefaultDependencies= brings is left out where it would go round") {
    Scene scene;
    scene.unit("early.service", "[Unit]\nBefore=sysinit.target\n" + web + "[Install]\nWantedBy=sysinit.target\n")
        .unit("fw.service", "[Unit]\nDefaultDependencies=no\nWants=network-pre.target\nBefore=network-pre."
                            "target\nAfter=basic.target\n" +
                                web + "[Install]\nWantedBy=network-online.target\n");
    Unit unit = scene.made("early");
    CHECK_FALSE(has(unit, "after = [\"basic\"]"));
    CHECK(has(unit, "wanted-by = [\"sysinit\"]"));
    CHECK(has(scene.made("fw"), "before = [\"network\"]"));
}

TEST_CASE("a target has its relations and aliases") {
    Scene scene;
    scene.unit("shop.target",
               "[Unit]\nDescription=Shop\nRequires=db.service\nAfter=db.service\nAllowIsolate=yes\n[Install]\n"
               "Alias=store.target\n");
    scene.unit("shop.target.wants/cache.service", "");
    Unit unit = scene.made("shop.target");
    for (const char* line : {"[target]", "requires = [\"db\"]", "wants = [\"cache\"]", "aliases = [\"store\"]"})
        CHECK(has(unit, line));
    CHECK(remarks(unit) == "note AllowIsolate=yes");
}

TEST_CASE("what cannot become a unit says why") {
    Scene scene;
    scene.unit("data.mount", "[Mount]\nWhat=/dev/sda\n").unit("idle.service", "[Unit]\nDescription=x\n");
    scene.unit("lonely.socket", "[Socket]\nListenStream=1\n").file("note.txt", "hello\n").unit("masked.service", "");
    scene.unit("-.service", web);
    auto fault = [&](const std::string& name) { return scene.made(name).fault; };
    CHECK(fault("/usr/lib/systemd/system/data.mount") == "file systems and swap space are those of /etc/fstab");
    CHECK(fault("idle.service") == "there is no ExecStart= that can be converted");
    CHECK(fault("lonely.socket") == "there is no lonely.service beside it or on the search path");
    CHECK(fault("note.txt") == "it is neither a unit file nor an init script");
    CHECK(fault("nothing") == "there is no such unit or init script, or it cannot be read");
    CHECK(fault("/usr/lib/systemd/system/masked.service") == "it is masked: nothing starts it");
    CHECK(fault("/usr/lib/systemd/system/-.service") == "its name is none that a unit can have here");
}

TEST_CASE("everything is looked for below the root") {
    Scene scene;
    scene.file("/image/lib/systemd/system/web.service", web + "User=web\nWorkingDirectory=~\n" + wanted);
    Unit unit = scene.made("web", "/image/");
    CHECK(has(unit, "working-directory = \"~\""));
    CHECK(unit.files == std::vector<std::string>{"/image/lib/systemd/system/web.service"});
}

TEST_CASE("the shipped units that names stand for are there") {
    const std::filesystem::path units = SOURCE_DIR "/units";
    for (const char* theirs : {"network.target",
                               "sysinit.target",
                               "basic.target",
                               "multi-user.target",
                               "graphical.target",
                               "rescue.target",
                               "emergency.target",
                               "local-fs.target",
                               "remote-fs.target",
                               "swap.target",
                               "time-sync.target",
                               "systemd-udevd.service",
                               "systemd-udev-trigger.service",
                               "systemd-sysctl.service",
                               "systemd-modules-load.service",
                               "systemd-tmpfiles-setup.service",
                               "systemd-remount-fs.service",
                               "systemd-fsck-root.service",
                               "systemd-random-seed.service",
                               "networking.service",
                               "a.mount",
                               "a.swap"}) {
        Named ours = named(theirs, Naming::after);
        CAPTURE(theirs);
        CHECK(std::filesystem::exists(units / (ours.name + ".toml")));
    }
    CHECK(comes_after("multi-user", "fsck-root"));
    CHECK(comes_after("network-mounts", "sysinit"));
    CHECK_FALSE(comes_after("mounts", "sysinit"));
    CHECK_FALSE(comes_after("basic", "network"));
}

TEST_CASE("a comment or a remark cannot hold what drives a terminal") {
    Unit unit = Scene::service("SecureBits=\x1b[2J\x7f\n");
    REQUIRE(unit.remarks.size() == 1);
    CHECK(text(unit.remarks[0]).find('\x1b') == std::string::npos);
    CHECK(unit.toml.find('\x1b') == std::string::npos);
}
