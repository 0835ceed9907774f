// `metrics`: the numbers of the manager and its units as text, and as the answer to one HTTP request.
#include "ctl/verbs/verbs.hpp"

#include "base/clock.hpp"
#include "base/text.hpp"
#include "wire/metrics.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mi::ctl {

namespace {

struct Measured {
    wire::ManagerFacts facts;
    std::vector<wire::UnitStatus> units;
};

std::expected<Measured, Failure> measure(const Context& context) {
    auto client = context.connect();
    if (!client)
        return std::unexpected(client.error());
    Measured measured;
    auto overview = client->call(wire::GetOverview{});
    if (!overview)
        return std::unexpected(overview.error());
    measured.facts.overview = std::move(*overview);
    if (measured.facts.overview.state == wire::ManagerState::caretaker)
        return measured; // it knows nothing of units
    auto units = client->call(wire::List{.all = true, .usage = true});
    if (!units)
        return std::unexpected(units.error());
    measured.units = std::move(units->units);
    for (const wire::UnitStatus& unit : measured.units)
        ++measured.facts.units[static_cast<std::size_t>(unit.state)];
    return measured;
}

// For `--json`: what io.systemd.Metrics tells, in one list.
struct Metrics {
    std::vector<wire::Metric> metrics;
    static void fields(auto& self, auto&& visit) { visit("metrics", self.metrics); }
};

Metrics all_of(const Measured& measured) {
    Metrics all;
    std::vector<wire::MetricSample> samples;
    for (const wire::MetricRow& row : wire::metric_rows()) {
        auto take = [&](std::string_view unit) {
            for (const wire::MetricSample& sample : samples)
                all.metrics.push_back(wire::told(row, sample, unit));
            samples.clear();
        };
        if (row.of_manager != nullptr) {
            row.of_manager(measured.facts, samples);
            take({});
            continue;
        }
        for (const wire::UnitStatus& unit : measured.units) {
            row.of_unit(unit, samples);
            take(unit.name);
        }
    }
    return all;
}

// --- HTTP -------------------------------------------------------------------------------------------------------------

constexpr std::size_t longest_request = 16 << 10;
constexpr Span patience = std::chrono::seconds(10);

// The request up to the blank line; as far as it has come where it ends before that, is too long or takes too long.
std::string read_request() {
    std::string request;
    const Instant until = monotonic_now() + patience;
    while (request.size() < longest_request && request.find("\r\n\r\n") == request.npos &&
           request.find("\n\n") == request.npos) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - monotonic_now()).count();
        pollfd input{0, POLLIN, 0};
        if (left <= 0 || (::poll(&input, 1, static_cast<int>(left)) < 0 && errno != EINTR))
            break;
        char piece[4096];
        const ssize_t got = input.revents != 0 ? ::read(0, piece, sizeof piece) : -1;
        if (got == 0)
            break;
        if (got > 0)
            request.append(piece, static_cast<std::size_t>(got));
    }
    return request;
}

// Whether a header that begins with `name` (in small letters) says that word.
bool header_says(std::string request, std::string_view name, std::string_view word) {
    std::ranges::transform(request, request.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    for (std::string_view line : split(request, '\n'))
        if (line.starts_with(name) && line.find(word) != line.npos)
            return true;
    return false;
}

struct Response {
    std::string_view status = "200 OK", type = "text/plain; charset=utf-8", more = {};
    std::string body;
};

Response response_to(const Context& context, std::string_view method, std::string_view path, const std::string& all) {
    if (method.empty() || !path.starts_with('/'))
        return {.status = "400 Bad Request", .body = "this is no HTTP request\n"};
    if (method != "GET" && method != "HEAD")
        return {.status = "405 Method Not Allowed", .more = "Allow: GET, HEAD\r\n", .body = "GET and HEAD alone\n"};
    if (path.substr(0, path.find('?')) != "/metrics")
        return {.status = "404 Not Found", .body = "the metrics are at /metrics\n"};
    auto measured = measure(context);
    if (!measured)
        return {.status = "503 Service Unavailable", .body = measured.error().message + "\n"};
    const bool open = header_says(all, "accept:", "application/openmetrics-text");
    return {.type = open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                         : "text/plain; version=0.0.4; charset=utf-8",
            .body = wire::metrics_text(measured->facts, measured->units,
                                       open ? wire::MetricFormat::openmetrics : wire::MetricFormat::prometheus)};
}

int answer_request(const Context& context) {
    const std::string request = read_request();
    const std::string_view line = std::string_view(request).substr(0, request.find_first_of("\r\n"));
    const std::vector<std::string_view> words = split(line, ' ');
    const bool whole = words.size() == 3 && words[2].starts_with("HTTP/1.");
    const Response response =
        whole ? response_to(context, words[0], words[1], request) : response_to(context, {}, {}, request);
    std::string text = "HTTP/1.1 ";
    text.append(response.status).append("\r\nContent-Type: ").append(response.type).append("\r\n");
    text.append(response.more).append("Content-Length: ").append(std::to_string(response.body.size()));
    text.append("\r\nConnection: close\r\n\r\n");
    if (!whole || words[0] != "HEAD")
        text += response.body;
    return context.write_out(text) ? done : failed;
}

} // namespace

int show_metrics(Context& context) {
    if (context.arguments.http)
        return answer_request(context);
    auto measured = measure(context);
    if (!measured)
        return context.fail(measured.error());
    if (context.arguments.json)
        return context.print_json(all_of(*measured));
    return context.print(wire::metrics_text(measured->facts, measured->units, wire::MetricFormat::both));
}

} // namespace mi::ctl
