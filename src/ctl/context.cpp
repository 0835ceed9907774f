#include "ctl/context.hpp"

#include "base/printable.hpp"

#include "os/file/init_place.hpp"
#include "os/file/user_place.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace mi::ctl {

namespace {

std::string environment(const char* name) {
    const char* value = ::getenv(name);
    return value != nullptr ? value : "";
}

std::string user_socket() { return os::client_run_directory(os::user_place()) + "/control"; }

// Whether an init listens on the socket, which may be left from an init that has ended.
bool listens(const std::expected<Client, Failure>& client) { return client || !client.error().nobody; }

} // namespace

Context::Chosen Context::choose() const {
    if (!arguments.control.empty())
        return {};
    if (arguments.user || arguments.system)
        return {.of_user = arguments.user};
    if (!environment("MINIINIT_CONTROL").empty() || (verb.takes & (takes_end | takes_shutdown)) != 0)
        return {};
    auto to_system = Client::connect(system_socket()), to_user = Client::connect(user_socket());
    const bool root = ::geteuid() == 0, system = listens(to_system), user = listens(to_user);
    // `run` by a user goes to the user's manager, by root to the system's.
    const bool own = (verb.takes & takes_run) != 0 ? !root || !system : !system && (user || !root);
    Chosen found{.of_user = own, .of_two = system && user};
    if (auto& client = own ? to_user : to_system)
        found.client = std::move(*client);
    return found;
}

bool Context::of_user() const {
    if (!chosen)
        chosen = choose();
    return chosen->of_user;
}

void Context::say_which() const {
    const bool own = of_user();
    if (!chosen->of_two || !err.terminal || arguments.json || std::exchange(chosen->said, true))
        return;
    note(paint(err, Colour::faint,
               own ? "(this is your own manager; --system is the init of the system)"
                   : "(this is the init of the system; --user is your own manager)") +
         "\n");
}

std::string Context::socket_path() const {
    if (!arguments.control.empty())
        return arguments.control;
    if (of_user())
        return user_socket();
    if (std::string path = environment("MINIINIT_CONTROL"); !arguments.system && !path.empty())
        return path;
    return system_socket();
}

std::string Context::system_socket() { return os::place_of_init() + "/control"; }

std::expected<Client, Failure> Context::connect() const {
    const bool own = of_user();
    say_which();
    std::expected<Client, Failure> client =
        chosen->client ? std::expected<Client, Failure>(std::move(*std::exchange(chosen->client, std::nullopt)))
                       : Client::connect(socket_path());
    // In a directory that other users can write to, any user may have made the socket.
    if (client && own && !client->served_by_us())
        return std::unexpected(Failure{"the socket " + socket_path() + " is served by another user", {}, false, true});
    if (!client && client.error().nobody)
        client.error().message += own ? "\n(`miniinit --user` starts your own; --system is that of the system)"
                                      : "\n(is miniinit running? Name another socket with --control PATH or "
                                        "$MINIINIT_CONTROL, or use --user for that of `miniinit --user`)";
    return client;
}

std::string Sources::looked() const {
    std::string text;
    auto add = [&](const std::string& path) {
        text += (text.empty() ? "looked in " : ", ") +
                (source.root.ends_with('/') ? source.root.substr(0, source.root.size() - 1) : source.root) + path;
    };
    if (!source.config.empty())
        add(source.config);
    for (const std::string& directory : source.directories)
        add(directory);
    return text;
}

std::expected<Sources, Failure> Context::sources() const {
    Sources found;
    config::Source& source = found.source;
    if (arguments.user || (arguments.root.empty() && of_user())) {
        const os::UserPlace place = os::user_place();
        source = config::user_source(place.config_home, os::client_run_directory(place), ::geteuid());
    }
    if (!arguments.units.empty()) {
        source.directories = arguments.units;
        source.directories_required = true;
    }
    if (!arguments.config.empty()) {
        source.config = arguments.config;
        source.config_required = true;
    }
    source.root = arguments.root;
    while (source.root.ends_with('/'))
        source.root.pop_back();
    source.allow_insecure = arguments.insecure;
    if (!arguments.root.empty() || !arguments.units.empty() || !arguments.config.empty())
        return found;
    auto client = connect();
    auto overview = client ? client->call(wire::GetOverview{}) : std::unexpected(client.error());
    if (!overview) {
        // With --control only that init's files count.
        if (!arguments.control.empty())
            return std::unexpected(overview.error());
        return found;
    }
    if (!overview->unit_directories.empty()) {
        source.directories = std::move(overview->unit_directories);
        source.config = std::move(overview->config);
        source.allow_insecure = source.allow_insecure || overview->insecure_units_allowed;
        source.owner = ::getuid();
    }
    found.init = std::move(*client);
    return found;
}

std::string Context::command(std::string_view other) const {
    std::string text = "minictl ";
    if (!arguments.control.empty())
        text += "--control " + harmless(arguments.control) + " ";
    else if (arguments.user || arguments.system)
        text += arguments.user ? "--user " : "--system ";
    return text.append(other) + " ";
}

void Context::note_lines(const std::vector<std::string>& lines) const {
    std::string text;
    for (const std::string& line : lines)
        text += harmless(line) + "\n";
    note(text);
}

int Context::judge_name(const std::string& name) const {
    const std::string_view wrong = config::name_fault(name);
    return wrong.empty() ? done : fail("\"" + harmless(name) + "\" is no name of a unit: " + std::string(wrong), usage);
}

int Context::fail_missing(const Sources& from, const std::string& unit) const {
    return fail("there is no unit " + harmless(unit) + " (" + harmless(from.looked()) + ")", refused);
}

bool Context::write_out(std::string_view text) const {
    if (output_lost)
        return false;
    if (write_all(1, text))
        return true;
    if (errno != EPIPE)
        lose_output(errno);
    return false;
}

void Context::lose_output(int code) const {
    output_lost = true;
    fail(Fault{code, "write", "standard output"}.text());
}

int Context::outcome(int code) const {
    // Some file systems report a failed write only at close(2).
    const int copy = output_lost ? -1 : ::fcntl(1, F_DUPFD_CLOEXEC, 3);
    if (copy >= 0 && ::close(copy) != 0 && errno != EINTR)
        lose_output(errno);
    return code == done && output_lost ? failed : code;
}

int Context::fail(std::string_view message, ExitCode code) const {
    note(paint(err, Colour::bad, "minictl: ") + printable(message, Keep::lines) + "\n");
    return code;
}

std::string Context::other_one(const Failure& failure) const {
    const auto* missing =
        failure.said && failure.said->known ? std::get_if<wire::NoSuchUnit>(&*failure.said->known) : nullptr;
    if (missing == nullptr || !chosen || !chosen->of_two)
        return {};
    const bool own = chosen->of_user;
    auto other = Client::connect(own ? system_socket() : user_socket());
    if (!other || !other->call(wire::Status{{missing->unit}}))
        return {};
    return "\n(" + std::string(own ? "the init of the system" : "your own manager") +
           " has a unit of that name: `minictl " + (own ? "--system " : "--user ") + std::string(verb.name) + " " +
           missing->unit + "`)";
}

int Context::fail(const Failure& failure) const {
    if (arguments.json) {
        std::string text = R"({"error":)";
        wire::JsonWriter writer(text, true);
        writer.text(failure.said ? failure.said->name : "");
        text += R"(,"message":)";
        writer.text(failure.message);
        text += R"(,"parameters":)";
        text += failure.said && !failure.said->parameters.empty() ? failure.said->parameters : "{}";
        print(text + "}\n");
    }
    const bool stands =
        failure.said && failure.said->known && std::holds_alternative<wire::NotRunning>(*failure.said->known);
    return fail(failure.message + other_one(failure), failure.forbidden ? refused : stands ? not_running : failed);
}

} // namespace mi::ctl
