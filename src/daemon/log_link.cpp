#include "daemon/log_link.hpp"

#include "os/open_file.hpp"
#include "os/packet.hpp"
#include "os/runtime.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace mi::daemon {

namespace logs = wire::logs;

namespace {
constexpr std::size_t most_waiting_lines = 512; // of our own, while the pipe is full
constexpr std::size_t messages_a_turn = 64;     // from the collector
} // namespace

LogLink::LogLink(loop::Loop& loop, os::Spawner& spawner, Listener& listener, Settings settings)
    : loop_(loop), spawner_(spawner), listener_(listener), settings_(std::move(settings)) {}

LogLink::~LogLink() = default;

Result<> LogLink::start(Instant now) {
    auto estate = logd::make_estate();
    if (!estate)
        return std::unexpected(estate.error());
    estate_ = std::move(*estate);
    auto pipe = os::make_pipe();
    if (!pipe)
        return std::unexpected(pipe.error());
    // Our own lines must never make us wait.
    if (::fcntl(pipe->write.get(), F_SETFL, O_NONBLOCK) != 0)
        return fault(errno, "make non-blocking", "the pipe of our own log lines");
    own_lines_ = std::move(pipe->write);
    attach("miniinit", logs::Source::init, settings_.limits, std::move(pipe->read));
    started_ = now;
    return launch();
}

Result<> LogLink::launch() {
    auto pair = os::make_packet_pair();
    if (!pair)
        return std::unexpected(pair.error());
    os::Plan plan;
    plan.file = settings_.program;
    plan.arguments = {"miniinit-logd"};
    plan.moves = {{os::null_device, 0},
                  {os::null_device, 1},
                  {os::null_device, 2},
                  {pair->theirs.get(), logd::control_fd},
                  {estate_.memory.get(), logd::memory_fd},
                  {estate_.holding_read.get(), logd::holding_read_fd},
                  {estate_.holding_write.get(), logd::holding_write_fd}};
    plan.limits = {{RLIMIT_NOFILE, settings_.files.rlim_max, settings_.files.rlim_max}};
    auto pid = spawner_.spawn(plan);
    if (!pid)
        return fault(pid.error().code, "start the log collector:", pid.error().text());
    pid_ = *pid;
    socket_ = std::move(pair->ours);
    greeted_ = false;
    listener_.collector_started();
    return watch_collector();
}

Result<> LogLink::watch_collector() {
    buffer_.resize(logs::longest_message);
    auto watch = loop_.watch(socket_.get(), [this] { readable(); }, [this] { send_queued(); });
    if (!watch)
        return std::unexpected(watch.error());
    watch_ = std::move(*watch);
    return {};
}

// --- from one program to the next -------------------------------------------------------------------------------------

void LogLink::tell(wire::ManagerImage& image) const {
    image.log_socket = socket_.get();
    image.log_memory = estate_.memory.get();
    image.holding_read = estate_.holding_read.get();
    image.holding_write = estate_.holding_write.get();
    image.own_lines = own_lines_.get();
    image.log_pid = pid_;
    image.last_stream = last_stream_;
    image.log_finishing = finishing_;
    image.log_directory = storage_;
}

wire::StreamImage LogLink::tell(StreamId id) const {
    wire::StreamImage image{.id = id};
    if (auto at = streams_.find(id); at != streams_.end()) {
        image.fd = at->second.pipe.get();
        image.unit = at->second.unit;
        image.source = static_cast<std::uint8_t>(at->second.source);
        image.rotate_size = at->second.limits.rotate_size;
        image.rotate_keep = at->second.limits.rotate_keep;
        image.inode = at->second.inode;
    }
    return image;
}

std::vector<StreamId> LogLink::all_streams() const {
    std::vector<StreamId> ids;
    for (const auto& [id, stream] : streams_)
        ids.push_back(id);
    return ids;
}

Result<> LogLink::go_on(wire::Snapshot& snapshot, Instant now, bool renew) {
    wire::ManagerImage& image = snapshot.manager;
    estate_ = {Fd(image.log_memory), Fd(image.holding_read), Fd(image.holding_write)};
    own_lines_ = Fd(image.own_lines);
    last_stream_ = image.last_stream;
    finishing_ = image.log_finishing;
    storage_ = image.log_directory;
    started_ = now;
    for (auto& [id, stream] : snapshot.streams) {
        last_stream_ = std::max(last_stream_, id);
        streams_.emplace(id, Stream{stream.unit,
                                    static_cast<logs::Source>(std::min<std::uint8_t>(stream.source, 2)),
                                    {stream.rotate_size, stream.rotate_keep},
                                    Fd(stream.fd),
                                    stream.inode});
    }
    if (image.log_pid == 0 || image.log_socket < 0)
        return finishing_ ? Result<>() : launch(); // it had just ended
    pid_ = image.log_pid;
    socket_ = Fd(image.log_socket);
    if (renew && !finishing_) {
        // Its end of the socket tells it to write all it has and to end; then its successor is given the pipes.
        renewing_ = true;
        socket_.reset();
        return {};
    }
    // It leaves as it is what it has already; the others it has not been given yet.
    if (auto watched = watch_collector(); !watched)
        return watched;
    hand_over_everything();
    return {};
}

StreamId LogLink::attach(const std::string& unit, logs::Source source, const logs::Limits& limits, Fd pipe) {
    StreamId id = ++last_stream_;
    const std::uint64_t inode = os::inode_of(pipe.get());
    streams_.emplace(id, Stream{unit, source, limits, std::move(pipe), inode});
    to_attach_.push_back(id);
    moved_.push_back(id);
    return id;
}

void LogLink::end_turn() {
    // Until the collector has said Hello, attaching is hand_over_everything's.
    if (greeted_ && !to_attach_.empty()) {
        std::size_t from = 0;
        while (from < to_attach_.size()) {
            logs::Attach message;
            std::vector<StreamId> ids;
            while (from < to_attach_.size() && ids.size() < logs::most_attachments) {
                StreamId id = to_attach_[from++];
                auto at = streams_.find(id);
                if (at == streams_.end())
                    continue;
                message.streams.push_back({id, at->second.source, at->second.unit, at->second.limits});
                ids.push_back(id);
            }
            if (!ids.empty())
                queue_.push_back({logs::encode(logs::ToCollector(std::move(message))), std::move(ids)});
        }
        to_attach_.clear();
    }
    if (!queue_.empty())
        send_queued();
    if (!waiting_lines_.empty())
        line({}, Priority::info, {});
}

void LogLink::hand_over_everything() {
    queue_.clear();
    send(logs::Configure{settings_.directories, settings_.limits});
    to_attach_.clear();
    for (const auto& [id, stream] : streams_)
        to_attach_.push_back(id);
    std::sort(to_attach_.begin(), to_attach_.end());
    greeted_ = true;
    end_turn();
    for (std::string& flush : early_flushes_)
        queue_.push_back({std::move(flush), {}});
    early_flushes_.clear();
    send_queued();
}

void LogLink::send(const logs::ToCollector& message) { queue_.push_back({logs::encode(message), {}}); }

void LogLink::send_queued() {
    if (!socket_)
        return;
    std::size_t sent = 0;
    std::vector<int> fds;
    bool full = false;
    for (; sent < queue_.size(); ++sent) {
        const Queued& next = queue_[sent];
        fds.clear();
        for (StreamId id : next.streams) {
            auto at = streams_.find(id);
            // One that has ended meanwhile cannot have: only the collector ends streams, and it has not heard of it.
            fds.push_back(at != streams_.end() ? at->second.pipe.get() : own_lines_.get());
        }
        auto result = os::send_packet(socket_.get(), next.bytes, fds);
        if (!result) {
            // EAGAIN and ETOOMANYREFS pass when the collector has read; anything else shows when its process ends.
            full = result.error().code == EAGAIN || result.error().code == ETOOMANYREFS ||
                   result.error().code == ENOBUFS || result.error().code == ENOMEM;
            break;
        }
    }
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(sent));
    if (watch_)
        watch_->want_writable(full);
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
            hand_over_everything();
        } else if (auto* ended = std::get_if<logs::Ended>(&*message)) {
            for (StreamId id : ended->streams) {
                streams_.erase(id);
                moved_.push_back(id);
            }
        } else if (auto* flushed = std::get_if<logs::Flushed>(&*message)) {
            failures_ = 0;
            listener_.flushed(flushed->token);
        } else if (auto* refused = std::get_if<logs::Refused>(&*message)) {
            listener_.log_trouble("log collector: out of descriptors; the output of " +
                                  std::to_string(refused->streams.size()) + " streams is not read");
        } else if (auto* storage = std::get_if<logs::StorageIs>(&*message)) {
            storage_ = storage->path;
        } else if (auto* dropped = std::get_if<logs::Dropped>(&*message)) {
            listener_.log_trouble(dropped->unit +
                                  (dropped->over ? ": log lines were lost: " + std::to_string(dropped->lines)
                                                 : std::string(": log lines are being lost")) +
                                  (dropped->code != 0 ? " (" + Fault{dropped->code, "write", ""}.text() + ")" : ""));
        }
    }
}

bool LogLink::flush(std::uint64_t token, const std::vector<StreamId>& streams) {
    if (!socket_)
        return false;
    if (greeted_)
        send(logs::Flush{token, streams});
    else // it is starting: once it has been given the streams, it can be asked
        early_flushes_.push_back(logs::encode(logs::ToCollector(logs::Flush{token, streams})));
    return true;
}

void LogLink::line(const std::string& unit, Priority priority, std::string_view text) {
    if (!own_lines_)
        return;
    if (!text.empty())
        for (std::string& framed : logs::init_lines(unit, priority, text))
            if (waiting_lines_.size() < most_waiting_lines)
                waiting_lines_.push_back(std::move(framed));
    std::size_t written = 0;
    while (written < waiting_lines_.size()) {
        const std::string& next = waiting_lines_[written];
        if (::write(own_lines_.get(), next.data(), next.size()) < 0)
            break; // full: the collector will read, and the next turn tries again
        ++written;
    }
    waiting_lines_.erase(waiting_lines_.begin(), waiting_lines_.begin() + static_cast<std::ptrdiff_t>(written));
}

void LogLink::try_storage() {
    if (greeted_)
        send(logs::TryStorage{});
}

void LogLink::finish() {
    finishing_ = true;
    restart_at_ = never;
    if (!socket_)
        return;
    end_turn();
    send(logs::Finish{});
    send_queued();
}

void LogLink::lose_collector() {
    watch_.reset();
    socket_.reset();
    queue_.clear();
    early_flushes_.clear();
    greeted_ = false;
    pid_ = 0;
}

bool LogLink::exited(pid_t pid, int code, bool by_signal, Instant now) {
    if (pid_ == 0 || pid != pid_)
        return false;
    lose_collector();
    if (finishing_)
        return true;
    if (std::exchange(renewing_, false)) {
        started_ = now;
        if (auto result = launch(); result)
            return true;
    }
    if (!by_signal && code == logd::exit_estate_unusable)
        if (auto estate = logd::make_estate())
            estate_ = std::move(*estate);
    listener_.log_trouble(std::string("the log collector ended with ") + (by_signal ? "signal " : "exit code ") +
                          std::to_string(code) + " and is started again");
    failures_ = now - started_ > std::chrono::seconds(10) ? 0 : failures_ + 1;
    if (failures_ < 8) {
        started_ = now;
        if (auto result = launch(); !result)
            listener_.log_trouble(result.error().text());
        else
            return true;
    }
    restart_at_ = now + std::chrono::seconds(2);
    return true;
}

void LogLink::due(Instant now) {
    if (now < restart_at_)
        return;
    restart_at_ = never;
    started_ = now;
    if (auto result = launch(); !result)
        restart_at_ = now + std::chrono::seconds(10);
}

} // namespace mi::daemon
