// `minictl metrics`: the text that scrapers read, its formats, and the answer to one HTTP request.
#include "ctl_world.hpp"
#include "wire/metrics.hpp"

#include <algorithm>

using namespace mi;
using namespace mi::test;
using core::Phase;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string usual(const wire::Request& request, bool) {
    if (auto* list = std::get_if<wire::List>(&request)) {
        CHECK((list->all && list->usage));
        wire::UnitStatus web = unit("web", Phase::up, 42), cron = unit("cron@\"a\\b", Phase::failed);
        web.restarts = 3;
        web.since_realtime = 1'700'000'000'000'500;
        web.cpu_usec = 2'050'000;
        web.memory_bytes = 4096;
        web.tasks = 2;
        web.log_lines = 12;
        web.health = core::Health::unhealthy;
        web.last_exit = wire::Exit{.kind = core::ExitStatus::Kind::signal, .number = 9};
        cron.next_realtime = 1'700'000'001'000'000;
        return reply(wire::Units{{web, cron}});
    }
    if (std::holds_alternative<wire::GetOverview>(request)) {
        wire::Overview overview{"9.9", wire::Mode::container, wire::ManagerState::degraded};
        overview.crashes = 1;
        return reply(overview);
    }
    return error(wire::ShuttingDown{});
}

// What is answered to `request`.
Outcome http(FakeInit& init, const std::string& request) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    REQUIRE(::write(ends[1], request.data(), request.size()) == static_cast<ssize_t>(request.size()));
    ::close(ends[1]);
    Outcome outcome = run_ctl({"minictl", "--control", init.path(), "metrics", "--http"}, [&] { ::dup2(ends[0], 0); });
    ::close(ends[0]);
    return outcome;
}

std::string get(const std::string& path, const std::string& headers = {}) {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

} // namespace

TEST_CASE("metrics are a line for each number, with escaped labels, and the end mark") {
    FakeInit init(usual);
    const Outcome outcome = init.ctl({"metrics"});
    CHECK(outcome.code == 0);
    for (std::string_view line :
         {"miniinit_version{version=\"9.9\"} 1\n", "miniinit_state{state=\"degraded\"} 1\n",
          "miniinit_crashes_total 1\n", "miniinit_unit_health{unit=\"web\",health=\"unhealthy\"} 1\n",
          "miniinit_units{state=\"up\"} 1\n", "miniinit_units{state=\"down\"} 0\n",
          "# TYPE miniinit_unit_up gauge\nminiinit_unit_up{unit=\"web\"} 1\n",
          "miniinit_unit_up{unit=\"cron@\\\"a\\\\b\"} 0\n", "miniinit_unit_state{unit=\"web\",state=\"up\"} 1\n",
          "miniinit_unit_state_timestamp_seconds{unit=\"web\"} 1700000000.0005\n",
          "miniinit_unit_restarts_total{unit=\"web\"} 3\n", "miniinit_unit_last_exit{unit=\"web\",kind=\"signal\"} 9\n",
          "miniinit_unit_cpu_seconds_total{unit=\"web\"} 2.05\n", "miniinit_unit_memory_bytes{unit=\"web\"} 4096\n",
          "miniinit_unit_tasks{unit=\"web\"} 2\n", "miniinit_unit_log_lines_total{unit=\"web\"} 12\n",
          "miniinit_unit_timer_next_timestamp_seconds{unit=\"cron@\\\"a\\\\b\"} 1700000001\n"}) {
        CAPTURE(line);
        CHECK(has(outcome.out, line));
    }
    CHECK(outcome.out.ends_with("\n# EOF\n"));
    CHECK_FALSE(has(outcome.out, "miniinit_unit_memory_bytes{unit=\"cron"));
    CHECK_FALSE(has(outcome.out, "counter")); // so that readers of either format take it
}

TEST_CASE("every family has one head, and its samples stand together below it") {
    FakeInit init(usual);
    const std::string text = init.ctl({"metrics"}).out;
    std::string family;
    std::vector<std::string> seen;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = text.find('\n', at);
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        if (line.starts_with("# HELP ")) {
            family = line.substr(7, line.find(' ', 7) - 7);
            CHECK(std::ranges::find(seen, family) == seen.end());
            seen.push_back(family);
        } else if (line.starts_with("# TYPE ")) {
            CHECK(line == "# TYPE " + family + " gauge");
        } else if (line != "# EOF") {
            CHECK(line.substr(0, line.find_first_of("{ ")) == family);
        }
    }
    CHECK(seen.size() == wire::metric_rows().size());
}

TEST_CASE("as JSON they are what io.systemd.Metrics tells") {
    FakeInit init(usual);
    const std::string text = init.ctl({"metrics", "--json"}).out;
    CHECK(has(text, R"({"name":"org.miniinit.Manager.crashes","value":1,"object":null,"fields":null})"));
    CHECK(has(text, R"({"name":"org.miniinit.Manager.unit_state","value":"up","object":"web","fields":null})"));
    CHECK(has(text,
              R"({"name":"org.miniinit.Manager.unit_last_exit","value":9,"object":"web","fields":{"kind":"signal"}})"));
    CHECK(has(text, R"("name":"org.miniinit.Manager.unit_cpu_seconds","value":2.05,"object":"web")"));
}

TEST_CASE("one HTTP request is answered in the format that it asks for") {
    FakeInit init(usual);
    Outcome plain = http(init, get("/metrics?x=1"));
    CHECK(plain.code == 0);
    CHECK(plain.out.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
    const std::size_t body = plain.out.find("\r\n\r\n") + 4;
    CHECK(has(plain.out, "\r\nContent-Length: " + std::to_string(plain.out.size() - body) + "\r\n"));
    CHECK(has(plain.out, "# TYPE miniinit_unit_restarts_total counter\n"));

    Outcome open = http(init, get("/metrics", "ACCEPT: application/OpenMetrics-text;version=1.0.0\r\n"));
    CHECK(has(open.out, "Content-Type: application/openmetrics-text; version=1.0.0"));
    CHECK(has(open.out, "# TYPE miniinit_unit_restarts counter\nminiinit_unit_restarts_total{unit=\"web\"} 3\n"));

    const std::string head = http(init, "HEAD /metrics HTTP/1.0\r\n\r\n").out;
    CHECK(has(head, "200 OK"));
    CHECK(head.ends_with("\r\n\r\n"));
    CHECK(has(http(init, get("/")).out, "404 Not Found"));
    CHECK(has(http(init, "POST /metrics HTTP/1.1\r\n\r\n").out, "405 Method Not Allowed\r\n"));
    for (const char* nonsense :
         {"", "\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01 tls x\n\n", "GET metrics HTTP/1.1\r\n\r\n"})
        CHECK(has(http(init, nonsense).out, "400 Bad Request"));
    CHECK(has(http(init, std::string(20000, 'x')).out, "400 Bad Request"));
    Outcome nobody = run_ctl({"minictl", "--control", "/nowhere/control", "metrics"});
    CHECK(nobody.code != 0);
}
