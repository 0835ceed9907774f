#include "daemon/log/log_link.hpp"

#include "base/signals.hpp"
#include "core/explain.hpp"
#include "os/file/open_file.hpp"
#include "os/file/runtime.hpp"
#include "os/process/children.hpp"
#include "os/socket/packet.hpp"
#include "os/socket/syslog_socket.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace mi::daemon {

namespace logs = wire::logs;

namespace {
constexpr std::size_t many_new_pipes = 512;    // that are not watched yet
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
    : kernel_(kernel), listener_(listener), settings_(std::move(settings)), own_lines_(kernel) {
    if (auto unread = os::AnyReadable::make())
        unread_ = std::move(*unread);
}

LogLink::~LogLink() = default;

Result<> LogLink::start(Instant now) {
    started_ = now;
    auto launched = launch();
    if (!launched)
        restart_at_ = now + soon;
    return launched;
}

// What every collector is started with, as far as it is not there yet.
Result<> LogLink::equip() {
    if (!estate_.memory) {
        auto estate = logd::make_estate();
        if (!estate)
            return std::unexpected(estate.error());
        estate_ = std::move(*estate);
    }
    if (own_lines_.fd() >= 0)
        return {};
    auto pipe = own_lines_.open();
    if (!pipe)
        return std::unexpected(pipe.error());
    attach("miniinit", logs::Source::init, settings_.limits, std::move(*pipe));
    return {};
}

Result<> LogLink::launch() {
    if (auto equipped = equip(); !equipped)
        return equipped;
    auto pair = os::make_packet_pair();
    if (!pair)
        return std::unexpected(pair.error());
    // Before there is a process: two at a time would destroy each other's work, so none may be there that we do not hear.
    auto watch = kernel_.watch(pair->ours.get(), [this] { readable(); }, [this] { writable(); });
    if (!watch)
        return std::unexpected(watch.error());
    os::Plan plan;
    plan.file = settings_.program;
    plan.arguments = {"miniinit-logd"};
    plan.moves = {{os::null_device, 0},
                  {settings_.console == logs::own_output ? STDERR_FILENO : os::null_device, 1},
                  {os::null_device, 2},
                  {pair->theirs.get(), logd::control_fd},
                  {estate_.memory.get(), logd::memory_fd},
                  {estate_.holding_read.get(), logd::holding_read_fd},
                  {estate_.holding_write.get(), logd::holding_write_fd}};
    auto start = kernel_.start(plan);
    if (!start)
        return fault(start.error().code, "start the log collector:", start.error().text());
    pid_ = start->pid(); // should it come to nothing yet, that is an end like any other
    socket_ = std::move(pair->ours);
    watch_ = std::move(*watch);
    greeted_ = false;
    liveness_.expect(kernel_.now() + LogLiveness::patience);
    buffer_.resize(logs::longest_message);
    listener_.collector_started();
    return {};
}

Result<> LogLink::watch_collector() {
    buffer_.resize(logs::longest_message);
    auto watch = kernel_.watch(socket_.get(), [this] { readable(); }, [this] { writable(); });
    if (!watch)
        return std::unexpected(watch.error());
    watch_ = std::move(*watch);
    return {};
}

StreamId LogLink::attach(const std::string& unit, logs::Source source, const logs::Limits& limits, Fd pipe,
                         pid_t leader, bool forward, std::uint64_t cgroup) {
    StreamId id = ++last_stream_;
    const std::uint64_t inode = os::inode_of(pipe.get());
    Stream& stream = streams_.emplace(id, Stream{unit, source, limits, std::move(pipe), inode, leader, forward, cgroup})
                         .first->second;
    // Who sends by syslog(3) is told by the streams that the collector has, so then it is given all.
    const bool of_a_process = source == logs::Source::out || source == logs::Source::err;
    stream.is_held = of_a_process && syslog_ == 0 && !finishing_ && held_.add(id, stream.pipe.get());
    if (!stream.is_held)
        to_attach_.push_back(id);
    moved_.push_back(id);
    return id;
}

// Hands over what there is something in by now, and closes what there will be nothing in.
void LogLink::look_at_held() {
    if (held_.empty())
        return;
    const HeldPipes::Found found = held_.take();
    for (StreamId id : found.filled)
        streams_.at(id).is_held = false;
    moved_.insert(moved_.end(), found.filled.begin(), found.filled.end());
    to_attach_.insert(to_attach_.end(), found.filled.begin(), found.filled.end());
    for (StreamId id : found.ended) {
        streams_.at(id).is_held = false;
        forget(id);
    }
}

void LogLink::release_held() {
    for (auto& [id, stream] : streams_)
        if (std::exchange(stream.is_held, false)) {
            held_.remove(id, stream.pipe.get());
            to_attach_.push_back(id);
            moved_.push_back(id);
        }
}

bool LogLink::has_last_words(StreamId id) {
    auto at = streams_.find(id);
    if (at != streams_.end() && at->second.is_held) {
        look_at_held();
        at = streams_.find(id);
    }
    return at != streams_.end() && !at->second.is_held;
}

// The collector reads pipes before our lines (logd/own_words.hpp): so it is given those first in which there is something.
void LogLink::write(const std::string& unit, Priority priority, std::string_view text, bool shown) {
    look_at_held();
    hand_over_new();
    own_lines_.add(unit, priority, text, shown);
    write_own_lines();
}

bool LogLink::line_on_console(Priority priority, std::string_view text) {
    // One that has only been started says it as soon as it can; one that has failed before may never.
    const bool can = pid_ != 0 && failures_ == 0 && !hangs_ && !finishing_;
    const bool shown = can && !settings_.console.empty() && !own_lines_.many_wait();
    write({}, priority, text, shown);
    return shown;
}

// Not while pipes are still on their way, unless so many lines wait that they would be lost.
void LogLink::write_own_lines() {
    if (queue_.empty() || own_lines_.many_wait())
        own_lines_.write();
}

void LogLink::hear_syslog(Fd socket) {
    // The collector reads what is in the old one, and then sees that it has ended.
    if (auto before = streams_.find(std::exchange(syslog_, 0)); before != streams_.end())
        os::close_syslog(before->second.pipe.get());
    if (!socket)
        return;
    syslog_ = attach("syslog", logs::Source::syslog, settings_.limits, std::move(socket));
    release_held();
}

Result<> LogLink::hear_kernel() {
    if (std::ranges::any_of(streams_, [](const auto& one) { return one.second.source == logs::Source::kernel; }))
        return {};
    Fd device(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!device)
        return fault(errno, "open", "/dev/kmsg");
    attach("kernel", logs::Source::kernel, settings_.limits, std::move(device));
    return {};
}

bool LogLink::has_too_many(const std::string& unit) const {
    return hangs_ && std::ranges::count_if(streams_, [&](const auto& one) { return one.second.unit == unit; }) >=
                         most_waiting_pipes;
}

// Gives the collector the pipes that it is to have: in batches, as one message takes many.
void LogLink::hand_over_new() {
    // Until the collector has said Hello, attaching is hand_over_everything's.
    if (!greeted_ || to_attach_.empty())
        return;
    std::size_t from = 0;
    while (from < to_attach_.size()) {
        logs::Attach message;
        std::vector<StreamId> ids;
        while (from < to_attach_.size() && ids.size() < logs::most_attachments) {
            StreamId id = to_attach_[from++];
            auto at = streams_.find(id);
            if (at == streams_.end())
                continue;
            const Stream& stream = at->second;
            message.streams.push_back(
                {id, stream.source, stream.unit, stream.limits, stream.leader, stream.forward, stream.cgroup});
            ids.push_back(id);
        }
        not_watched_yet_.insert(not_watched_yet_.end(), ids.begin(), ids.end());
        if (!ids.empty())
            queue_.push_back({logs::encode(logs::ToCollector(std::move(message))), std::move(ids)});
    }
    to_attach_.clear();
    if (not_watched_yet_.size() > 2 * streams_.size() + many_new_pipes) // as nothing is ever quiet
        std::erase_if(not_watched_yet_, [this](StreamId one) { return !streams_.contains(one); });
    liveness_.has_work();
    send_queued();
}

void LogLink::end_turn() {
    hand_over_new();
    if (!queue_.empty()) {
        liveness_.has_work();
        send_queued();
    }
    write_own_lines();
    check_on_it();
}

// Asks the collector whether it still works, where there is reason to: see log_liveness.hpp.
void LogLink::check_on_it() {
    const bool serves = greeted_ && !finishing_; // the end has a deadline of its own
    if (serves && liveness_.asks(kernel_.now())) {
        send(logs::Ping{liveness_.number()});
        send_queued();
    }
    if (!serves || !liveness_.wants_news() || !unread_) {
        unread_watch_.reset();
        return;
    }
    if (unread_watch_)
        return;
    watch_new_pipes();
    auto watch = kernel_.watch(unread_->fd(), [this] {
        liveness_.has_work();
        unread_watch_.reset(); // the end of the turn asks
    });
    if (watch) // else the next turn tries
        unread_watch_ = std::move(*watch);
}

// Only now, and not when a pipe is made: most services of a boot start while there is work to confirm anyway, and the pipes of a
// short command never get here.
void LogLink::watch_new_pipes() {
    for (StreamId id : std::exchange(not_watched_yet_, {}))
        if (auto at = streams_.find(id);
            at != streams_.end()) // else that the collector hangs shows when it is sent something
            at->second.is_watched = unread_->add(at->second.pipe.get());
}

void LogLink::forget(StreamId id) {
    if (auto at = streams_.find(id); at != streams_.end()) {
        if (at->second.is_watched)
            unread_->remove(at->second.pipe.get());
        if (at->second.is_held)
            held_.remove(id, at->second.pipe.get());
        streams_.erase(at);
    }
    moved_.push_back(id);
}

void LogLink::hand_over_everything() {
    queue_.clear();
    configure();
    to_attach_.clear();
    refused_.clear();
    for (const auto& [id, stream] : streams_)
        if (!stream.is_held)
            to_attach_.push_back(id);
    // Our own lines last: they follow what is in the others.
    std::ranges::sort(to_attach_, {},
                      [this](StreamId id) { return std::pair(streams_.at(id).source == logs::Source::init, id); });
    greeted_ = true;
    end_turn();
    for (std::string& flush : early_flushes_)
        queue_.push_back({std::move(flush), {}});
    early_flushes_.clear();
    if (finishing_)
        send(logs::Finish{});
    send_queued();
}

void LogLink::configure() {
    send(logs::Configure{settings_.directories, settings_.limits, settings_.cgroups, settings_.forward,
                         settings_.forward_queue, settings_.total_size, settings_.console, settings_.console_level});
}

void LogLink::send(const logs::ToCollector& message) { queue_.push_back({logs::encode(message), {}}); }

void LogLink::send_queued() {
    if (!socket_)
        return;
    std::size_t sent = 0;
    std::vector<int> fds;
    bool full = false;
    send_again_at_ = never;
    for (; sent < queue_.size(); ++sent) {
        const Queued& next = queue_[sent];
        fds.clear();
        for (StreamId id : next.streams) {
            auto at = streams_.find(id);
            // One that has ended meanwhile cannot have: only the collector ends streams, and it has not heard of it.
            fds.push_back(at != streams_.end() ? at->second.pipe.get() : own_lines_.fd());
        }
        auto result = os::send_packet(socket_.get(), next.bytes, fds);
        if (!result) {
            // What passes when the collector has read is told by the socket; what the kernel or our user has too much of is not.
            // Anything else shows when its process ends.
            const int code = result.error().code;
            full = code == EAGAIN;
            if (code == ETOOMANYREFS || code == ENOBUFS || code == ENOMEM)
                send_again_at_ = kernel_.now() + std::chrono::milliseconds(200);
            break;
        }
    }
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(sent));
    if (watch_)
        watch_->want_writable(full);
}

// The collector has read: there is room again.
void LogLink::writable() {
    send_queued();
    write_own_lines();
}

void LogLink::readable() {
    for (std::size_t i = 0; i < messages_a_turn && socket_; ++i) {
        auto packet = os::receive_packet(socket_.get(), buffer_);
        if (!packet) {
            if (packet.error().code == ECONNRESET)
                watch_.reset(); // it ended with words of ours unread: its exit follows
            else if (packet.error().code != EAGAIN)
                listener_.log_trouble("log collector: " + packet.error().text());
            return;
        }
        if (packet->size == 0) { // it has closed its end: its exit follows
            watch_.reset();
            return;
        }
        auto message = logs::decode_from_collector({buffer_.data(), packet->size});
        if (!message) {
            listener_.log_trouble("log collector: " + message.error().text());
            continue;
        }
        if (std::holds_alternative<logs::Hello>(*message)) {
            liveness_.said_hello();
            hand_over_everything();
        } else if (auto* pong = std::get_if<logs::Pong>(&*message)) {
            liveness_.answered(pong->number, kernel_.now());
        } else if (auto* ended = std::get_if<logs::Ended>(&*message)) {
            for (StreamId id : ended->streams)
                forget(id);
            attach_refused(); // there is room for some now
        } else if (auto* flushed = std::get_if<logs::Flushed>(&*message)) {
            failures_ = 0;
            listener_.flushed(flushed->token);
        } else if (auto* refused = std::get_if<logs::Refused>(&*message)) {
            refused_.insert(refused_.end(), refused->streams.begin(), refused->streams.end());
            const Instant now = kernel_.now();
            if (now >= refusal_told_until_)
                listener_.log_trouble("log collector: out of descriptors; the output of " +
                                      std::to_string(refused_.size()) +
                                      " streams waits (limit of open files; it is tried again)");
            refusal_told_until_ = now + std::chrono::minutes(1);
            attach_again_at_ = now + soon;
        } else if (auto* storage = std::get_if<logs::StorageIs>(&*message)) {
            storage_ = storage->path;
        } else if (auto* trouble = std::get_if<logs::Trouble>(&*message)) {
            listener_.log_trouble(trouble->text);
        } else if (auto* dropped = std::get_if<logs::Dropped>(&*message)) {
            listener_.log_trouble(dropped->unit +
                                  (dropped->over ? ": log lines were lost: " + std::to_string(dropped->lines)
                                                 : std::string(": log lines are being lost")) +
                                  (dropped->code != 0 ? " (" + Fault{dropped->code, "write", ""}.text() + ")" : ""));
        }
    }
}

// Streams that the collector had no descriptor for are offered again.
void LogLink::attach_refused() {
    attach_again_at_ = never;
    to_attach_.insert(to_attach_.end(), refused_.begin(), refused_.end());
    refused_.clear();
}

bool LogLink::flush(std::uint64_t token, const std::vector<StreamId>& streams) {
    if (!socket_)
        return false;
    hand_over_new(); // a stream that the collector does not know counts as empty
    if (greeted_)
        send(logs::Flush{token, streams});
    else // it is starting: once it has been given the streams, it can be asked
        early_flushes_.push_back(logs::encode(logs::ToCollector(logs::Flush{token, streams})));
    return true;
}

void LogLink::try_storage() {
    if (greeted_)
        send(logs::TryStorage{});
}

void LogLink::move_to(std::vector<std::string> directories) {
    settings_.directories = std::move(directories);
    if (greeted_)
        configure();
}

void LogLink::finish() {
    finishing_ = true;
    look_at_held();
    restart_at_ = never;
    hear_syslog({}); // who sends from now on is told that nobody hears
    if (!greeted_)
        return; // it has nothing to write yet: once it has been given all there is, it is asked to end
    end_turn();
    send(logs::Finish{});
    send_queued();
}

void LogLink::lose_collector() {
    watch_.reset();
    unread_watch_.reset();
    socket_.reset();
    queue_.clear();
    early_flushes_.clear();
    refused_.clear();
    send_again_at_ = attach_again_at_ = never;
    liveness_ = {};
    greeted_ = hangs_ = false;
    pid_ = 0;
}

bool LogLink::exited(pid_t pid, int code, bool by_signal, Instant now) {
    if (pid_ == 0 || pid != pid_)
        return false;
    lose_collector();
    const bool renewing = std::exchange(renewing_, false); // and so has not heard of what came since
    if (finishing_ && !renewing && !by_signal && code == 0)
        return true; // all is written
    if (renewing) {
        started_ = now;
        if (auto result = launch(); result)
            return true;
    }
    if (!by_signal && code == logd::exit_estate_unusable)
        if (auto estate = logd::make_estate())
            estate_ = std::move(*estate);
    listener_.log_trouble("the log collector ended with " +
                          core::text(by_signal ? core::ExitStatus::signal(code) : core::ExitStatus::code(code)) +
                          " and is started again");
    failures_ = now - started_ > std::chrono::seconds(10) ? 0 : failures_ + 1;
    if (failures_ < 8) {
        started_ = now;
        if (auto result = launch(); !result)
            listener_.log_trouble(result.error().text());
        else
            return true;
    }
    restart_at_ = now + soon;
    return true;
}

void LogLink::stopped(pid_t pid, int signal, Instant now) {
    if (pid_ == 0 || pid != pid_)
        return;
    (void)kernel_.send_signal(pid, SIGCONT);
    liveness_.has_work(); // whether it goes on
    if (now < stop_told_until_)
        return;
    stop_told_until_ = now + std::chrono::minutes(1);
    listener_.log_trouble("the log collector was stopped by " + signal_name(signal) +
                          ", by which services would come to wait, and is continued");
}

Instant LogLink::next_deadline() const {
    return std::min({restart_at_, send_again_at_, attach_again_at_, held_.next_deadline(),
                     finishing_ ? never : liveness_.next_deadline()});
}

void LogLink::due(Instant now) {
    if (now >= held_.next_deadline())
        look_at_held();
    if (now >= send_again_at_)
        send_queued();
    if (now >= attach_again_at_)
        attach_refused();
    if (pid_ != 0 && !finishing_ && liveness_.overdue(now)) {
        // A successor finishes what it has begun. Where the kernel holds it, it ends when that lets go.
        if (!std::exchange(hangs_, true))
            listener_.log_trouble("the log collector does not answer (for 10 s) and is killed; its successor goes on");
        (void)kernel_.send_signal(pid_, SIGKILL);
    }
    if (now < restart_at_)
        return;
    restart_at_ = never;
    started_ = now;
    if (auto result = launch(); !result)
        restart_at_ = now + std::chrono::seconds(10);
    else
        listener_.log_trouble("the log collector is started again");
}

} // namespace mi::daemon
