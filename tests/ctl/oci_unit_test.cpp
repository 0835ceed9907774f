// `minictl oci-unit`: units from the configuration of container images.
#include "config/load.hpp"
#include "ctl_world.hpp"

using namespace mi;
using namespace mi::test;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Outcome oci_unit(std::string_view json) {
    char directory[] = "/tmp/oci-unit-XXXXXX";
    REQUIRE(::mkdtemp(directory) != nullptr);
    const std::string file = std::string(directory) + "/config.json";
    std::ofstream(file) << json;
    Outcome outcome = run_ctl({"minictl", "oci-unit", file});
    std::filesystem::remove_all(directory);
    return outcome;
}

core::Unit unit_of(const std::string& toml) {
    config::Loaded loaded = config::read_text("image", toml, "image.toml");
    INFO(toml);
    REQUIRE(loaded.units.size() == 1);
    CHECK(loaded.units[0].fault.empty());
    return std::move(loaded.units[0]);
}

constexpr std::string_view image = R"({"architecture": "amd64", "os": "linux", "config": {
    "User": "www-data:adm", "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
    "Env": ["PATH=/usr/local/bin:/usr/bin", "GREETING=it's \"me\" = you\\"],
    "Entrypoint": ["/docker-entrypoint.sh"], "Cmd": ["nginx", "-g", "daemon off;"],
    "WorkingDir": "/srv", "StopSignal": "SIGQUIT", "Volumes": {"/data": {}},
    "Healthcheck": {"Test": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"], "Interval": 5000000000,
                    "Timeout": 1500000000, "StartPeriod": 120000000000, "Retries": 4}},
    "rootfs": {"type": "layers", "diff_ids": []}})";

} // namespace

TEST_CASE("an OCI image's configuration becomes a unit that is read without a problem") {
    const Outcome outcome = oci_unit(image);
    CHECK(outcome.code == 0);
    const core::Unit unit = unit_of(outcome.out);
    CHECK(unit.service.command == core::Command{"/docker-entrypoint.sh", "nginx", "-g", "daemon off;"});
    CHECK(unit.service.stop_signal == 3);
    CHECK(unit.process->user == "www-data");
    CHECK(unit.process->group == "adm");
    CHECK(unit.process->working_directory == "/srv");
    CHECK(unit.process->environment == std::vector<std::pair<std::string, std::string>>{
                                           {"GREETING", "it's \"me\" = you\\"}, {"PATH", "/usr/local/bin:/usr/bin"}});
    CHECK(unit.health->command == core::Command{"/bin/sh", "-c", "curl -f http://localhost/ || exit 1"});
    CHECK(unit.health->interval == std::chrono::seconds(5));
    CHECK(unit.health->timeout == std::chrono::milliseconds(1500));
    CHECK(unit.health->failures == 4);
    CHECK(unit.health->action == core::HealthCheck::Action::none);
    CHECK(unit.service.start_timeout == std::chrono::seconds(146));
}

TEST_CASE("ports are a comment; what cannot be carried over is one, too, and is said") {
    const Outcome outcome = oci_unit(image);
    CHECK(has(outcome.out, "# It listens on 80/tcp (ExposedPorts).\n# It listens on 443/tcp (ExposedPorts).\n"));
    CHECK(has(outcome.out, "# Volumes: /data is no volume"));
    CHECK(has(outcome.err, "Volumes: /data is no volume"));
    CHECK_FALSE(has(outcome.err, "80/tcp"));
}

TEST_CASE("what docker inspect prints is read, for an image without an entrypoint that runs as root") {
    const Outcome outcome = oci_unit(R"([{"Id": "sha256:1", "Os": "linux", "Config": {"User": "", "Entrypoint": null,
        "Cmd": ["/bin/worker"], "Env": ["A=1", "B"], "WorkingDir": "", "Tty": true,
        "Healthcheck": {"Test": ["NONE"]}, "OnBuild": null, "Labels": null}}])");
    CHECK(outcome.code == 0);
    const core::Unit unit = unit_of(outcome.out);
    CHECK(unit.service.command == core::Command{"/bin/worker"});
    CHECK(unit.process->user.empty());
    CHECK(unit.process->environment == std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"HOME", "/root"}});
    CHECK(unit.health == nullptr);
    CHECK(has(outcome.err, "Env: \"B\" has no value"));
    CHECK(has(outcome.err, "Tty: "));
}

TEST_CASE("a probe of the form CMD has Docker's numbers where it gives none") {
    const core::Unit unit = unit_of(oci_unit(R"({"config": {"Cmd": ["/x"], "User": "1000",
        "Healthcheck": {"Test": ["CMD", "/bin/ask", "it"], "Interval": 0}}})")
                                        .out);
    CHECK(unit.health->command == core::Command{"/bin/ask", "it"});
    CHECK(unit.health->interval == std::chrono::seconds(30));
    CHECK(unit.health->timeout == std::chrono::seconds(30));
    CHECK(unit.health->failures == 3);
    CHECK(unit.process->user == "1000");
}

TEST_CASE("the config.json of a bundle is read") {
    const core::Unit unit = unit_of(oci_unit(R"({"ociVersion": "1.0.2", "process": {"args": ["sh", "-c", "x"],
        "env": ["PATH=/bin"], "cwd": "/home", "user": {"uid": 7, "gid": 8}}, "root": {"path": "rootfs"}})")
                                        .out);
    CHECK(unit.service.command == core::Command{"sh", "-c", "x"});
    CHECK(unit.process->user == "7");
    CHECK(unit.process->group == "8");
    CHECK(unit.process->working_directory == "/home");
}

TEST_CASE("what is no such configuration, or says nothing to run, is refused with what would be one") {
    CHECK(has(oci_unit("nonsense").err, "is no JSON: give the configuration of an image"));
    CHECK(has(oci_unit("{}").err, "says nothing to run"));
    CHECK(has(oci_unit("[]").err, "says nothing to run"));
    CHECK(oci_unit(R"({"config": {"Cmd": []}})").code == 1);
    CHECK(has(run_ctl({"minictl", "oci-unit", "/nonexistent/config.json"}).err, "No such file"));
}
