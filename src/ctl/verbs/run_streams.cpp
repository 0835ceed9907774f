#include "ctl/verbs/run_streams.hpp"

#include "base/clock.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace mi::ctl {

namespace {

constexpr int moment = 10; // milliseconds between two checks whether the unit has opened its end

bool ready(int fd) {
    pollfd one{fd, POLLIN, 0};
    return ::poll(&one, 1, 0) > 0;
}

} // namespace

// --- input ------------------------------------------------------------------------------------------------------------

PassedInput::PassedInput(std::string directory, Fd to)
    : directory_(std::move(directory)), path_(directory_ + "/stdin"), to_(std::move(to)) {}

PassedInput::PassedInput(PassedInput&& other) noexcept
    : directory_(std::exchange(other.directory_, {})), path_(std::exchange(other.path_, {})), to_(std::move(other.to_)),
      waiting_(std::move(other.waiting_)), read_(other.read_), ended_(other.ended_) {}

PassedInput::~PassedInput() { remove(); }

void PassedInput::remove() {
    if (directory_.empty())
        return;
    (void)::unlink((directory_ + "/stdin").c_str());
    (void)::rmdir(std::exchange(directory_, {}).c_str());
}

Result<PassedInput> PassedInput::make() {
    const char* runtime = ::getenv("XDG_RUNTIME_DIR");
    std::string directory = runtime != nullptr && *runtime == '/' ? runtime : "/tmp";
    directory += "/minictl-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr)
        return fault(errno, "make directory", directory);
    PassedInput input(directory, Fd());
    if (::mkfifo(input.path_.c_str(), 0600) != 0)
        return fault(errno, "make FIFO", input.path_);
    // There must be a writer before the unit opens the FIFO; otherwise the unit would read end of file. And the unit
    // must be the only reader, so that poll(2) tells whether it is there. Opening it for writing needs a reader for a
    // moment.
    const Fd both(::open(input.path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
    input.to_ = Fd(::open(input.path_.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK));
    if (!both || !input.to_)
        return fault(errno, "open", input.path_);
    return input;
}

PassedInput::Wish PassedInput::wish() const {
    if (!to_)
        return {};
    if (!read_)
        return {.patience = moment};
    return waiting_.empty() ? Wish{.fd = 0, .events = POLLIN} : Wish{.fd = to_.get(), .events = POLLOUT};
}

void PassedInput::pass() {
    if (!to_)
        return;
    pollfd end{to_.get(), POLLOUT, 0};
    const bool has_reader = ::poll(&end, 1, 0) >= 0 && (end.revents & POLLERR) == 0;
    if (!read_ && !has_reader)
        return;
    if (!std::exchange(read_, true))
        remove(); // no other process shall open it
    if (!has_reader) {
        to_.reset();
        return;
    }
    if (waiting_.empty() && !ended_ && ready(0)) {
        char chunk[16 << 10];
        const ssize_t count = ::read(0, chunk, sizeof chunk);
        if (count > 0)
            waiting_.assign(chunk, static_cast<std::size_t>(count));
        else
            ended_ = count == 0 || (errno != EINTR && errno != EAGAIN);
    }
    if (!waiting_.empty()) {
        const ssize_t count = ::write(to_.get(), waiting_.data(), waiting_.size());
        if (count > 0)
            waiting_.erase(0, static_cast<std::size_t>(count));
        else if (errno != EINTR && errno != EAGAIN)
            to_.reset();
    } else if (ended_) {
        to_.reset();
    }
}

// --- output -----------------------------------------------------------------------------------------------------------

Result<ShownOutput> ShownOutput::start(const Context& context, const std::string& directory, const std::string& unit) {
    std::vector<std::string> complaints;
    const std::vector<UnitLog> before = open_logs({directory}, {unit}, complaints);
    if (!complaints.empty())
        return fault(0, "read its log:", complaints.front());
    Result<Follower> follower = Follower::start({directory}, {unit}, before);
    if (!follower)
        return std::unexpected(follower.error());
    return ShownOutput(context, std::move(*follower));
}

bool ShownOutput::show() {
    bool readable = true;
    for (bool more = true; more && readable;) {
        follower_.read([&](const LogLine& line) {
            told_of_ = told_of_ || line.line.source == wire::logs::Source::init;
            const bool to_error = line.line.source == wire::logs::Source::err;
            if (!to_error && line.line.source != wire::logs::Source::out)
                return;
            const Style& style = to_error ? context_->err : context_->out;
            const std::string text = show_line(style, LogOutput::cat, line.unit, line.line);
            readable = (to_error ? write_all(2, text) : context_->write_out(text)) && readable;
        });
        more = ready(follower_.descriptor()) && follower_.wait();
    }
    return readable;
}

bool ShownOutput::finish(bool failed) {
    constexpr Span longest = std::chrono::seconds(3);
    constexpr int rest = 50; // milliseconds without a line
    const Instant end = monotonic_now() + longest;
    while (show()) {
        pollfd one{follower_.descriptor(), POLLIN, 0};
        const bool over = failed ? told_of_ : ::poll(&one, 1, rest) == 0;
        if (over || monotonic_now() >= end)
            return true;
        if (failed)
            (void)::poll(&one, 1, rest);
    }
    return false;
}

std::expected<wire::Progress, Failure> run_with_streams(Client& client, const wire::Run& request, ShownOutput* output,
                                                        PassedInput* input) {
    if (auto failure = client.send(request, false))
        return std::unexpected(std::move(*failure));
    ::signal(SIGPIPE, SIG_IGN); // if the unit stops reading, we go on
    for (;;) {
        const PassedInput::Wish wish = input != nullptr ? input->wish() : PassedInput::Wish{};
        pollfd all[] = {{client.descriptor(), POLLIN, 0},
                        {output != nullptr ? output->descriptor() : -1, POLLIN, 0},
                        {wish.fd, wish.events, 0}};
        if (::poll(all, std::size(all), wish.patience) < 0 && errno != EINTR)
            return std::unexpected(Failure{fault(errno, "wait for the command").error().text(), {}, false, false});
        if (input != nullptr)
            input->pass();
        // Its last lines are in its log before we are told that it has ended.
        const bool answered = all[0].revents != 0;
        std::expected<std::optional<wire::Answer<wire::Progress>>, Failure> answer;
        if (answered)
            answer = client.next<wire::Progress>(Client::quick);
        if (output != nullptr && !output->show())
            return std::unexpected(Failure{"nobody reads what the command writes: it runs on", {}, false, false});
        if (!answered)
            continue;
        if (!answer)
            return std::unexpected(answer.error());
        if (!*answer)
            continue;
        const std::vector<wire::JobResult>& results = (*answer)->value.results;
        if (output != nullptr && !output->finish(!results.empty() && !results.front().ok))
            return std::unexpected(Failure{"nobody reads what the command wrote", {}, false, false});
        return std::move((*answer)->value);
    }
}

} // namespace mi::ctl
