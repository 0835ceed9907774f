// A PID 1 for the collector under test: keeps the estate and the pipes, starts the real collector in a process of its
// own, kills it, starts it again and hands everything over, as daemon/log_link does.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "logd/run.hpp"
#include "os/socket/syslog_socket.hpp"
#include "wire/log_format.hpp"
#include "wire/log_protocol.hpp"

namespace mi::logd::test {

namespace logs = wire::logs;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// A directory that is removed at the end: in memory, where syncing at the end of a collector costs nothing, or on the
// disk.
class Scratch {
public:
    explicit Scratch(bool disk = false) {
        const bool memory = !disk && ::access("/dev/shm", W_OK) == 0;
        std::string name = ((memory ? fs::path("/dev/shm") : fs::temp_directory_path()) / "logd-test-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    fs::path path;
};

inline std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The log files of a unit in `directory`, oldest first.
inline std::vector<fs::path> files_of(const fs::path& directory, const std::string& unit) {
    std::vector<fs::path> files;
    fs::path place = directory / logs::directory_name(unit);
    if (!fs::exists(place))
        return files;
    for (const auto& entry : fs::directory_iterator(place))
        if (logs::parse_rotated_name(entry.path().filename().string()))
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    if (fs::exists(place / "current"))
        files.push_back(place / "current");
    return files;
}

// A line as written, owning its text.
struct Entry {
    WallTime at;
    logs::Priority priority;
    logs::Source source;
    bool unended;
    std::string text;
};

inline std::vector<Entry> entries_of(const fs::path& directory, const std::string& unit) {
    std::vector<Entry> entries;
    for (const fs::path& path : files_of(directory, unit)) {
        std::string all = read_file(path);
        std::string_view rest = all;
        while (!rest.empty()) {
            std::size_t end = rest.find('\n');
            REQUIRE(end != rest.npos);
            auto line = logs::parse_line(rest.substr(0, end));
            REQUIRE(line);
            entries.push_back({line->at, line->priority, line->source, line->unended, std::string(line->text)});
            rest.remove_prefix(end + 1);
        }
    }
    return entries;
}

// The texts of one stream as the service wrote them: a line end after each that has no `+`.
inline std::string original(const std::vector<Entry>& entries, logs::Source source = logs::Source::out) {
    std::string text;
    for (const Entry& entry : entries)
        if (entry.source == source)
            text += entry.text + (entry.unended ? "" : "\n");
    return text;
}

class FakeInit {
public:
    explicit FakeInit(std::vector<std::string> directories, logs::Limits limits = {}, std::uint64_t total_size = 0) {
        configure_.directories = std::move(directories);
        configure_.limits = limits;
        configure_.total_size = total_size;
        auto estate = make_estate();
        REQUIRE(estate);
        estate_ = std::move(*estate);
    }
    ~FakeInit() {
        if (pid > 0) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    }

    void forward_to(std::vector<std::string> servers, std::uint64_t room) {
        configure_.forward = std::move(servers);
        configure_.forward_queue = room;
    }

    // Runs first thing in the collector's process (limits, ptrace).
    std::function<void()> before_run;

    void start() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        socket_ = Fd(ends[0]);
        Fd theirs(ends[1]);
        aside_.clear();
        pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            int raw[] = {theirs.get(), estate_.memory.get(), estate_.holding_read.get(), estate_.holding_write.get()};
            for (int& fd : raw)
                fd = ::fcntl(fd, F_DUPFD, 64); // above every target
            for (int i = 0; i < 4; ++i)
                ::dup2(raw[i], control_fd + i);
            ::close_range(holding_write_fd + 1, ~0u, 0);
            if (before_run)
                before_run();
            char name[] = "miniinit-logd";
            char* argv[] = {name, nullptr};
            ::_exit(run(1, argv));
        }
        theirs.reset();
        hand_over();
    }

    // What PID 1 says to a new collector.
    void hand_over() {
        send(configure_);
        auto at = streams_.begin();
        while (at != streams_.end()) {
            logs::Attach attach;
            std::vector<int> fds;
            for (; at != streams_.end() && fds.size() < logs::most_attachments; ++at) {
                attach.streams.push_back(at->second.attachment);
                fds.push_back(at->second.pipe.get());
            }
            send(attach, fds);
        }
    }

    // A pipe of a process; returns its write end.
    Fd open_stream(const std::string& unit, logs::Source source = logs::Source::out, int flags = 0,
                   logs::StreamId* id = nullptr, pid_t leader = 0) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC | flags) == 0);
        keep({next_stream++, source, unit, configure_.limits, leader}, Fd(ends[0]), id);
        return Fd(ends[1]);
    }

    // A source of another kind.
    logs::StreamId open_source(const std::string& unit, logs::Source source, Fd end) {
        logs::StreamId id = 0;
        keep({next_stream++, source, unit, configure_.limits}, std::move(end), &id);
        return id;
    }

    // A socket of syslog(3) at `path`.
    const Fd& open_syslog(const std::string& path, logs::StreamId* id = nullptr) {
        auto socket = os::bind_syslog(path);
        REQUIRE(socket);
        return keep({next_stream++, logs::Source::syslog, "syslog", configure_.limits}, std::move(*socket), id);
    }

    void send(const logs::ToCollector& message, const std::vector<int>& fds = {}) {
        send_bytes(logs::encode(message), fds);
    }
    void send_bytes(const std::string& bytes, const std::vector<int>& fds = {}) {
        iovec part{const_cast<char*>(bytes.data()), bytes.size()};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * logs::most_attachments)];
        msghdr packet{};
        packet.msg_iov = &part;
        packet.msg_iovlen = 1;
        if (!fds.empty()) {
            packet.msg_control = control;
            packet.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
            cmsghdr* head = CMSG_FIRSTHDR(&packet);
            head->cmsg_level = SOL_SOCKET;
            head->cmsg_type = SCM_RIGHTS;
            head->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
            std::memcpy(CMSG_DATA(head), fds.data(), sizeof(int) * fds.size());
        }
        // A collector that is being killed does not hear it; the next one is told everything again.
        (void)::sendmsg(socket_.get(), &packet, MSG_NOSIGNAL);
    }

    // The next message of the collector; nothing within the time, or when it is gone.
    std::optional<logs::FromCollector> receive(int milliseconds = 10'000) {
        pollfd one{socket_.get(), POLLIN, 0};
        if (::poll(&one, 1, milliseconds) != 1)
            return {};
        std::string bytes(logs::longest_message, '\0');
        ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (size <= 0)
            return {};
        auto message = logs::decode_from_collector({bytes.data(), static_cast<std::size_t>(size)});
        REQUIRE(message);
        if (auto* ended = std::get_if<logs::Ended>(&*message))
            for (logs::StreamId id : ended->streams)
                streams_.erase(id);
        return *message;
    }

    // Waits for a message of that kind; others are laid aside, for later calls.
    template <typename Message>
    std::optional<Message> expect(int milliseconds = 10'000) {
        for (auto at = aside_.begin(); at != aside_.end(); ++at)
            if (auto* one = std::get_if<Message>(&*at)) {
                Message found = *one;
                aside_.erase(at);
                return found;
            }
        auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
        while (auto message = receive(left(end)))
            if (auto* one = std::get_if<Message>(&*message))
                return *one;
            else
                aside_.push_back(*message);
        return {};
    }

    // Until every stream has ended. False: not in time, or the collector is gone.
    bool expect_all_ended(int milliseconds = 10'000) {
        auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
        while (!streams_.empty())
            if (!receive(left(end)))
                return false;
        return true;
    }

    bool flush(std::vector<logs::StreamId> ids, int milliseconds = 10'000) {
        send(logs::Flush{++token_, std::move(ids)});
        auto flushed = expect<logs::Flushed>(milliseconds);
        return flushed && flushed->token == token_;
    }

    void kill_collector() {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        pid = 0;
    }

    // Its exit status after Finish.
    int finish() {
        send(logs::Finish{});
        int status = 0;
        ::waitpid(pid, &status, 0);
        pid = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    void hang_up() { socket_.reset(); }
    [[nodiscard]] std::size_t open_streams() const { return streams_.size(); }
    [[nodiscard]] int socket() const { return socket_.get(); }
    [[nodiscard]] int memory() const { return estate_.memory.get(); }

    pid_t pid = 0;
    logs::StreamId next_stream = 1;

private:
    const Fd& keep(const logs::Attachment& attachment, Fd end, logs::StreamId* id) {
        if (id != nullptr)
            *id = attachment.stream;
        auto& kept = streams_[attachment.stream];
        kept = {attachment, std::move(end)};
        if (pid > 0)
            send(logs::Attach{{attachment}}, {kept.pipe.get()});
        return kept.pipe;
    }
    static int left(Clock::time_point end) {
        return static_cast<int>(std::max<std::int64_t>(
            0, std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count()));
    }
    struct Kept {
        logs::Attachment attachment;
        Fd pipe;
    };
    logs::Configure configure_;
    Estate estate_;
    Fd socket_;
    std::map<logs::StreamId, Kept> streams_;
    std::uint64_t token_ = 0;
    std::deque<logs::FromCollector> aside_;
};

inline void put(const Fd& pipe, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t n = ::write(pipe.get(), bytes.data(), bytes.size());
        REQUIRE(n > 0);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

// Waits (polling, as a last resort) until `done`, a minute at most: that is for a machine that is busy.
inline bool wait_until(const std::function<bool()>& done, int seconds = 60) {
    for (int i = 0; i < 200 * seconds; ++i) {
        if (done())
            return true;
        ::usleep(5'000);
    }
    return false;
}

} // namespace mi::logd::test
