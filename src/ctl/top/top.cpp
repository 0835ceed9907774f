// What `minictl top` waits for, and asks of the init.
#include "ctl/top/top.hpp"

#include "base/clock.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace mi::ctl {

namespace {

// "load 0.12", "memory 412M of 3.8G", as far as the kernel tells.
std::vector<std::string> machine_words() {
    std::vector<std::string> words;
    if (auto load = os::read_file("/proc/loadavg", 256))
        words.push_back("load " + load->substr(0, load->find(' ')));
    auto memory = os::read_file("/proc/meminfo", 1 << 16);
    auto of = [&](std::string_view name) -> std::uint64_t {
        const std::size_t at = memory->find(name);
        if (at == std::string::npos)
            return 0;
        const std::string_view line = std::string_view(*memory).substr(at + name.size());
        const std::string_view number = trim(line.substr(0, line.find('k')));
        return to_number<std::uint64_t>(number).value_or(0) * 1024;
    };
    if (memory)
        if (const std::uint64_t total = of("MemTotal:"), free = of("MemAvailable:"); total >= free && total > 0)
            words.push_back("memory " + size_text(total - free) + " of " + size_text(total));
    return words;
}

} // namespace

Top::Top(Context& context, Screen screen) : context_(context), screen_(std::move(screen)) {
    delay_ = context.arguments.every
                 ? std::chrono::duration_cast<std::chrono::microseconds>(*context.arguments.every).count()
                 : usual_delay;
    table_.show_all(context.arguments.all);
}

int Top::run() {
    // An init that is not there from the beginning is said as by every verb.
    if (auto failure = connect())
        return context_.fail(*failure);
    screen_.enter();
    while (!over_) {
        if (micros(monotonic_now()) >= next_ && !asked_ && !paused_)
            ask();
        draw();
        wait();
    }
    screen_.leave();
    return done;
}

std::optional<Failure> Top::connect() {
    auto client = context_.connect();
    if (!client)
        return client.error();
    auto overview = client->call(wire::GetOverview{}, std::chrono::seconds(5));
    if (!overview)
        return overview.error();
    overview_ = std::move(*overview);
    client_ = std::move(*client);
    return std::nullopt;
}

// After the connection is gone (an init that is executed anew ends all): again with the next look.
void Top::lost(const Failure& failure) {
    client_.reset();
    asked_ = false;
    trouble_ = harmless(failure.message.substr(0, failure.message.find('\n'))) + "; trying again";
    next_ = micros(monotonic_now()) + std::min(delay_, first_delay);
}

void Top::ask() {
    if (!client_)
        if (auto failure = connect())
            return lost(*failure);
    coming_.clear();
    if (auto failure = client_->send(wire::List{.all = table_.shows_all(), .usage = true}, true))
        return lost(*failure);
    asked_ = true;
}

void Top::hear() {
    for (;;) {
        auto answer = client_->next<wire::Units>(Span{0});
        if (!answer)
            return lost(answer.error());
        if (!*answer)
            return;
        std::ranges::move((*answer)->value.units, std::back_inserter(coming_));
        if ((*answer)->continues)
            continue;
        asked_ = false;
        trouble_.clear();
        failed_ = static_cast<std::size_t>(
            std::ranges::count_if(coming_, [](const auto& unit) { return colour_of(unit.state) == Colour::bad; }));
        const std::int64_t now = micros(monotonic_now());
        // What is used in a time needs two looks: the second soon.
        next_ = now + (looks_++ == 0 ? std::min(delay_, first_delay) : delay_);
        table_.update(std::exchange(coming_, {}), now);
        said_.clear();
        machine_ = machine_words();
        return;
    }
}

void Top::wait() {
    std::vector<pollfd> all{{0, POLLIN, 0}, {screen_.signals(), POLLIN, 0}};
    if (client_) // also unasked: that it is gone is to be seen
        all.push_back({client_->descriptor(), POLLIN, 0});
    const std::size_t first_job = all.size();
    for (const Job& job : jobs_)
        all.push_back({job.client.descriptor(), POLLIN, 0});
    std::int64_t timeout =
        paused_ || asked_ ? -1 : std::max<std::int64_t>(0, (next_ - micros(monotonic_now()) + 999) / 1000);
    constexpr std::int64_t pause = 50; // milliseconds, after which an ESC is the key
    if (keys_.waits())
        timeout = pause;
    const int ready = ::poll(all.data(), all.size(), static_cast<int>(timeout));
    for (int signal = screen_.signal(); signal != 0; signal = screen_.signal())
        on_signal(signal);
    if (first_job == 3 && all[2].revents != 0 && client_)
        hear();
    for (std::size_t i = jobs_.size(); i-- > 0;)
        if (all[first_job + i].revents != 0 && finish(jobs_[i]))
            jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(i));
    bool typed = false;
    if (all[0].revents != 0) {
        char bytes[256];
        const ssize_t count = ::read(0, bytes, sizeof bytes);
        if (count <= 0) // nobody is at the keyboard any more
            over_ = true;
        else
            keys_.add({bytes, static_cast<std::size_t>(count)});
        typed = true;
    }
    while (auto key = keys_.next(!typed && ready == 0))
        on_key(*key);
}

void Top::on_signal(int signal) {
    switch (signal) {
    case SIGINT: over_ = true; break;
    case SIGTERM:
    case SIGHUP:
    case SIGQUIT: screen_.end_by(signal);
    case SIGTSTP: screen_.suspend(); break;
    case SIGCONT: screen_.enter(); break;
    default: break; // SIGWINCH: drawn anew in any case
    }
}

} // namespace mi::ctl
