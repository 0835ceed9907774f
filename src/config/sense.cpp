#include "config/sense.hpp"

#include "base/unreachable.hpp"
#include "calendar/timer.hpp"
#include "config/readers.hpp"
#include "config/syntax.hpp"

#include <algorithm>
#include <map>

namespace mi::config {

namespace {

// One table of a unit; reports problems at its keys.
class Section {
public:
    Section(Reading& reading, const Node& tree, std::string_view name) : reading_(reading), table_(tree.find(name)) {
        if (table_ != nullptr && table_->kind != Node::Kind::table)
            table_ = nullptr;
    }
    Section(Reading& reading, const Node& table) : reading_(reading), table_(&table) {}

    [[nodiscard]] const Node* find(std::string_view key) const {
        return table_ == nullptr ? nullptr : table_->find(key);
    }
    [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
    // Whether the key has more than an empty list or text, with which a drop-in cancels an earlier value.
    [[nodiscard]] bool says(std::string_view key) const {
        const Node* item = find(key);
        return item != nullptr && !is_empty(*item);
    }
    // Reports at the key if it is present, else at the table.
    void error(std::string_view key, std::string message, std::string suggestion = {}) const {
        if (const Node* item = find(key))
            reading_.error(item->key_place, std::move(message), std::move(suggestion));
        else if (table_ != nullptr)
            reading_.error(table_->place, std::move(message), std::move(suggestion));
    }
    // Reports at the value, which must be present.
    void value_error(std::string_view key, std::string message) const {
        reading_.error(find(key)->place, "`" + std::string(key) + "`: " + std::move(message));
    }
    void warning(std::string_view key, std::string message) const {
        if (const Node* item = find(key))
            reading_.warning(item->key_place, std::move(message));
    }

private:
    Reading& reading_;
    const Node* table_;
};

void check_type(const Reading& reading, const Section& section, core::Service& service) {
    using core::ServiceType;
    if (section.says("command") && section.says("script"))
        section.error("script", "`command` and `script` exclude each other: one thing runs");
    else if (section.has("command") && !section.says("command") && !section.says("script"))
        section.value_error("command", "the command is empty");
    else if (section.has("script") && !section.says("command") && !section.says("script"))
        section.value_error("script", "the script is empty");
    else if (!section.has("command") && !section.has("script") && !reading.incomplete)
        section.error("", "[service] needs `command` or `script`");
    if (!service.command.empty() && core::is_privileged(service.command) && section.has("command"))
        section.value_error("command", "a '+' is for the commands around this one");
    if (section.has("ready-fd") && service.type != ServiceType::notify_fd)
        section.error("ready-fd", "`ready-fd` is for type = \"notify-fd\" only");
    if (section.says("reload-command") && section.has("reload-signal"))
        section.error("reload-signal", "`reload-command` and `reload-signal` exclude each other");
    if (service.type == ServiceType::oneshot) {
        if (service.watchdog != Span{0})
            section.error("watchdog", "a oneshot has no watchdog: `start-timeout` bounds it");
        if (service.restart == core::RestartPolicy::always && section.has("restart"))
            section.error("restart", "a oneshot stays done: restart = \"always\" would run it for ever",
                          "write type = \"simple\", or restart = \"on-failure\"");
    }
}

void check_restart(const Section& section, core::Service& service) {
    if (!section.has("restart") && service.type == core::ServiceType::oneshot)
        service.restart = core::RestartPolicy::no;
    if (service.restart_delay > service.restart_delay_max) {
        if (section.has("restart-delay-max") && !section.has("restart-delay"))
            service.restart_delay = service.restart_delay_max;
        else if (section.has("restart-delay-max"))
            section.error("restart-delay", "`restart-delay` " + duration_text(service.restart_delay) +
                                               " is longer than `restart-delay-max` " +
                                               duration_text(service.restart_delay_max));
        else
            service.restart_delay_max = service.restart_delay;
    }
    if (service.restart == core::RestartPolicy::no)
        for (std::string_view key : {"restart-delay", "restart-delay-max", "restart-limit", "restart-limit-action"})
            section.warning(key, "`" + std::string(key) + "` has no effect: the service is never restarted");
}

void check_streams(const Section& process, const core::Unit& unit) {
    if (!unit.process)
        return;
    const bool one_socket = core::accepts(unit) || unit.listen.size() == 1;
    if (unit.process->input == core::Input::tty && unit.process->tty.empty() && !process.has("tty"))
        process.error("stdin", "stdin = \"tty\" needs `tty`: which terminal");
    auto needs_socket = [&](std::string_view key) {
        if (!one_socket)
            process.error(key, std::string(key) + " = \"socket\" needs one [[listen]], or accept = true");
    };
    if (unit.process->input == core::Input::socket)
        needs_socket("stdin");
    if (unit.process->output == core::Output::socket)
        needs_socket("stdout");
    if (unit.process->error == core::Output::socket)
        needs_socket("stderr");
    if (!unit.process->supplementary_groups.empty() && core::account_of(unit).empty() && unit.process->group.empty())
        process.warning("supplementary-groups",
                        "`supplementary-groups` without `user`: the service still runs as root");
}

// With `accept` there is one process for each connection and no main process, so keys about the main process have no
// effect.
void check_accept(const Section& service, const Section& process, core::Unit& unit) {
    for (const core::Listen& each : unit.listen)
        if (!each.accept)
            return service.error("", "accept = true stands in one [[listen]], so it has to stand in all: "
                                     "nothing would serve \"" +
                                         each.address + "\"");
    if (unit.service.type != core::ServiceType::simple)
        service.error("type", "accept = true runs one process for each connection, which is of type = \"simple\"");
    for (std::string_view key : {"pre-start", "post-start", "reload-command", "reload-signal", "watchdog"})
        if (service.says(key))
            service.error(key, "`" + std::string(key) + "` is about a main process, and accept = true has none");
    if (process.has("pid-file"))
        process.error("pid-file", "`pid-file` is about a main process, and accept = true has none");
    if (unit.timer)
        service.error("", "[timer] runs a main process, and accept = true has none");
    // Standard input and output are the connection, unless the file says otherwise.
    core::Process& streams = read::part(unit, static_cast<core::Process*>(nullptr));
    if (!process.has("stdin"))
        streams.input = core::Input::socket;
    if (!process.has("stdout"))
        streams.output = core::Output::socket;
}

void check_health(const Reading& reading, const Section& service, const Section& section, core::Unit& unit) {
    unsigned probes = 0;
    for (std::string_view key : {"command", "http", "tcp", "unix", "log-line"})
        if (section.says(key) && ++probes > 1)
            section.error(key,
                          "[health] has one probe: `command`, `http`, `tcp`, `unix` and `log-line` exclude each other");
    if (probes == 0 && !reading.incomplete)
        section.error("", "[health] needs `command`, `http`, `tcp`, `unix` or `log-line`");
    if (unit.service.type == core::ServiceType::oneshot)
        section.error("", "[health] is about what runs on, and a oneshot does not: its exit code tells");
    if (core::accepts(unit))
        section.error("", "[health] is about a main process, and accept = true has none");
    if (unit.health->probe == core::HealthCheck::Probe::log_line && unit.process &&
        unit.process->output != core::Output::log && unit.process->error != core::Output::log)
        section.error("log-line", "`log-line` is looked for in the log, and neither `stdout` nor `stderr` goes there");
    if (unit.health->probe == core::HealthCheck::Probe::log_line)
        for (std::string_view key : {"interval", "timeout", "start-interval", "failures", "successes", "action"})
            if (section.has(key))
                section.warning(key, "`" + std::string(key) + "` has no effect with `log-line`, which is awaited once");
    if (unit.service.restart == core::RestartPolicy::no && service.has("restart") && section.has("action") &&
        unit.health->action == core::HealthCheck::Action::restart)
        section.warning("action", "restart = \"no\" in [service] counts: it fails instead");
    read::complete_probe(*unit.health);
}

void check_await(const Reading& reading, const Section& section) {
    for (std::string_view key : {"device", "interface", "address", "mounted", "path"})
        if (section.has(key))
            return;
    if (!reading.incomplete)
        section.error("", "[await] needs `device`, `interface`, `address`, `mounted` or `path`");
}

void check_sockets(const Reading& reading, const Section& service, const core::Unit& unit) {
    if (unit.service.activation == core::Activation::on_demand && unit.listen.empty() && !reading.incomplete)
        service.error("activation", "activation = \"on-demand\" needs a [[listen]]");
    for (auto at = unit.listen.begin(); at != unit.listen.end(); ++at)
        if (!at->address.empty() && std::any_of(unit.listen.begin(), at, [&](const core::Listen& earlier) {
                return earlier.kind == at->kind && earlier.address == at->address && !at->reuse_port;
            }))
            service.error("", "two [[listen]] have the address \"" + at->address + "\"");
    const bool as_stream =
        unit.process && (unit.process->input == core::Input::socket || unit.process->output == core::Output::socket ||
                         unit.process->error == core::Output::socket);
    const int first_free = 3 + static_cast<int>(unit.listen.size());
    if (unit.service.type == core::ServiceType::notify_fd && !unit.listen.empty() && !as_stream &&
        unit.service.ready_fd < first_free)
        service.error(service.has("ready-fd") ? "ready-fd" : "type",
                      "`ready-fd` " + std::to_string(unit.service.ready_fd) +
                          " is where the service finds its socket: sockets are passed from descriptor 3 on",
                      "write ready-fd = " + std::to_string(first_free));
}

void check_timer(const Reading& reading, const Section& section, const calendar::Timer& timer) {
    constexpr Span least = std::chrono::milliseconds(100);
    if (!section.has("every") && !section.says("calendar") && !section.has("after-boot") && !reading.incomplete)
        section.error("", "[timer] needs `every`, `calendar` or `after-boot`");
    if (section.has("every") && timer.every < least)
        section.error("every", "`every` is less than 100ms: a timer is for what is done now and then");
    if (section.has("every") && timer.jitter >= timer.every)
        section.error("jitter", "`jitter` " + duration_text(timer.jitter) + " is not shorter than `every` " +
                                    duration_text(timer.every));
    if (timer.persistent && !section.has("every") && !section.says("calendar") && !reading.incomplete)
        section.error("persistent", "`persistent` needs `every` or `calendar`: `after-boot` is of each boot");
}

void check_confinement(const Section& process) {
    if (!process.says("system-call-filter"))
        process.warning("system-call-error", "`system-call-error` has no effect without `system-call-filter`");
    if (!process.has("protect-system") && !process.says("read-only-paths"))
        process.warning("read-write-paths",
                        "`read-write-paths` has no effect without `protect-system` or `read-only-paths`");
}

// The key of a relation.
std::string_view word(core::Relation relation) {
    switch (relation) {
    case core::Relation::requirement: return "requires";
    case core::Relation::want: return "wants";
    case core::Relation::milestone: return "milestones";
    case core::Relation::after: return "after";
    case core::Relation::before: return "before";
    case core::Relation::conflict: return "conflicts";
    case core::Relation::required_by: return "required-by";
    case core::Relation::wanted_by: return "wanted-by";
    case core::Relation::on_failure: return "on-failure";
    case core::Relation::on_success: return "on-success";
    case core::Relation::part_of: return "part-of";
    case core::Relation::reload_with: return "reload-with";
    }
    unreachable("there is no other relation");
}

bool contradict(core::Relation a, core::Relation b) {
    using enum core::Relation;
    bool pulls_in = a == requirement || a == want || a == milestone;
    return (b == conflict && (pulls_in || a == required_by || a == wanted_by)) ||
           (b == before && (pulls_in || a == after)) || (b == required_by && pulls_in) || (b == wanted_by && pulls_in);
}

void check_relations(Reading& reading, const Node& tree, const core::Unit& unit) {
    std::multimap<std::string_view, core::Relation> by_name;
    if (unit.dependencies.size() < 2)
        return;
    for (const core::Dependency& each : unit.dependencies)
        by_name.emplace(each.unit, each.relation);
    for (const auto& [name, relation] : by_name) {
        auto [first, last] = by_name.equal_range(name);
        for (; first != last; ++first) {
            if (!contradict(relation, first->second))
                continue;
            std::string key(word(first->second));
            const Node* item = tree.find(key);
            reading.error(item != nullptr ? item->key_place : tree.place,
                          "\"" + std::string(name) + "\" stands in both `" + std::string(word(relation)) + "` and `" +
                              key + "`, which contradict each other");
        }
    }
}

} // namespace

void check_listen(Reading& reading, const Node& entry, const core::Listen& listen) {
    using Kind = core::Listen::Kind;
    Section section(reading, entry);
    bool path = listen.address.starts_with('/'), network = !path && !listen.address.starts_with('@');
    if (listen.address.empty()) {
        if (!reading.incomplete && !section.has("stream") && !section.has("datagram") &&
            !section.has("sequential-packet") && !section.has("fifo"))
            section.error("", "[[listen]] needs `stream`, `datagram`, `sequential-packet` or `fifo`");
        return;
    }
    bool connects = listen.kind == Kind::stream || listen.kind == Kind::sequential_packet;
    for (std::string_view key : {"mode", "user", "group"})
        if (!path && section.has(key))
            section.error(key, "`" + std::string(key) + "` is for addresses that are a /path");
    if (section.has("backlog") && !connects)
        section.error("backlog", "`backlog` is for `stream` and `sequential-packet`");
    if (listen.accept && !connects)
        section.error("accept", "`accept` is for `stream` and `sequential-packet`");
    if (listen.reuse_port && !network)
        section.error("reuse-port", "`reuse-port` is for addresses HOST:PORT");
    if (section.has("max-connections") && !listen.accept && !reading.incomplete)
        section.error("max-connections", "`max-connections` needs accept = true");
    auto separates = [](unsigned char c) { return c == ':' || c < 32 || c == 127; };
    if (listen.name.size() > 255 || std::any_of(listen.name.begin(), listen.name.end(), separates))
        section.error("name", "`name` must have no ':', no control characters and at most 255 characters");
}

void check_unit(Reading& reading, const Node& tree, core::Unit& unit, bool bare_is_service) {
    const Node* target = tree.find("target");
    const Node* service_table = tree.find("service");
    unit.kind = target != nullptr && service_table == nullptr ? core::Kind::target : core::Kind::service;
    check_relations(reading, tree, unit);
    if (tree.find("await") != nullptr)
        check_await(reading, Section(reading, tree, "await"));
    if (target != nullptr && service_table != nullptr)
        reading.error(service_table->key_place,
                      "a unit is a service or a target: [service] and [target] exclude each other");
    else if (target != nullptr)
        for (std::string_view name : {"process", "cgroup", "listen", "timer", "log", "health"})
            if (const Node* table = tree.find(name))
                reading.error(table->key_place,
                              "a target runs nothing: `" + std::string(name) + "` belongs to a service");
    if (service_table == nullptr && target == nullptr) {
        if (bare_is_service)
            unit.service.command = {"/bin/true"};
        else if (!reading.incomplete)
            reading.error(tree.place, "needs [service] or [target]");
        return;
    }
    if (service_table == nullptr || target != nullptr)
        return;
    Section section(reading, tree, "service"), process(reading, tree, "process");
    check_type(reading, section, unit.service);
    check_restart(section, unit.service);
    if (core::accepts(unit))
        check_accept(section, process, unit);
    check_streams(process, unit);
    check_confinement(process);
    check_sockets(reading, section, unit);
    if (unit.health)
        check_health(reading, section, Section(reading, tree, "health"), unit);
    if (tree.find("timer") != nullptr)
        check_timer(reading, Section(reading, tree, "timer"), unit.timer ? *unit.timer : calendar::Timer{});
}

} // namespace mi::config
