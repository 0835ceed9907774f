// Init scripts: their header becomes relations, their PID file makes them daemons.
#include "convert/scene.hpp"
#include "convert/script_text.hpp"

using namespace mi::convert;

namespace {

std::string script(const std::string& header, const std::string& body = "") {
    return "#!/bin/sh\n### BEGIN INIT INFO\n" + header + "### END INIT INFO\n" + body +
           "case \"$1\" in\n  start|restart)\n  ;;\n  stop) ;;\n  'reload'|force-reload)\n ;;\nesac\n";
}

} // namespace

TEST_CASE("an init script with an LSB header") {
    Scene scene;
    scene.file("/etc/init.d/lpd",
               script("# Provides: lpd printing\n# Required-Start: $network $remote_fs $syslog cups\n"
                      "# Should-Start: $time\n# Required-Stop: $network\n# X-Start-Before: gdm\n"
                      "# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n"
                      "# Short-Description: Line printers\n# Description: They print\n#  lines\n",
                      "NAME=lpd\nPIDFILE=/var/run/$NAME.pid\n"));
    Unit unit = scene.made("lpd");
    CHECK(unit.name == "lpd");
    for (const char* line :
         {"description = \"Line printers\"",
          "after = [\"basic\", \"network\", \"network-mounts\", \"cups\", \"clock\"]", "before = [\"gdm\"]",
          "wanted-by = [\"multi-user\"]", "path-exists = \"/etc/init.d/lpd\"", "type = \"forking\"",
          "command = [\"/etc/init.d/lpd\", \"start\"]", "stop-command = [[\"/etc/init.d/lpd\", \"stop\"]]",
          "reload-command = [\"/etc/init.d/lpd\", \"reload\"]", "pid-file = \"/var/run/lpd.pid\"", "restart = \"no\""})
        CHECK(has(unit, line));
    CHECK(remarks(unit) == "near Provides: lpd printing; note Required-Start: $network $remote_fs $syslog cups");
}

TEST_CASE("a script of single-user start, and one without a header") {
    Scene scene;
    scene.file("/etc/init.d/keymap.sh",
               script("# Provides: keymap\n# Required-Start: mountkernfs $local_fs\n# Default-Start: S\n"));
    Unit unit = scene.made("keymap.sh");
    CHECK(unit.name == "keymap");
    CHECK(has(unit, "wanted-by = [\"sysinit\"]"));
    CHECK(has(unit, "after = [\"mountkernfs\", \"mounts\"]"));
    CHECK(has(unit, "type = \"oneshot\""));
    scene.file("/etc/init.d/bare", "#!/bin/sh\ncase $1 in\nstart) ;;\nesac\n");
    unit = scene.made("bare");
    CHECK(has(unit, "enabled = false"));
    CHECK(remarks(unit).starts_with("near without an LSB header"));
    scene.file("/etc/init.d/old",
               "#!/bin/sh\n# chkconfig: 2345 80 20\n# description: Old \\\n# pidfile: /run/old.pid\n");
    unit = scene.made("old");
    CHECK(has(unit, "wanted-by = [\"multi-user\"]"));
    CHECK(has(unit, "description = \"Old \""));
    CHECK(has(unit, "pid-file = \"/run/old.pid\""));
}

TEST_CASE("where the script is said to be is where it will be") {
    Scene scene;
    scene.file("/image/etc/init.d/lpd", script("# Provides: lpd\n"))
        .file("./etc/init.d/here", script("# Provides: here\n"));
    CHECK(has(scene.made("lpd", "/image"), "command = [\"/etc/init.d/lpd\", \"start\"]"));
    CHECK(has(scene.made("./etc/init.d/here"), "command = [\"/etc/init.d/here\", \"start\"]"));
}

TEST_CASE("a script says if there is a unit of systemd, too") {
    Scene scene;
    scene.file("/etc/init.d/lpd", script("# Provides: lpd\n"))
        .unit("lpd.service", "[Service]\nExecStart=/usr/sbin/lpd\n");
    CHECK(remarks(scene.made("/etc/init.d/lpd")).starts_with("note there is a unit of systemd's"));
}

TEST_CASE("the PID file of a script") {
    auto found = [](const std::string& body) { return pid_file_of("#!/bin/sh\n" + body); };
    CHECK(found("PIDFILE=/run/a.pid\n") == "/run/a.pid");
    CHECK(found("NAME=a\nPIDFILE=\"/run/${NAME}.pid\"\n") == "/run/a.pid");
    CHECK(found("PIDFILE=${PIDFILE:-/run/a.pid}\n") == "/run/a.pid");
    CHECK(found("# pidfile: /run/a.pid\n") == "/run/a.pid");
    CHECK(found("PIDFILE=$(config pid)\n").empty());
    CHECK(found("PIDFILE=/run/$WHO.pid\n").empty());
    CHECK(found("PIDFILE=/run/a.pid\nPIDFILE=/run/b.pid\n").empty());
    CHECK(found("echo PIDFILE=/run/a.pid\n").empty());
    CHECK(pid_file_of("#!/usr/bin/env /lib/init/init-d-script\nDAEMON=/usr/sbin/acd\n") == "/var/run/acd.pid");
    CHECK(pid_file_of("#!/usr/bin/env /lib/init/init-d-script\nDAEMON=/usr/sbin/acd\nPIDFILE=none\n").empty());
}
