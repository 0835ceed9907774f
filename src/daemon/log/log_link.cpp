#include "daemon/log/log_link.hpp"

#include "base/signals.hpp"
#include "core/explain.hpp"
#include "os/socket/syslog_socket.hpp"

#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <variant>

namespace mi::daemon {

namespace logs = wire::logs;

namespace {
constexpr std::size_t messages_a_turn = 64;    // from the collector
constexpr Span soon = std::chrono::seconds(2); // until what the system refused is tried again

constexpr std::ptrdiff_t most_waiting_pipes = 16; // of a unit, with one that hangs for good
} // namespace

wire::logs::Limits log_limits(const core::ManagerSettings& settings, const core::LogSettings* own) {
    static const core::LogSettings nothing;
    const core::LogSettings& mine = own != nullptr ? *own : nothing;
    const auto seconds = [](Span span) {
        return static_cast<std::uint32_t>(std::min<std::int64_t>(span / std::chrono::seconds(1), UINT32_MAX));
    };
    const core::RateLimit rate = mine.rate_limit.value_or(settings.rate_limit);
    return {.rotate_size = mine.rotate_size.value_or(settings.rotate_size),
            .rotate_keep = mine.rotate_keep.value_or(settings.rotate_keep),
            .compress = mine.compress.value_or(settings.compress),
            .rotate_age = seconds(mine.rotate_age.value_or(settings.rotate_age)),
            .rate_limit = rate.lines,
            .rate_seconds = rate.seconds,
            .level = static_cast<Priority>(mine.level.value_or(settings.log_keep_level))};
}

LogLink::LogLink(Kernel& kernel, Listener& listener, Settings settings)
    : kernel_(kernel), listener_(listener), settings_(std::move(settings)),
      streams_(kernel, [this](const LogStream& stream) { health_.closing(stream); }), health_(kernel, streams_),
      socket_(
          kernel, [this] { readable(); }, [this] { write_own_lines(); }, [this](StreamId id) { return pipe_of(id); }),
      own_lines_(kernel), process_(kernel, settings_.program, settings_.console == logs::own_output) {}

Result<> LogLink::start(Instant now) {
    auto launched = launch(now);
    if (!launched)
        process_.try_again_at(now + soon);
    return launched;
}

Result<> LogLink::launch(Instant now) {
    process_.trying(now);
    if (auto equipped = process_.equip(); !equipped)
        return equipped;
    if (own_lines_.fd() < 0) {
        auto pipe = own_lines_.open();
        if (!pipe)
            return std::unexpected(pipe.error());
        attach("miniinit", logs::Source::init, settings_.limits, std::move(*pipe));
    }
    // Before there is a process: two at a time would destroy each other's work, so none may be there that we do not hear.
    auto theirs = socket_.open();
    if (!theirs)
        return std::unexpected(theirs.error());
    if (auto started = process_.start(theirs->get()); !started) {
        socket_.close();
        return started;
    }
    greeted_ = false;
    health_.expect();
    listener_.collector_started();
    return {};
}

StreamId LogLink::attach(const std::string& unit, logs::Source source, const logs::Limits& limits, Fd pipe,
                         pid_t leader, bool forward, std::uint64_t cgroup) {
    // Who sends by syslog(3) is told by the streams that the collector has, so then it is given all.
    const bool of_a_process = source < logs::Source::init;
    return streams_.add({.unit = unit,
                         .source = source,
                         .limits = limits,
                         .pipe = std::move(pipe),
                         .leader = leader,
                         .forward = forward,
                         .cgroup = cgroup},
                        of_a_process && syslog_ == 0 && !finishing_);
}

void LogLink::expect(StreamId id, const std::string& pattern) {
    if (streams_.expect(id, pattern) && greeted_ && !streams_.find(id)->is_held)
        socket_.add(logs::Expect{id, pattern}); // else it is told with the stream
}

// One that has ended meanwhile cannot have: only the collector ends streams that it has, and it has not heard of it.
int LogLink::pipe_of(StreamId id) const {
    const LogStream* stream = streams_.find(id);
    return stream != nullptr ? stream->pipe.get() : own_lines_.fd();
}

bool LogLink::has_last_words(StreamId id) {
    const LogStream* stream = streams_.find(id);
    if (stream != nullptr && stream->is_held) {
        streams_.look_at_held();
        stream = streams_.find(id);
    }
    return stream != nullptr && !stream->is_held;
}

// The collector reads pipes before our lines (logd/own_words.hpp): so it is given those first in which there is something.
void LogLink::write(const std::string& unit, Priority priority, std::string_view text, bool shown) {
    streams_.look_at_held();
    hand_over_new();
    own_lines_.add(unit, priority, text, shown);
    write_own_lines();
}

bool LogLink::line_on_console(Priority priority, std::string_view text) {
    // One that has only been started says it as soon as it can; one that has failed before may never.
    const bool can = process_.pid() != 0 && !process_.has_failed() && !hangs_ && !finishing_;
    const bool shown = can && !settings_.console.empty() && !own_lines_.many_wait();
    write({}, priority, text, shown);
    return shown;
}

// Not while pipes are still on their way, or while a collector that ends reads our lines but is given no pipes any more, unless so
// many lines wait that they would be lost.
void LogLink::write_own_lines() {
    if ((socket_.idle() && !renewing_) || own_lines_.many_wait())
        own_lines_.write();
}

void LogLink::hear_syslog(Fd socket) {
    // The collector reads what is in the old one, and then sees that it has ended.
    if (const LogStream* before = streams_.find(std::exchange(syslog_, 0)))
        os::close_syslog(before->pipe.get());
    if (!socket)
        return;
    syslog_ = attach("syslog", logs::Source::syslog, settings_.limits, std::move(socket));
    streams_.release_held();
}

Result<> LogLink::hear_kernel() {
    if (std::ranges::any_of(streams_.all(), [](const auto& one) { return one.second.source == logs::Source::kernel; }))
        return {};
    Fd device(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!device)
        return fault(errno, "open", "/dev/kmsg");
    attach("kernel", logs::Source::kernel, settings_.limits, std::move(device));
    return {};
}

bool LogLink::has_too_many(const std::string& unit) const {
    return hangs_ && std::ranges::count_if(streams_.all(), [&](const auto& one) { return one.second.unit == unit; }) >=
                         most_waiting_pipes;
}

// Gives the collector the pipes that it is to have: in batches, as one message takes many.
void LogLink::hand_over_new() {
    // Until the collector has said Hello, attaching is hand_over_everything's.
    if (!greeted_ || !streams_.has_new())
        return;
    for (auto batch = streams_.next_batch(); !batch.streams.empty(); batch = streams_.next_batch()) {
        for (StreamId id : batch.streams) // before it reads anything of them
            if (const LogStream* stream = streams_.find(id); stream != nullptr && !stream->expected.empty())
                socket_.add(logs::Expect{id, stream->expected});
        health_.watch(batch.streams);
        socket_.add(logs::encode(logs::ToCollector(std::move(batch.message))), std::move(batch.streams));
    }
    health_.has_work();
    socket_.send();
}

void LogLink::end_turn() {
    hand_over_new();
    if (!socket_.idle()) {
        health_.has_work();
        socket_.send();
    }
    write_own_lines();
    if (const auto ping = health_.end_turn(greeted_ && !finishing_)) { // the end has a deadline of its own
        socket_.add(logs::Ping{*ping});
        socket_.send();
    }
}

void LogLink::hand_over_everything() {
    socket_.forget_waiting();
    configure();
    streams_.offer_all();
    greeted_ = true;
    end_turn();
    for (std::string& flush : early_flushes_)
        socket_.add(std::move(flush));
    early_flushes_.clear();
    if (finishing_)
        socket_.add(logs::Finish{});
    socket_.send();
}

void LogLink::configure() {
    socket_.add(logs::Configure{settings_.directories, settings_.limits, settings_.cgroups, settings_.forward,
                                settings_.forward_queue, settings_.total_size, settings_.console,
                                settings_.console_level, settings_.console_format, settings_.console_colour});
}

void LogLink::readable() {
    for (std::size_t i = 0; i < messages_a_turn; ++i) {
        auto packet = socket_.receive();
        if (!packet)
            return listener_.log_trouble("log collector: " + packet.error().text());
        if (packet->empty())
            return;
        if (auto message = logs::decode_from_collector(*packet))
            take(*message);
        else
            listener_.log_trouble("log collector: " + message.error().text());
    }
}

void LogLink::take(const logs::FromCollector& message) {
    if (std::holds_alternative<logs::Hello>(message)) {
        health_.said_hello();
        hand_over_everything();
    } else if (auto* pong = std::get_if<logs::Pong>(&message)) {
        health_.answered(pong->number);
    } else if (auto* counts = std::get_if<logs::Counts>(&message)) {
        for (const logs::Count& count : counts->units)
            listener_.counted(count);
    } else if (auto* ended = std::get_if<logs::Ended>(&message)) {
        for (StreamId id : ended->streams)
            streams_.forget(id);
        streams_.offer_refused(); // there is room for some now
    } else if (auto* flushed = std::get_if<logs::Flushed>(&message)) {
        process_.works();
        listener_.flushed(flushed->token);
    } else if (auto* refused = std::get_if<logs::Refused>(&message)) {
        take(*refused);
    } else if (auto* storage = std::get_if<logs::StorageIs>(&message)) {
        storage_ = storage->path;
    } else if (auto* trouble = std::get_if<logs::Trouble>(&message)) {
        listener_.log_trouble(trouble->text);
    } else if (auto* dropped = std::get_if<logs::Dropped>(&message)) {
        take(*dropped);
    } else if (auto* said = std::get_if<logs::Said>(&message)) {
        take(*said);
    }
}

void LogLink::take(const logs::Refused& refused) {
    const Instant now = kernel_.now();
    streams_.refuse(refused.streams, now + soon);
    if (now >= refusal_told_until_)
        listener_.log_trouble("log collector: out of descriptors; the output of " + std::to_string(streams_.refused()) +
                              " streams waits (limit of open files; it is tried again)");
    refusal_told_until_ = now + std::chrono::minutes(1);
}

void LogLink::take(const logs::Dropped& dropped) {
    listener_.log_trouble(dropped.unit +
                          (dropped.over ? ": log lines were lost: " + std::to_string(dropped.lines)
                                        : std::string(": log lines are being lost")) +
                          (dropped.code != 0 ? " (" + Fault{dropped.code, "write", ""}.text() + ")" : ""));
}

void LogLink::take(const logs::Said& said) {
    const LogStream* stream = streams_.find(said.stream);
    if (stream == nullptr)
        return;
    const bool of_probe = stream->source == logs::Source::health;
    if (of_probe || !stream->expected.empty())
        listener_.line_said(std::string(stream->unit), of_probe, said.text);
}

bool LogLink::flush(std::uint64_t token, const std::vector<StreamId>& streams) {
    if (!socket_)
        return false;
    hand_over_new(); // a stream that the collector does not know counts as empty
    if (greeted_)
        socket_.add(logs::Flush{token, streams});
    else // it is starting: once it has been given the streams, it can be asked
        early_flushes_.push_back(logs::encode(logs::ToCollector(logs::Flush{token, streams})));
    return true;
}

void LogLink::try_storage() {
    if (greeted_)
        socket_.add(logs::TryStorage{});
}

void LogLink::move_to(std::vector<std::string> directories) {
    settings_.directories = std::move(directories);
    if (greeted_)
        configure();
}

void LogLink::finish() {
    finishing_ = true;
    streams_.look_at_held();
    process_.try_again_at(never);
    hear_syslog({}); // a send from now on fails, as there is no receiver
    if (!greeted_)
        return; // it has nothing to write yet: once it has been given all there is, it is asked to end
    end_turn();
    socket_.add(logs::Finish{});
    socket_.send();
}

void LogLink::lose_collector() {
    socket_.close();
    health_.forget();
    streams_.forget_refused();
    early_flushes_.clear();
    greeted_ = hangs_ = false;
    process_.ended();
}

LogLink::Ended LogLink::exited(pid_t pid, int code, bool by_signal, Instant now) {
    if (pid != process_.pid())
        return Ended::not_ours;
    lose_collector();
    const bool renewing = std::exchange(renewing_, false); // and so has not heard of what came since
    if (finishing_ && !renewing && !by_signal && code == 0)
        return Ended::finished; // all is written
    if (renewing && launch(now))
        return Ended::replaced;
    if (!by_signal && code == logd::exit_estate_unusable)
        process_.equip_anew();
    listener_.log_trouble("the log collector ended with " +
                          core::text(by_signal ? core::ExitStatus::signal(code) : core::ExitStatus::code(code)) +
                          " and is started again");
    if (process_.may_start_again(now)) {
        auto result = launch(now);
        if (result)
            return Ended::replaced;
        listener_.log_trouble(result.error().text());
    }
    process_.try_again_at(now + soon);
    return finishing_ ? Ended::finished : Ended::replaced; // the end does not wait for what cannot be started
}

void LogLink::stopped(pid_t pid, int signal, Instant now) {
    if (pid != process_.pid())
        return;
    (void)kernel_.send_signal(pid, SIGCONT);
    health_.has_work(); // whether it goes on
    if (now < stop_told_until_)
        return;
    stop_told_until_ = now + std::chrono::minutes(1);
    listener_.log_trouble("the log collector was stopped by " + signal_name(signal) +
                          ", by which services would come to wait, and is continued");
}

Instant LogLink::next_deadline() const {
    return std::min({process_.next_deadline(), socket_.next_deadline(), streams_.offer_at(), streams_.look_at(),
                     finishing_ ? never : health_.next_deadline()});
}

void LogLink::due(Instant now) {
    if (now >= streams_.look_at())
        streams_.look_at_held();
    if (now >= socket_.next_deadline())
        socket_.send();
    if (now >= streams_.offer_at())
        streams_.offer_refused();
    if (process_.pid() != 0 && !finishing_ && health_.overdue(now)) {
        // A successor finishes what it has begun. Where the kernel holds it, it ends when that lets go.
        if (!std::exchange(hangs_, true))
            listener_.log_trouble("the log collector does not answer (for 10 s) and is killed; its successor goes on");
        (void)kernel_.send_signal(process_.pid(), SIGKILL);
    }
    if (now < process_.next_deadline())
        return;
    if (auto result = launch(now); !result)
        process_.try_again_at(now + std::chrono::seconds(10));
    else
        listener_.log_trouble("the log collector is started again");
}

} // namespace mi::daemon
