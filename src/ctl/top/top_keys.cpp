// The keys of `minictl top`, and their actions on units.
#include "ctl/logs/log_tail.hpp"
#include "ctl/run.hpp"
#include "ctl/text/view.hpp"
#include "ctl/top/top.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace mi::ctl {

template <typename R>
void Top::act(std::string doing) {
    const std::string unit = table_.selected();
    if (unit.empty())
        return;
    auto client = context_.connect();
    if (!client) {
        message_ = client.error().message;
        return;
    }
    R request;
    request.units = {unit};
    if (auto failure = client->send(wire::Request(std::move(request)), false)) {
        message_ = failure->message;
        return;
    }
    message_ = doing + " " + unit + " …";
    jobs_.push_back({std::move(*client), std::move(doing), unit});
}

// Whether the job is over; shows its result on the last line.
bool Top::finish(Job& job) {
    auto answer = job.client.next<wire::Progress>(Span{0});
    if (answer && !*answer)
        return false;
    if (!answer)
        message_ = job.doing + " " + job.unit + ": " + answer.error().message;
    else if (!(*answer)->value.results.empty())
        message_ = result_view(Style{}, (*answer)->value.results[0]);
    feed_.hurry();
    return true;
}

// Shows the log of the selected unit on the ordinary screen until a key is pressed.
void Top::follow() {
    if (table_.selected().empty())
        return;
    screen_.lend();
    (void)write_all(1, paint(context_.out, Colour::strong, "The log of " + harmless(table_.selected())) +
                           " (q comes back)\n");
    const pid_t child = ::fork();
    if (child == 0) {
        Screen::unblock_signals();
        std::vector<std::string> words{"minictl", "logs", "-f", "-n", std::to_string(screen_.size().rows)};
        if (!context_.arguments.control.empty())
            words.insert(words.end(), {"--control", context_.arguments.control});
        else if (context_.arguments.user || context_.arguments.system)
            words.emplace_back(context_.arguments.user ? "--user" : "--system");
        words.insert(words.end(), {"--", table_.selected()});
        std::vector<char*> argv;
        for (std::string& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        ::_exit(ctl::run(static_cast<int>(words.size()), argv.data()));
    }
    int end_by = 0;
    while (child > 0 && ::waitpid(child, nullptr, WNOHANG) == 0) {
        pollfd all[] = {{0, POLLIN, 0}, {screen_.signals(), POLLIN, 0}};
        (void)::poll(all, 2, -1);
        char typed[64];
        // Any key except those that scroll ends it; no key arrives if the terminal is closed.
        if (all[0].revents != 0 && ::read(0, typed, sizeof typed) != 0 && typed[0] != '\n' && typed[0] != ' ')
            (void)::kill(child, SIGTERM);
        for (int signal = screen_.signal(); signal != 0; signal = screen_.signal()) {
            if (signal == SIGTSTP) {
                screen_.suspend();
                screen_.lend();
            } else if (signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT) {
                end_by = signal;
                (void)::kill(child, SIGTERM);
            }
        }
    }
    if (end_by != 0)
        screen_.end_by(end_by);
    screen_.enter();
    feed_.hurry();
}

void Top::on_key(const Key& key) {
    if (key.kind == Key::Kind::interrupt)
        over_ = true;
    else if (key.kind == Key::Kind::suspend)
        screen_.suspend();
    else if (mode_ == Mode::filter)
        on_filter_key(key);
    else if (mode_ == Mode::confirm)
        on_confirm_key(key);
    else if (mode_ == Mode::help)
        mode_ = Mode::table;
    else
        on_table_key(key);
}

void Top::on_filter_key(const Key& key) {
    std::string text = table_.filtered();
    if (key.kind == Key::Kind::text)
        text += key.text;
    else if (key.kind == Key::Kind::backspace && !text.empty())
        do // remove a whole character
            text.pop_back();
        while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80 && text.size() > 1);
    else if (key.kind == Key::Kind::escape)
        text.clear();
    if (key.kind == Key::Kind::escape || key.kind == Key::Kind::enter)
        mode_ = Mode::table;
    table_.filter(std::move(text));
}

void Top::on_confirm_key(const Key& key) {
    mode_ = Mode::table;
    message_.clear();
    if (key.kind == Key::Kind::text && (key.text == "y" || key.text == "Y"))
        act<wire::Stop>("stopping");
}

void Top::on_table_key(const Key& key) {
    message_.clear();
    const auto page = static_cast<std::int64_t>(std::max(2u, screen_.size().rows) - 2);
    switch (key.kind) {
    case Key::Kind::up: return table_.move(-1);
    case Key::Kind::down: return table_.move(1);
    case Key::Kind::page_up: return table_.move(-page);
    case Key::Kind::page_down: return table_.move(page);
    case Key::Kind::home: return table_.select_first();
    case Key::Kind::end: return table_.select_last();
    case Key::Kind::enter: return follow();
    case Key::Kind::escape: return table_.filter({});
    case Key::Kind::text: break;
    case Key::Kind::redraw:
    case Key::Kind::backspace:
    case Key::Kind::interrupt:
    case Key::Kind::suspend:
    case Key::Kind::unknown: return;
    }
    switch (key.text[0]) {
    case 'q': over_ = true; break;
    case 'k': table_.move(-1); break;
    case 'j': table_.move(1); break;
    case 'c': table_.order_by(TopOrder::cpu); break;
    case 'm': table_.order_by(TopOrder::memory); break;
    case 't': table_.order_by(TopOrder::tasks); break;
    case 'r': table_.order_by(TopOrder::restarts); break;
    case 'u': table_.order_by(TopOrder::uptime); break;
    case 'n': table_.order_by(TopOrder::name); break;
    case 's': table_.order_by(TopOrder::state); break;
    case 'a':
        table_.show_all(!table_.shows_all());
        feed_.hurry();
        break;
    case 'p':
        paused_ = !paused_;
        feed_.hurry();
        break;
    case '/': mode_ = Mode::filter; break;
    case 'l': follow(); break;
    case 'S': act<wire::Start>("starting"); break;
    case 'R': act<wire::Restart>("restarting"); break;
    case 'X':
        if (!table_.selected().empty())
            mode_ = Mode::confirm;
        break;
    case 'h':
    case '?': mode_ = Mode::help; break;
    default: break;
    }
}

} // namespace mi::ctl
