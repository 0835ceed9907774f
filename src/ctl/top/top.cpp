// The event loop of `minictl top`.
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

Top::Top(Context& context, Screen screen) : context_(context), screen_(std::move(screen)), feed_(context) {
    table_.show_all(context.arguments.all);
}

int Top::run() {
    // If there is no init from the beginning, fail like every other verb.
    if (auto failure = feed_.connect())
        return context_.fail(*failure);
    screen_.enter();
    while (!over_) {
        if (!paused_)
            feed_.ask(table_.shows_all());
        draw();
        wait();
    }
    screen_.leave();
    return done;
}

void Top::hear() {
    auto units = feed_.hear();
    if (!units)
        return;
    failed_ = static_cast<std::size_t>(
        std::ranges::count_if(*units, [](const auto& unit) { return colour_of(unit.state) == Colour::bad; }));
    table_.update(std::move(*units), micros(monotonic_now()));
    said_.clear();
    machine_ = machine_words();
}

void Top::wait() {
    std::vector<pollfd> all{{0, POLLIN, 0},
                            {screen_.signals(), POLLIN, 0},
                            // Also without a pending request: the end of the connection must be seen.
                            {feed_.descriptor(), POLLIN, 0}};
    const std::size_t first_job = all.size();
    for (const Job& job : jobs_)
        all.push_back({job.client.descriptor(), POLLIN, 0});
    const std::optional<std::int64_t> until_look = paused_ ? std::nullopt : feed_.wait();
    std::int64_t timeout = until_look ? (*until_look + 999) / 1000 : -1;
    constexpr std::int64_t pause = 50; // milliseconds; after that, an ESC is the Escape key
    if (keys_.waits())
        timeout = pause;
    const int ready = ::poll(all.data(), all.size(), static_cast<int>(timeout));
    for (int signal = screen_.signal(); signal != 0; signal = screen_.signal())
        on_signal(signal);
    if (all[2].revents != 0 && feed_.descriptor() >= 0)
        hear();
    for (std::size_t i = jobs_.size(); i-- > 0;)
        if (all[first_job + i].revents != 0 && finish(jobs_[i]))
            jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(i));
    bool typed = false;
    if (all[0].revents != 0) {
        char bytes[256];
        const ssize_t count = ::read(0, bytes, sizeof bytes);
        if (count <= 0) // the terminal has been closed
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
    default: break; // SIGWINCH: the screen is redrawn in any case
    }
}

} // namespace mi::ctl
