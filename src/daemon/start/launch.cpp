#include "daemon/start/launch.hpp"

#include "daemon/start/confine.hpp"
#include "os/file/runtime.hpp"
#include "os/process/dynamic_user.hpp"
#include "os/process/limits.hpp"
#include "os/spawn/spawn.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace mi::daemon {

namespace {

using core::Input;
using core::Output;
using core::Process;

using Environment = os::StringList;

// What an init is told as somebody's service itself: it means nothing, or the wrong thing, to its own services.
constexpr std::array<std::string_view, 9> not_for_others{"NOTIFY_SOCKET",  "LISTEN_PID",    "LISTEN_FDS",
                                                         "LISTEN_FDNAMES", "WATCHDOG_PID",  "WATCHDOG_USEC",
                                                         "INVOCATION_ID",  "MINIINIT_UNIT", "JOURNAL_STREAM"};

void pass(Environment& to, const std::vector<std::string>& names, const std::vector<std::string>& ours) {
    for (const std::string& name : names)
        for (std::string_view entry : ours) {
            std::size_t at = entry.find('=');
            if (at == std::string_view::npos)
                continue;
            std::string_view key = entry.substr(0, at);
            if (key == name || (name == "*" && std::ranges::find(not_for_others, key) == not_for_others.end()))
                to.set(key, entry.substr(at + 1));
        }
}

// What the programs of a user expect to know of him.
const std::vector<std::string> of_a_session{"HOME",
                                            "USER",
                                            "LOGNAME",
                                            "SHELL",
                                            "LANG",
                                            "XDG_RUNTIME_DIR",
                                            "XDG_CONFIG_HOME",
                                            "XDG_STATE_HOME",
                                            "XDG_DATA_HOME",
                                            "XDG_CACHE_HOME",
                                            "DBUS_SESSION_BUS_ADDRESS"};

void set_account(Environment& to, const os::User& user, const std::string& name) {
    to.set("HOME", user.home);
    to.set("USER", name);
    to.set("LOGNAME", name);
    to.set("SHELL", user.shell);
}

// Whether that is who we are already. Then there is nothing to change, which would take a privilege that a container without root
// does not have.
bool are_ours(uid_t user, gid_t group, std::vector<gid_t> groups) {
    if (user == 0 || user != ::geteuid() || group != ::getegid())
        return false;
    std::vector<gid_t> own(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
    if (::getgroups(static_cast<int>(own.size()), own.data()) != static_cast<int>(own.size()))
        return false;
    for (std::vector<gid_t>* set : {&own, &groups}) {
        std::erase(*set, group);
        std::ranges::sort(*set);
    }
    return own == groups;
}

std::expected<void, NoStart> choose_user(os::Plan& plan, Environment& environment, const core::Unit& unit,
                                         Surroundings& surroundings) {
    const Process& process = *unit.process;
    os::Accounts& accounts = surroundings.accounts;
    const std::string name_of_user = core::account_of(unit);
    if (name_of_user.empty() && process.group.empty() && process.supplementary_groups.empty())
        return {};
    std::vector<gid_t> groups;
    if (!name_of_user.empty()) {
        auto user = surroundings.user_of(unit);
        if (!user)
            return std::unexpected(NoStart("user", name_of_user, user.error()));
        plan.user = user->uid;
        plan.group = user->gid;
        plan.user_name = name_of_user;
        if (auto of = accounts.groups_of(*user))
            groups = std::move(*of);
        else
            return std::unexpected(
                NoStart("groups of user \"" + name_of_user + "\": " + of.error().text(), of.error().code));
        set_account(environment, *user, user->name.empty() ? name_of_user : user->name);
    }
    auto resolve = [&](const std::string& name) -> std::expected<gid_t, NoStart> {
        auto group = accounts.group(name);
        if (!group && process.dynamic_user && name == name_of_user)
            group = *plan.group; // made up with the user
        if (!group)
            return std::unexpected(NoStart("group", name, group.error()));
        return *group;
    };
    if (!process.group.empty()) {
        auto group = resolve(process.group);
        if (!group)
            return std::unexpected(group.error());
        plan.group = *group;
        if (!groups.empty())
            groups.front() = *group; // the user's own group comes first
    }
    for (const std::string& name : process.supplementary_groups) {
        auto group = resolve(name);
        if (!group)
            return std::unexpected(group.error());
        if (std::find(groups.begin(), groups.end(), *group) == groups.end())
            groups.push_back(*group);
    }
    if (are_ours(plan.user.value_or(::geteuid()), plan.group.value_or(::getegid()), groups)) {
        plan.user.reset();
        plan.group.reset();
    } else {
        plan.groups = std::move(groups);
    }
    return {};
}

std::expected<void, NoStart> connect_output(Launch& launch, Output output, const std::string& path, int target,
                                            int socket, Fd& read_end) {
    if (output == Output::socket && socket < 0)
        output = Output::log; // a command around the one that has the socket
    switch (output) {
    case Output::log: {
        auto pipe = log_pipe(launch, target);
        if (!pipe)
            return std::unexpected(pipe.error());
        read_end = std::move(*pipe);
        break;
    }
    case Output::console:
        launch.plan.opens.push_back({.path = "/dev/console", .flags = O_WRONLY | O_NOCTTY, .target = target});
        break;
    case Output::null: launch.plan.moves.push_back({os::null_device, target}); break;
    case Output::file:
        launch.plan.opens.push_back(
            {.path = path, .flags = O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY, .mode = 0640, .target = target});
        break;
    case Output::socket: launch.plan.moves.push_back({socket, target}); break;
    case Output::inherit: break; // as ours are
    }
    return {};
}

std::expected<void, NoStart> connect(Launch& launch, const Process* process, bool entry, int socket) {
    static const Process clean;
    const Process& wanted = process != nullptr ? *process : clean;
    os::Plan& plan = launch.plan;
    bool on_terminal = wanted.input == Input::tty && !wanted.tty.empty();
    if (!wanted.tty.empty()) {
        plan.terminal = os::Terminal{.path = wanted.tty};
        plan.terminal->onto = {on_terminal, on_terminal && wanted.output == Output::inherit,
                               on_terminal && wanted.error == Output::inherit};
    }
    if (entry) {
        plan.shell_for_scripts = true;
        plan.session = os::Session::group;
        plan.foreground = ::isatty(0) == 1 ? 0 : -1;
        return {};
    }
    switch (wanted.input) {
    case Input::null: plan.moves.push_back({os::null_device, 0}); break;
    case Input::socket: plan.moves.push_back({socket < 0 ? os::null_device : socket, 0}); break;
    case Input::file:
        plan.opens.push_back({.path = wanted.input_path, .flags = O_RDONLY | O_NOCTTY, .target = 0});
        break;
    case Input::tty:
        if (!on_terminal)
            plan.moves.push_back({os::null_device, 0});
        break;
    }
    if (auto done = connect_output(launch, wanted.output, wanted.output_path, 1, socket, launch.out); !done)
        return done;
    return connect_output(launch, wanted.error, wanted.error_path, 2, socket, launch.err);
}

// Descriptors from 3 on, and the variables that tell of them.
std::expected<void, NoStart> hand_over(os::Plan& plan, Environment& environment, const core::Unit& unit,
                                       const Handed& handed) {
    if (!handed.remote.address.empty())
        environment.set("REMOTE_ADDR", handed.remote.address);
    if (handed.remote.port != 0)
        environment.set("REMOTE_PORT", std::to_string(handed.remote.port));
    if (handed.listed.empty())
        return {};
    std::string names;
    int target = 3;
    for (const Handed::Named& one : handed.listed) {
        // The reader sees to it for sockets; what a service leaves with us may be more.
        if (unit.service.type == core::ServiceType::notify_fd && unit.service.ready_fd == target)
            return std::unexpected("its ready-fd " + std::to_string(target) + " is where it finds \"" + one.name +
                                   "\"");
        plan.moves.push_back({one.fd, target++});
        names += (names.empty() ? "" : ":") + one.name;
    }
    environment.set("LISTEN_FDS", std::to_string(handed.listed.size()));
    environment.set("LISTEN_FDNAMES", names);
    environment.set_own_pid("LISTEN_PID");
    return {};
}

// What every process of the unit begins with.
Environment first_environment(const core::Unit& unit, const std::string& invocation, bool entry,
                              const Surroundings& surroundings) {
    Environment environment = surroundings.base_for(unit.process.get());
    if (entry) // it takes our place in all but name: everything we were told is meant for it
        for (std::string_view variable : surroundings.environment)
            if (std::size_t at = variable.find('='); at != std::string_view::npos)
                environment.set(variable.substr(0, at), variable.substr(at + 1));
    environment.set("MINIINIT_UNIT", unit.name);
    environment.set("INVOCATION_ID", invocation);
    return environment;
}

std::expected<void, NoStart> add_ready_pipe(Launch& launch, int target) {
    auto pipe = os::make_pipe();
    if (!pipe)
        return std::unexpected(NoStart(pipe.error()));
    // Also read when it is late, so that its readiness is not missed: then there may be nothing to read.
    if (Result<> done = os::set_blocking(pipe->read.get(), false); !done)
        return std::unexpected(NoStart(done.error()));
    launch.plan.moves.push_back({pipe->write.get(), target});
    launch.ready = std::move(pipe->read);
    launch.theirs.push_back(std::move(pipe->write));
    return {};
}

std::vector<os::Secret> secrets(const std::vector<std::pair<std::string, std::string>>& said) {
    std::vector<os::Secret> all;
    for (const auto& [name, path] : said)
        all.push_back({name, path});
    return all;
}

// What the process reads itself: we never see what is in the files. The directory goes with the run; so does what was in it.
void add_secrets(Launch& launch, Environment& environment, const core::Unit& unit, const Surroundings& surroundings) {
    const Process& process = *unit.process;
    os::Plan& plan = launch.plan;
    plan.environment_from = secrets(process.environment_from);
    for (const os::Secret& variable : plan.environment_from)
        environment.set(variable.name, "");
    if (process.credentials.empty())
        return;
    const os::Directory above{.base = surroundings.run_directory,
                              .components = {std::string(credentials_directory.substr(1))},
                              .owner = ::geteuid(),
                              .group = ::getegid(),
                              .make_base = true,
                              .ours = true};
    plan.credentials = os::Credentials{.above = above.path(),
                                       .name = unit.name,
                                       .files = secrets(process.credentials),
                                       .owner = plan.user.value_or(::geteuid()),
                                       .group = plan.group.value_or(::getegid())};
    plan.directories.push_back(above);
    const std::string path = above.path() + "/" + unit.name;
    launch.temporary.push_back(path);
    environment.set("CREDENTIALS_DIRECTORY", path);
}

// A limit of the same resource that comes later replaces the earlier one.
void add_limits(std::vector<os::Limit>& to, const std::vector<core::Limit>& more) {
    for (const core::Limit& limit : more) {
        auto same =
            std::find_if(to.begin(), to.end(), [&](const os::Limit& l) { return l.resource == limit.resource; });
        if (same == to.end())
            same = to.insert(to.end(), os::Limit{});
        *same = os::reachable({limit.resource, limit.soft, limit.hard});
    }
}

} // namespace

std::expected<Fd, NoStart> log_pipe(Launch& launch, int target) {
    auto pipe = os::make_pipe();
    if (!pipe)
        return std::unexpected(NoStart(pipe.error()));
    // So that the service can open /dev/stdout again after it has dropped its privileges.
    if (launch.plan.user && ::fchown(pipe->write.get(), *launch.plan.user, launch.plan.group.value_or(-1)) != 0)
        return std::unexpected(NoStart(Fault{errno, "give log pipe to user", launch.plan.user_name}));
    launch.plan.moves.push_back({pipe->write.get(), target});
    launch.theirs.push_back(std::move(pipe->write));
    return std::move(pipe->read);
}

std::vector<std::string> Surroundings::passed_on() const {
    if (settings->pass_environment)
        return *settings->pass_environment;
    return mode == Mode::container ? std::vector<std::string>{"*"} : std::vector<std::string>{};
}

Result<os::User> Surroundings::user_of(const core::Unit& unit) {
    const std::string name = core::account_of(unit);
    Result<os::User> user = accounts.user(name);
    if (user || !unit.process->dynamic_user || user.error().code != ENOENT)
        return user;
    auto number = os::dynamic_user(run_directory + "/dynamic-users", name);
    if (!number)
        return std::unexpected(number.error());
    if (auto other = accounts.user(std::to_string(*number)); other && !other->name.empty())
        return std::unexpected(Fault{EBUSY, "make it up", std::to_string(*number) + ", which is " + other->name});
    return os::User{.name = name, .uid = *number, .gid = *number, .home = "/", .shell = "/usr/sbin/nologin"};
}

void Surroundings::refresh() {
    base_of_own_choice = {};
    base_of_own_choice.set("PATH", settings->path);
    if (mode == Mode::user) {
        // Whose manager it is, as with `user`; and where that user's files and session are.
        if (auto user = accounts.user(std::to_string(::geteuid())); user && !user->name.empty())
            set_account(base_of_own_choice, *user, user->name);
        pass(base_of_own_choice, of_a_session, environment);
    }
    base = base_of_own_choice;
    pass(base, passed_on(), environment);
    // What the configuration says in so many words wins over what is merely passed on.
    for (os::StringList* list : {&base_of_own_choice, &base}) {
        if (settings->path_said)
            list->set("PATH", settings->path);
        if (settings->language)
            list->set("LANG", *settings->language);
        for (const auto& [key, value] : settings->environment)
            list->set(key, value);
    }
}

namespace {

// The home directory of the user that the unit runs as.
std::string home_of(const core::Unit& unit, Surroundings& surroundings) {
    auto user = core::account_of(unit).empty() ? surroundings.accounts.user(std::to_string(::geteuid()))
                                               : surroundings.user_of(unit);
    return user ? user->home : "/";
}

// The last word on the environment: these it does not get, wherever they come from.
void take_out(os::Plan& plan, Environment& environment, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        environment.remove(name);
        std::erase_if(plan.environment_from, [&name](const os::Secret& secret) { return secret.name == name; });
    }
}

// What the table [process] of the unit says, but for confinement and limits.
std::expected<void, NoStart> set_process(Launch& launch, Environment& environment, const core::Unit& unit,
                                         const StartFiles& files, Surroundings& surroundings) {
    os::Plan& plan = launch.plan;
    const Process& process = *unit.process;
    if (auto done = choose_user(plan, environment, unit, surroundings); !done)
        return done;
    if (process.pass_environment)
        pass(environment, *process.pass_environment, surroundings.environment);
    // The files last: they are the administrator's, who overrides with them what the unit sets.
    for (const auto& [key, value] : process.environment)
        environment.set(key, value);
    for (const auto& [key, value] : files.variables)
        environment.set(key, value);
    add_secrets(launch, environment, unit, surroundings);
    plan.ignore_sigpipe = process.ignore_sigpipe;
    if (process.umask)
        plan.umask = *process.umask;
    plan.directory = process.working_directory == "~" ? home_of(unit, surroundings) : process.working_directory;
    plan.nice = process.nice;
    plan.oom_score = process.oom_score_adjust;
    plan.no_new_privileges = process.no_new_privileges;
    return {};
}

// A command with a '+' before it runs as we do, and sees the machine as we do. What was made for the service (directories,
// credentials, its environment) is there for it, too, and belongs to the service's user.
void set_free(os::Plan& plan) {
    plan.user.reset();
    plan.group.reset();
    plan.groups.reset();
    plan.user_name.clear();
    plan.no_new_privileges = false;
    plan.keeping.reset();
    plan.filter.reset();
    plan.mounting.reset();
    plan.root.clear();
}

} // namespace

std::expected<Launch, NoStart> prepare(const core::Unit& unit, const core::Command& command, bool main,
                                       const std::string& invocation, bool entry, Surroundings& surroundings,
                                       const StartFiles& files, const Handed& handed) {
    Launch launch;
    os::Plan& plan = launch.plan;
    const Process* process = unit.process.get();
    const core::ManagerSettings& settings = *surroundings.settings;

    const bool notifies = !surroundings.notify.empty() && core::heard_of(unit.service) != core::NotifyAccess::none;
    Environment environment = first_environment(unit, invocation, entry, surroundings);
    if (notifies)
        environment.set("NOTIFY_SOCKET", surroundings.notify);
    if (main && unit.service.watchdog > Span{0}) {
        auto micros = std::chrono::duration_cast<std::chrono::microseconds>(unit.service.watchdog);
        environment.set("WATCHDOG_USEC", std::to_string(micros.count()));
        environment.set_own_pid("WATCHDOG_PID");
    }
    if (process != nullptr) {
        if (auto done = set_process(launch, environment, unit, files, surroundings); !done)
            return std::unexpected(done.error());
        if (process->confinement)
            if (auto done = confine(launch, environment, unit, invocation, notifies, surroundings); !done)
                return std::unexpected(done.error());
    }

    launch.privileged = !main && core::is_privileged(command);
    if (launch.privileged)
        set_free(plan);
    if (auto done = hand_over(plan, environment, unit, handed); !done)
        return std::unexpected(done.error());

    plan.limits = surroundings.limits;
    add_limits(plan.limits, settings.limits);
    if (process != nullptr) {
        take_out(plan, environment, process->unset_environment);
        add_limits(plan.limits, process->limits);
    }

    plan.file = files.program;
    plan.arguments.add(main ? std::string_view(command.front()) : core::program_of(command));
    for (const std::string& argument : std::span(command).subspan(1))
        plan.arguments.add(argument);
    plan.environment = std::move(environment);
    if (auto done = connect(launch, process, entry, handed.stream); !done)
        return std::unexpected(done.error());
    if (goes_without(process, surroundings.mode))
        surroundings.refusals.leave_out(launch);
    if (main && unit.service.type == core::ServiceType::notify_fd)
        if (auto done = add_ready_pipe(launch, unit.service.ready_fd); !done)
            return std::unexpected(done.error());
    return launch;
}

} // namespace mi::daemon
