// [Service] but for its commands: when it is up, when it is started again, how it is stopped.
#include "base/join.hpp"
#include "base/signals.hpp"
#include "config/syntax.hpp"
#include "convert/draft.hpp"
#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

constexpr Table here = Table::service;

std::string duration(const Time& time) { return time.infinite ? "0" : config::duration_text(time.span); }

class Service {
public:
    explicit Service(Draft& draft) : draft_(draft) {}

    void run() {
        draft_.sheet.open(here);
        drops_itself();
        type();
        pid_file();
        restart();
        success();
        actions();
        timeouts();
        killing();
        watchdog();
    }

private:
    void say(const Assignment* of, Weight weight, std::string_view why) {
        if (of != nullptr)
            draft_.say(*of, here, weight, why);
    }
    std::optional<Time> time_of(const Assignment* of) {
        if (of == nullptr)
            return std::nullopt;
        std::optional<Time> time = time_span(of->value);
        if (!time)
            say(of, Weight::lost, "it is no span of time");
        return time;
    }

    // `!` or `+` before the program: the user is the one that it goes over to by itself.
    void drops_itself() {
        const Assignment* command = draft_.last("ExecStart");
        const Assignment* user = draft_.last("User");
        if (command == nullptr || user == nullptr || user->value == "root" || user->value == "0")
            return;
        const std::string_view prefixes =
            std::string_view(command->value).substr(0, command->value.find_first_not_of("-@:+! "));
        draft_.own_drop = prefixes.find_first_of("+!") != std::string_view::npos;
    }

    // --- type -----------------------------------------------------------------------------------------------------------

    void type() {
        const Assignment* given = draft_.last("Type");
        const Assignment* bus = draft_.last("BusName");
        const Assignment* remain = draft_.last("RemainAfterExit");
        const Assignment* access = draft_.last("NotifyAccess");
        const Assignment* guess = draft_.last("GuessMainPID");
        pid_file_ = draft_.last("PIDFile");
        remains_ = remain != nullptr && draft_.truth(*remain, here).value_or(false);
        std::string type = given != nullptr           ? given->value
                           : bus != nullptr           ? "dbus"
                           : !draft_.has("ExecStart") ? "oneshot"
                                                      : "simple";
        if (draft_.accepts)
            type = accepted(given);
        else if (type == "forking")
            type = forking(given);
        else if (type == "dbus")
            say(given != nullptr ? given : bus, Weight::near,
                "it is up once its program runs; its name on the bus is not waited for");
        else if (type == "idle")
            say(given, Weight::note, "the console is not shared: it starts like any other");
        else if (type != "simple" && type != "exec" && type != "oneshot" && type != "notify" && type != "notify-reload")
            say(given, Weight::lost, "there is no such type; it is taken for simple");
        if (bus != nullptr && given != nullptr)
            say(bus, Weight::note, "nothing is started by the bus");
        if (remains_ && type != "oneshot" && type != "forking")
            type = "oneshot", say(remain, Weight::near, "a oneshot stays done, but is waited for until it has ended");
        draft_.oneshot = type == "oneshot";
        draft_.was_oneshot = draft_.oneshot && (given == nullptr || given->value != "forking");
        forks_ = type == "forking";
        const bool notifies = type == "notify" || type == "notify-reload";
        if (type == "oneshot" || type == "forking" || notifies)
            draft_.sheet.set_text(here, "type", notifies ? "notify" : type);
        notify_access(access, notifies);
        if (guess != nullptr)
            say(guess, Weight::note, "the main process is never guessed");
        if (const Assignment* signal = draft_.last("ReloadSignal"); signal != nullptr && type == "notify-reload")
            set_signal(*signal, "reload-signal");
        else
            say(signal, Weight::lost, "it is for Type=notify-reload");
    }

    std::string accepted(const Assignment* given) {
        if (given != nullptr && given->value != "simple" && given->value != "exec")
            say(given, Weight::near, "the process of a connection is not waited for");
        return "simple";
    }

    // With a PID file, or as a oneshot whose children are left alone.
    std::string forking(const Assignment* given) {
        if (pid_file_ != nullptr && !remains_)
            return "forking";
        if (remains_ && pid_file_ == nullptr)
            return "oneshot"; // what it leaves behind runs until it is stopped
        if (std::string guessed = pid_file_of_command(); !guessed.empty() && pid_file_ == nullptr) {
            draft_.sheet.set_text(Table::process, "pid-file", guessed);
            say(given, Weight::near, "without PIDFile=: its PID file is taken from the command line");
            return "forking";
        }
        if (pid_file_ != nullptr)
            return "forking";
        say(given, Weight::lost,
            "without PIDFile= its main process is not known: as a oneshot it is started and stopped, but not watched");
        return "oneshot";
    }

    // An argument that can only be that: /…/NAME.pid.
    std::string pid_file_of_command() {
        const Assignment* command = draft_.last("ExecStart");
        if (command == nullptr)
            return {};
        for (std::string_view word : blank_separated(command->value)) {
            if (std::size_t equals = word.find("=/"); word.starts_with("-") && equals != word.npos)
                word.remove_prefix(equals + 1);
            else if (std::size_t slash = word.find('/'); word.starts_with("-") && slash == 2)
                word.remove_prefix(2);
            if (word.starts_with('/') && word.ends_with(".pid") && word.find_first_of("'\"\\$%") == word.npos)
                return std::string(word);
        }
        return {};
    }

    void notify_access(const Assignment* access, bool notifies) {
        if (access == nullptr)
            return;
        if (!notifies)
            return say(access, access->value == "none" ? Weight::note : Weight::near,
                       "only a service of the type notify is listened to");
        if (access->value == "all" || access->value == "exec")
            draft_.sheet.set_text(here, "notify-access", access->value);
        else if (access->value == "none")
            say(access, Weight::near, "the main process is listened to");
        else if (access->value != "main")
            say(access, Weight::lost, "there is no such value");
    }

    void pid_file() {
        if (pid_file_ == nullptr)
            return;
        if (!forks_)
            return say(pid_file_, Weight::note, "the main process is known without it");
        std::optional<std::string> path = draft_.text(*pid_file_, here);
        if (!path) {
            draft_.sheet.set_text(here, "type", "oneshot");
            draft_.oneshot = true;
            return;
        }
        draft_.sheet.set_text(Table::process, "pid-file", path->starts_with('/') ? *path : "/run/" + *path);
    }

    // --- restart --------------------------------------------------------------------------------------------------------

    void restart() {
        const Assignment* given = draft_.last("Restart");
        std::string_view word = given != nullptr ? std::string_view(given->value) : "no";
        std::string_view ours = word;
        if (word == "on-success") {
            ours = "always";
            say(given, Weight::near, "`always` restarts it after failures, too");
        } else if (word == "on-abort" || word == "on-watchdog") {
            ours = "on-abnormal";
            say(given, Weight::near, "`on-abnormal` restarts it after every signal and every timeout");
        } else if (word != "no" && word != "on-failure" && word != "on-abnormal" && word != "always") {
            ours = "no";
            say(given, Weight::lost, "there is no such value");
        }
        if (draft_.oneshot && ours == "always") {
            ours = "on-failure";
            say(given, Weight::near, "a oneshot is not started again after success");
        }
        never_ = ours == "no";
        always_ = ours == "always";
        if (draft_.accepts) {
            never_ = true;
            if (word != "no")
                say(given, Weight::note, "the process of a connection ends with it");
        } else if (!(draft_.oneshot && never_)) {
            draft_.sheet.set_text(here, "restart", ours);
        }
        pace();
        for (std::string_view key : {"RestartPreventExitStatus", "RestartForceExitStatus"})
            for (const Assignment* each : draft_.all(key))
                say(each, never_ ? Weight::note : Weight::lost,
                    never_ ? "it is never started again" : "`restart` and `success-exit` alone decide about restarts");
    }

    const Assignment* either(std::string_view key, std::string_view older = {}) {
        const Assignment* found = draft_.last(draft_.main(), "Unit", key);
        for (std::string_view name : {key, older})
            if (const Assignment* other = name.empty() ? nullptr : draft_.last(name); found == nullptr)
                found = other;
        if (const Assignment* other = older.empty() ? nullptr : draft_.last(draft_.main(), "Unit", older);
            found == nullptr)
            found = other;
        return found;
    }

    // RestartSec is the pause, always the same; past StartLimitBurst starts in StartLimitIntervalSec it is given up.
    void pace() {
        const Assignment* delay = draft_.last("RestartSec");
        const Assignment* steps = draft_.last("RestartSteps");
        const Assignment* longest = draft_.last("RestartMaxDelaySec");
        const Assignment* interval = either("StartLimitIntervalSec", "StartLimitInterval");
        const Assignment* burst = either("StartLimitBurst");
        const Assignment* action = either("StartLimitAction");
        if (never_) {
            for (const Assignment* each : {delay, steps, longest, interval, burst, action})
                say(each, Weight::note, "it is never started again");
            return;
        }
        say(steps, Weight::near, "`restart-delay-max` sets how far the pause grows, twice as long each time");
        std::optional<Time> pause = time_of(delay), within = time_of(interval), most = time_of(longest);
        std::int64_t count = 5;
        if (burst != nullptr) {
            std::optional<std::int64_t> number = whole(burst->value);
            if (number && *number >= 0 && *number <= 1'000'000)
                count = *number;
            else
                say(burst, Weight::lost, "it is no number of starts");
        }
        if (pause && pause->infinite)
            pause.reset(), say(delay, Weight::lost, "a pause without an end is no restart");
        const Span wait = pause ? pause->span : std::chrono::milliseconds(100);
        const Span window = within ? (within->infinite ? Span::max() : within->span) : std::chrono::seconds(10);
        const bool limited = window != Span{0} && count != 0;
        // How long a run and its pause may be for the limit to be reached at all.
        const Span cycle = !limited ? Span{0} : std::min<Span>(window / count, std::chrono::hours(24 * 365));
        if (pause)
            draft_.sheet.set_text(here, "restart-delay", config::duration_text(wait));
        if (most && !most->infinite)
            draft_.sheet.set_text(here, "restart-delay-max", config::duration_text(std::max(most->span, wait)));
        if (!limited || wait >= cycle) {
            if (pause || interval != nullptr || burst != nullptr) {
                if (!most && pause)
                    draft_.sheet.set_text(here, "restart-delay-max", config::duration_text(wait));
                draft_.sheet.set(here, "restart-limit", "0");
            }
        } else if (interval != nullptr || burst != nullptr) {
            if (!most)
                draft_.sheet.set_text(here, "restart-delay-max", config::duration_text(cycle));
            draft_.sheet.set(here, "restart-limit", std::to_string(std::max<std::int64_t>(count - 1, 1)));
        }
        limit_action(action);
    }

    void limit_action(const Assignment* action) {
        if (action == nullptr || action->value == "none")
            return;
        const std::string_view word = action->value;
        if (word.starts_with("reboot")) {
            draft_.sheet.set_text(here, "restart-limit-action", "reboot");
        } else if (word.starts_with("poweroff") || word.starts_with("exit") || word.starts_with("halt")) {
            draft_.sheet.set_text(here, "restart-limit-action", "shutdown");
        } else {
            return say(action, Weight::lost, "there is no such action");
        }
        if (word.ends_with("-force") || word.ends_with("-immediate"))
            say(action, Weight::near, "everything is stopped in order first");
    }

    // --- its end --------------------------------------------------------------------------------------------------------

    void success() {
        std::vector<std::string> ends = {"0"};
        auto add = [&](std::string end) {
            if (std::find(ends.begin(), ends.end(), end) == ends.end())
                ends.push_back(std::move(end));
        };
        bool given = false;
        for (const Assignment* each : draft_.all("SuccessExitStatus"))
            for (std::string_view word : blank_separated(each->value)) {
                std::optional<std::int64_t> code = whole(word);
                if (!code)
                    code = exit_status(word);
                if (code && *code >= 0 && *code <= 255)
                    add(std::to_string(*code));
                else if (std::optional<int> signal = code ? std::nullopt : signal_number(word))
                    add(quoted(signal_name(*signal)));
                else
                    say(each, Weight::lost, std::string(word) + " is no exit status that is known");
                given = true;
            }
        // What systemd takes for a clean end of a daemon, whoever sent the signal.
        if (!draft_.oneshot && !draft_.accepts && (given || !always_))
            for (std::string_view signal : {"SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"})
                add(quoted(signal));
        if (ends.size() == 1)
            return;
        draft_.sheet.set(here, "success-exit", "[" + join(ends) + "]");
    }

    void actions() {
        const Assignment* failure = draft_.last(draft_.main(), "Unit", "FailureAction");
        const Assignment* good = draft_.last(draft_.main(), "Unit", "SuccessAction");
        if (failure == nullptr)
            failure = draft_.last("FailureAction");
        for (const Assignment** each : {&failure, &good})
            if (*each != nullptr && (*each)->value == "none")
                *each = nullptr;
        if (failure == nullptr && good == nullptr)
            return;
        auto action = [](const Assignment* of) -> std::string_view {
            if (of == nullptr)
                return {};
            const std::string_view word = of->value;
            return word.starts_with("reboot")                                 ? "reboot"
                   : word.starts_with("poweroff") || word.starts_with("halt") ? "poweroff"
                   : word.starts_with("exit")                                 ? "shutdown"
                                                                              : "";
        };
        if (failure != nullptr && good != nullptr && action(failure) == action(good) && !action(good).empty())
            return draft_.sheet.set_text(here, "exit-action", action(good));
        for (const Assignment* each : {failure, good})
            say(each, Weight::lost, "`exit-action` is for success and failure alike");
    }

    // --- time and signals -----------------------------------------------------------------------------------------------

    void timeouts() {
        const Assignment* both = draft_.last("TimeoutSec");
        const Assignment* start = draft_.last("TimeoutStartSec");
        const Assignment* stop = draft_.last("TimeoutStopSec");
        if (std::optional<Time> time = time_of(start != nullptr ? start : both))
            draft_.sheet.set_text(here, "start-timeout", duration(*time));
        else if (draft_.was_oneshot)
            draft_.sheet.set_text(here, "start-timeout", "0"); // as long as it takes
        if (std::optional<Time> time = time_of(stop != nullptr ? stop : both))
            draft_.sheet.set_text(here, "stop-timeout", duration(*time));
        else if (!draft_.oneshot || draft_.has("ExecStop"))
            draft_.sheet.set_text(here, "stop-timeout", "1min30s");
        for (std::string_view key : {"TimeoutStartFailureMode", "TimeoutStopFailureMode"})
            if (const Assignment* mode = draft_.last(key); mode != nullptr && mode->value != "terminate")
                say(mode, Weight::lost, "past a timeout comes the stop signal, and then SIGKILL");
        if (const Assignment* most = draft_.last("RuntimeMaxSec"); most != nullptr && most->value != "infinity")
            say(most, Weight::lost, "a service may run for ever; `timeout` of coreutils bounds a command");
    }

    void set_signal(const Assignment& of, std::string_view key) {
        if (std::optional<int> signal = signal_number(of.value))
            draft_.sheet.set_text(here, key, signal_name(*signal));
        else
            say(&of, Weight::lost, "there is no such signal");
    }

    void killing() {
        if (const Assignment* mode = draft_.last("KillMode")) {
            if (mode->value == "mixed" || mode->value == "process")
                draft_.sheet.set_text(here, "kill-mode", mode->value);
            else if (mode->value == "none")
                draft_.sheet.set_text(here, "kill-mode", "process"),
                    say(mode, Weight::near, "the main process is sent the stop signal all the same");
            else if (mode->value != "control-group")
                say(mode, Weight::lost, "there is no such value");
        }
        if (const Assignment* signal = draft_.last("KillSignal"); signal != nullptr && signal->value != "SIGTERM")
            set_signal(*signal, "stop-signal");
        if (const Assignment* signal = draft_.last("RestartKillSignal");
            signal != nullptr && signal->value != "SIGTERM")
            say(signal, Weight::lost, "a restart stops it like any stop");
        if (const Assignment* signal = draft_.last("FinalKillSignal"); signal != nullptr && signal->value != "SIGKILL")
            say(signal, Weight::lost, "what does not obey gets SIGKILL");
        if (const Assignment* hangup = draft_.last("SendSIGHUP");
            hangup != nullptr && draft_.truth(*hangup, here) == true)
            say(hangup, Weight::lost, "`stop-signal` is one signal");
        if (const Assignment* kill = draft_.last("SendSIGKILL");
            kill != nullptr && draft_.truth(*kill, here) == false) {
            draft_.sheet.set_text(here, "stop-timeout", "0");
            say(kill, Weight::near, "a stop waits for it, for ever");
        }
    }

    void watchdog() {
        const Assignment* span = draft_.last("WatchdogSec");
        if (std::optional<Time> time = time_of(span); time && !time->infinite && time->span != Span{0}) {
            if (draft_.oneshot || draft_.accepts)
                say(span, Weight::lost, "a oneshot has no watchdog");
            else
                draft_.sheet.set_text(here, "watchdog", duration(*time));
        }
        if (const Assignment* signal = draft_.last("WatchdogSignal"); signal != nullptr && signal->value != "SIGABRT")
            say(signal, Weight::lost, "a watchdog that was missed sends SIGABRT");
        if (const Assignment* wait = draft_.last("TimeoutAbortSec"))
            say(wait, Weight::near, "`stop-timeout` bounds that as well");
    }

    Draft& draft_;
    const Assignment* pid_file_ = nullptr;
    bool forks_ = false, remains_ = false, never_ = false, always_ = false;
};

} // namespace

void convert_service(Draft& draft) { Service(draft).run(); }

} // namespace mi::convert
