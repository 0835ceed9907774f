// Converts [Service] without its commands: type, restarts, timeouts, stopping.
#include "base/signals.hpp"
#include "config/syntax.hpp"
#include "convert/step.hpp"

namespace mi::convert {

namespace {

std::string duration(const Time& time) { return time.infinite ? "0" : config::duration_text(time.span); }

// The value of `exit-action` for an action of systemd; empty if there is none.
std::string_view exit_action(std::string_view word) {
    return word.starts_with("reboot")                                 ? "reboot"
           : word.starts_with("poweroff") || word.starts_with("halt") ? "poweroff"
           : word.starts_with("exit")                                 ? "shutdown"
                                                                      : "";
}

class ServiceStep : ConversionStep {
public:
    explicit ServiceStep(const UnitSource& source) : ConversionStep(source, Table::service) {}

    Service run() {
        out_.toml.open(Table::service);
        type();
        notify_access();
        pid_file();
        restart();
        success();
        actions();
        timeouts();
        killing();
        out_of_memory();
        watchdog();
        return {std::move(out_), std::move(type_), was_oneshot_};
    }

private:
    bool is_oneshot() const { return type_ == "oneshot"; }
    bool notifies() const { return type_.starts_with("notify"); }

    std::optional<Time> time_of(const Assignment& of) {
        const std::optional<Time> time = time_span(of.value);
        if (!time)
            lost(of, "it is no span of time");
        return time;
    }

    // --- type -----------------------------------------------------------------------------------------------------------

    void type() {
        const Assignment& given = last("Type");
        const Assignment& bus = last("BusName");
        const Assignment& remain = last("RemainAfterExit");
        const bool remains = is_yes(remain);
        type_ = given.value_or(bus.is_set() ? "dbus" : source_.value("ExecStart").empty() ? "oneshot" : "simple");
        const bool forks = type_ == "forking";
        if (source_.accepts) {
            if (given.is_set() && !is_one_of(type_, "simple exec"))
                near(given, "the process of a connection is not waited for");
            type_ = "simple";
        } else if (forks) {
            type_ = forking(remains);
        } else if (type_ == "dbus") {
            near(given.is_set() ? given : bus, "it is up once its program runs; its name on the bus is not waited for");
        } else if (type_ == "idle") {
            note(given, "the console is not shared: it starts like any other");
        } else if (!is_one_of(type_, "simple exec oneshot notify notify-reload")) {
            lost(given, "there is no such type; it is taken for simple");
        }
        if (given.is_set())
            note(bus, "nothing is started by the bus");
        if (remains && !is_one_of(type_, "oneshot forking")) {
            type_ = "oneshot";
            near(remain, "a oneshot stays done, but is waited for until it has ended");
        }
        was_oneshot_ = is_oneshot() && !forks;
        if (is_oneshot() || type_ == "forking" || notifies())
            set_text("type", notifies() ? "notify" : type_);
    }

    // The type of a service that forks. One that counts as active when nothing of it is left is a oneshot that stays done.
    std::string forking(bool remains) {
        if (!last("PIDFile").is_set() && remains)
            return "oneshot";
        return "forking";
    }

    void notify_access() {
        const Assignment& access = last("NotifyAccess");
        const std::string& word = access.value;
        if (!notifies())
            say(access, word == "none" ? Weight::note : Weight::near,
                "only a service of the type notify is listened to");
        else if (is_one_of(word, "all exec"))
            set_text("notify-access", word);
        else if (word == "none")
            near(access, "the main process is listened to");
        else if (word != "main")
            lost(access, "there is no such value");
    }

    void pid_file() {
        const Assignment& of = last("PIDFile");
        if (type_ != "forking")
            return note(of, "the main process is known without it");
        if (const std::optional<std::string> path = text(of))
            out_.toml.set(Table::process, "pid-file", quoted(path->starts_with('/') ? *path : "/run/" + *path));
        else if (of.is_set())
            set_text("type", type_ = "oneshot");
    }

    // --- restart --------------------------------------------------------------------------------------------------------

    void restart() {
        const Assignment& given = last("Restart");
        const std::string_view word = given.value_or("no");
        std::string_view ours = word;
        if (word == "on-success") {
            ours = "always";
            near(given, "`always` restarts it after failures, too");
        } else if (is_one_of(word, "on-abort on-watchdog")) {
            ours = "on-abnormal";
            near(given, "`on-abnormal` restarts it after every signal and every timeout");
        } else if (!is_one_of(word, "no on-failure on-abnormal always")) {
            ours = "no";
            lost(given, "there is no such value");
        }
        if (is_oneshot() && ours == "always") {
            ours = "on-failure";
            near(given, "a oneshot is not started again after success");
        }
        always_ = ours == "always";
        const bool never = ours == "no" || source_.accepts;
        if (source_.accepts && word != "no")
            note(given, "the process of a connection ends with it");
        if (!source_.accepts && !(is_oneshot() && never))
            set_text("restart", ours);
        pace(never);
        exceptions("RestartPreventExitStatus", "restart-prevent-exit", never, "it is never started again");
        exceptions("RestartForceExitStatus", "restart-force-exit", source_.accepts || is_oneshot(),
                   "the process of a connection, and a oneshot, is not started again after success");
    }

    // Ends after which Restart= does not decide. `needless`: they change nothing, and `why`.
    void exceptions(std::string_view directive, std::string_view key, bool needless, std::string_view why) {
        std::vector<std::string> ends;
        for (const Assignment& each : all(directive))
            if (needless)
                note(each, why);
            else
                add_exits(ends, each);
        if (!ends.empty())
            set(key, "[" + join(ends) + "]");
    }

    // A directive of [Unit] that older units have in [Service], or under an older name.
    const Assignment& either(std::string_view key, std::string_view older = {}) {
        const Assignment& unit = last(source_.main(), "Unit", key);
        const Assignment& service = last(key);
        const Assignment& found = unit.is_set() ? unit : service;
        return found.is_set() || older.empty() ? found : either(older);
    }

    // Under systemd the pause is always RestartSec, and a service is given up after StartLimitBurst starts within
    // StartLimitIntervalSec. Here the pause doubles up to restart-delay-max, and restart-limit counts restarts without a stable
    // run between them.
    void pace(bool never) {
        const Assignment& delay = last("RestartSec");
        const Assignment& steps = last("RestartSteps");
        const Assignment& longest = last("RestartMaxDelaySec");
        const Assignment& interval = either("StartLimitIntervalSec", "StartLimitInterval");
        const Assignment& burst = either("StartLimitBurst");
        const Assignment& action = either("StartLimitAction");
        if (never) {
            for (const Assignment* each : {&delay, &steps, &longest, &interval, &burst, &action})
                note(*each, "it is never started again");
            return;
        }
        near(steps, "`restart-delay-max` sets how far the pause grows, twice as long each time");
        std::optional<Time> pause = time_of(delay);
        if (pause && pause->infinite) {
            pause.reset();
            lost(delay, "a pause without an end is no restart");
        }
        const Span wait = pause ? pause->span : std::chrono::milliseconds(100);
        if (pause)
            set_text("restart-delay", config::duration_text(wait));
        const std::optional<Time> most = time_of(longest);
        if (most && !most->infinite)
            set_text("restart-delay-max", config::duration_text(std::max(most->span, wait)));
        start_limit(interval, burst, pause.has_value(), wait, most.has_value());
        limit_action(action);
    }

    // `has_pause`, `has_longest`: RestartSec= and RestartMaxDelaySec= are set. `wait`: the pause in force.
    void start_limit(const Assignment& interval, const Assignment& burst, bool has_pause, Span wait, bool has_longest) {
        const std::optional<Time> within = time_of(interval);
        const std::int64_t count = whole_number(burst, 0, 1'000'000).value_or(5);
        const Span window = within ? (within->infinite ? Span::max() : within->span) : std::chrono::seconds(10);
        const bool limited = window != Span{0} && count != 0, given = interval.is_set() || burst.is_set();
        // The most time that a run and its pause may take together; otherwise systemd never reaches its limit.
        const Span cycle = !limited ? Span{0} : std::min<Span>(window / count, std::chrono::hours(24 * 365));
        const bool reached = limited && wait < cycle;
        if (!has_longest && (reached ? given : has_pause))
            set_text("restart-delay-max", config::duration_text(reached ? cycle : wait));
        if (!reached && (has_pause || given))
            set("restart-limit", "0");
        else if (reached && given)
            set("restart-limit", std::to_string(std::max<std::int64_t>(count - 1, 1)));
    }

    void limit_action(const Assignment& action) {
        const std::string_view word = action.value_or("none"), ours = exit_action(word);
        if (word == "none")
            return;
        if (ours.empty())
            return lost(action, "there is no such action");
        set_text("restart-limit-action", ours == "reboot" ? "reboot" : "shutdown");
        if (word.ends_with("-force") || word.ends_with("-immediate"))
            near(action, "everything is stopped in order first");
    }

    // --- how it ends --------------------------------------------------------------------------------------------------------

    // An exit status or a signal as TOML; empty if it is not known.
    static std::string exit_of(std::string_view word) {
        std::optional<std::int64_t> code = whole(word);
        if (!code)
            code = exit_status(word);
        if (code)
            return *code >= 0 && *code <= 255 ? std::to_string(*code) : "";
        const std::optional<int> signal = signal_number(word);
        return signal ? quoted(signal_name(*signal)) : "";
    }

    // True if there is at least one word.
    bool add_exits(std::vector<std::string>& ends, const Assignment& of) {
        const std::vector<std::string_view> words = blank_separated(of.value);
        for (std::string_view word : words)
            if (std::string end = exit_of(word); !end.empty())
                add_once(ends, std::move(end));
            else
                lost(of, std::string(word) + " is no exit status that is known");
        return !words.empty();
    }

    void success() {
        std::vector<std::string> ends = {"0"};
        bool given = false;
        for (const Assignment& each : all("SuccessExitStatus"))
            given = add_exits(ends, each) || given;
        // systemd counts an end by one of these signals as clean, from any sender.
        if (!is_oneshot() && !source_.accepts && (given || !always_))
            for (std::string_view signal : {"SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"})
                add_once(ends, quoted(signal));
        if (ends.size() > 1)
            set("success-exit", "[" + join(ends) + "]");
    }

    void actions() {
        if (is_yes(last(source_.main(), "Unit", "SurviveFinalKillSignal")))
            set_text("switch-root", "keep");
        const Assignment& failure = either("FailureAction");
        const Assignment& success = last(source_.main(), "Unit", "SuccessAction");
        const std::string_view action = exit_action(success.value);
        if (!action.empty() && action == exit_action(failure.value))
            return set_text("exit-action", action);
        for (const Assignment* each : {&failure, &success})
            if (each->value != "none")
                lost(*each, "`exit-action` is for success and failure alike");
    }

    // --- time and signals -----------------------------------------------------------------------------------------------

    void timeouts() {
        const Assignment& both = last("TimeoutSec");
        const Assignment& start = last("TimeoutStartSec");
        const Assignment& stop = last("TimeoutStopSec");
        if (const std::optional<Time> time = time_of(start.is_set() ? start : both))
            set_text("start-timeout", duration(*time));
        else if (was_oneshot_)
            set_text("start-timeout", "0"); // systemd does not limit the start time of a oneshot
        if (const std::optional<Time> time = time_of(stop.is_set() ? stop : both))
            set_text("stop-timeout", duration(*time));
        else if (!is_oneshot() || !source_.value("ExecStop").empty())
            set_text("stop-timeout", "1min30s");
    }

    // Without a limit of memory the kernel kills one process, and with one all of them (memory.oom.group).
    void out_of_memory() {
        const Assignment& of = last("OOMPolicy");
        const bool bounded = !source_.value("MemoryMax").empty() || !source_.value("MemoryLimit").empty();
        if (of.value == "stop")
            near(of, "where one process is killed for its memory, the others go on");
        else if (of.value == "continue" && !bounded)
            note(of, "the others of its processes go on in any case");
        else if (of.value == "kill" && bounded)
            note(of, "with `memory-max` the kernel ends all of them");
        else if (of.value == "continue")
            lost(of, "with `memory-max` the kernel ends all of its processes");
        else if (of.value == "kill")
            lost(of, "without `memory-max` the kernel ends one of its processes, and the others go on");
        else
            lost(of, "there is no such value");
    }

    void killing() {
        const Assignment& mode = last("KillMode");
        if (is_one_of(mode.value, "mixed process none"))
            set_text("kill-mode", mode.value == "mixed" ? "mixed" : "process");
        if (mode.value == "none")
            near(mode, "the main process is sent the stop signal all the same");
        else if (!is_one_of(mode.value, "mixed process control-group"))
            lost(mode, "there is no such value");
        if (const Assignment& kill = last("SendSIGKILL"); truth(kill) == false) {
            set_text("stop-timeout", "0");
            near(kill, "a stop waits for it, for ever");
        }
    }

    void watchdog() {
        const Assignment& span = last("WatchdogSec");
        const std::optional<Time> time = time_of(span);
        if (!time || time->infinite || time->span == Span{0})
            return;
        if (is_oneshot() || source_.accepts)
            lost(span, "a oneshot has no watchdog");
        else
            set_text("watchdog", duration(*time));
    }

    std::string type_;         // "simple", "oneshot", "forking", "notify", "notify-reload", …
    bool was_oneshot_ = false; // it is a oneshot both here and under systemd
    bool always_ = false;      // it restarts after every exit
};

} // namespace

Service convert_service(const UnitSource& source) { return ServiceStep(source).run(); }

} // namespace mi::convert
