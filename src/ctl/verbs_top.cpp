// `minictl top`: the units and what they use, kept up to date on a terminal; one request for each look.
#include "base/text.hpp"
#include "ctl/keys.hpp"
#include "ctl/listing.hpp"
#include "ctl/log_tail.hpp"
#include "ctl/run.hpp"
#include "ctl/screen.hpp"
#include "ctl/top_table.hpp"
#include "ctl/verbs.hpp"
#include "ctl/view.hpp"
#include "os/runtime.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>
#include <utility>

namespace mi::ctl {

namespace {

constexpr std::int64_t usual_delay = 2'000'000, first_delay = 500'000;

// "load 0.12 · memory 412M of 3.8G", as far as the kernel tells.
std::string machine_words() {
    std::string text;
    if (auto load = os::read_file("/proc/loadavg", 256))
        text = "load " + load->substr(0, load->find(' '));
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
            text += (text.empty() ? "memory " : " · memory ") + size_text(total - free) + " of " + size_text(total);
    return text;
}

class Top {
public:
    Top(Context& context, Screen screen) : context_(context), screen_(std::move(screen)) {
        delay_ = context.arguments.every
                     ? std::chrono::duration_cast<std::chrono::microseconds>(*context.arguments.every).count()
                     : usual_delay;
        table_.show_all(context.arguments.all);
    }
    [[nodiscard]] TopTable& table() { return table_; }

    int run() {
        // An init that is not there from the beginning is said as by every verb.
        if (auto failure = connect())
            return context_.fail(*failure);
        screen_.enter();
        while (!over_) {
            if (monotonic_now() >= next_ && !asked_ && !paused_)
                ask();
            draw();
            wait();
        }
        screen_.leave();
        return done;
    }

private:
    enum class Mode : std::uint8_t { table, filter, confirm, help };
    // Something that was asked of the init, and not answered yet.
    struct Job {
        Client client;
        std::string doing, unit;
    };

    std::optional<Failure> connect() {
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
    void lost(const Failure& failure) {
        client_.reset();
        asked_ = false;
        trouble_ = harmless(failure.message.substr(0, failure.message.find('\n'))) + "; trying again";
        next_ = monotonic_now() + std::min(delay_, first_delay);
    }
    void ask() {
        if (!client_)
            if (auto failure = connect())
                return lost(*failure);
        coming_.clear();
        if (auto failure = client_->send(wire::List{.all = table_.shows_all(), .usage = true}, true))
            return lost(*failure);
        asked_ = true;
    }
    void hear() {
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
            const std::int64_t now = monotonic_now();
            // What is used in a time needs two looks: the second soon.
            next_ = now + (looks_++ == 0 ? std::min(delay_, first_delay) : delay_);
            table_.update(std::exchange(coming_, {}), now);
            said_.clear();
            machine_ = machine_words();
            return;
        }
    }

    // ---- what is done to units ------------------------------------------------------------------------------------------

    template <typename R>
    void act(std::string doing) {
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
    // Whether the job is over; its result is told on the last line.
    bool finish(Job& job) {
        auto answer = job.client.next<wire::Progress>(Span{0});
        if (answer && !*answer)
            return false;
        if (!answer)
            message_ = job.doing + " " + job.unit + ": " + answer.error().message;
        else if (!(*answer)->value.results.empty())
            message_ = result_view(Style{}, (*answer)->value.results[0]);
        next_ = 0; // look at once
        return true;
    }

    // The log of the selected unit, on the ordinary screen, until a key is pressed.
    void follow() {
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
            // Any key but those that scroll; nobody at the keyboard any more: none.
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
        next_ = 0;
    }

    // ---- keys -----------------------------------------------------------------------------------------------------------

    void wait() {
        std::vector<pollfd> all{{0, POLLIN, 0}, {screen_.signals(), POLLIN, 0}};
        if (client_) // also unasked: that it is gone is to be seen
            all.push_back({client_->descriptor(), POLLIN, 0});
        const std::size_t first_job = all.size();
        for (const Job& job : jobs_)
            all.push_back({job.client.descriptor(), POLLIN, 0});
        std::int64_t timeout =
            paused_ || asked_ ? -1 : std::max<std::int64_t>(0, (next_ - monotonic_now() + 999) / 1000);
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
    void on_signal(int signal) {
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
    void on_key(const Key& key) {
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
    void on_filter_key(const Key& key) {
        std::string text = table_.filtered();
        if (key.kind == Key::Kind::text)
            text += key.text;
        else if (key.kind == Key::Kind::backspace && !text.empty())
            do // a whole character
                text.pop_back();
            while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80 && text.size() > 1);
        else if (key.kind == Key::Kind::escape)
            text.clear();
        if (key.kind == Key::Kind::escape || key.kind == Key::Kind::enter)
            mode_ = Mode::table;
        table_.filter(std::move(text));
    }
    void on_confirm_key(const Key& key) {
        mode_ = Mode::table;
        message_.clear();
        if (key.kind == Key::Kind::text && (key.text == "y" || key.text == "Y"))
            act<wire::Stop>("stopping");
    }
    void on_table_key(const Key& key) {
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
            next_ = 0;
            break;
        case 'p':
            paused_ = !paused_;
            next_ = 0;
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

    // ---- what is seen ---------------------------------------------------------------------------------------------------

    std::string first_line(unsigned width) const {
        std::string text = "miniinit " + harmless(overview_.version) + " · " + std::to_string(table_.size()) + " units";
        if (failed_ > 0)
            text += ", " + std::to_string(failed_) + " failed";
        if (!table_.filtered().empty())
            text += " with \"" + harmless(table_.filtered()) + "\"";
        if (paused_)
            text += " · paused";
        if (!machine_.empty())
            text += " · " + machine_;
        return paint(context_.out, failed_ > 0 ? Colour::bad : Colour::strong, fitted(text, width));
    }
    std::string last_line(unsigned width) const {
        switch (mode_) {
        case Mode::filter: return fitted("/" + harmless(table_.filtered()) + "█ (Enter keeps it, Esc drops it)", width);
        case Mode::confirm:
            return paint(context_.out, Colour::busy,
                         fitted("stop " + harmless(table_.selected()) + ", and what needs it? y/n", width));
        case Mode::help: return fitted("any key comes back", width);
        case Mode::table: break;
        }
        if (!trouble_.empty())
            return paint(context_.out, Colour::bad, fitted(trouble_, width));
        if (!message_.empty())
            return fitted(harmless(message_.substr(0, message_.find('\n'))), width);
        return paint(context_.out, Colour::faint,
                     fitted("q quit  h help  l log  S start  X stop  R restart  / filter  c m t n s sort", width));
    }
    static std::vector<std::string> help_lines() {
        return {"Up, Down, PgUp, PgDn, Home, End, j, k   select a unit",
                "c m t r u n s   sort by CPU, memory, tasks, restarts, uptime, name, state;",
                "                again: the other way round",
                "l, Enter        follow the log of the unit",
                "S, X, R         start, stop (asks first), restart it",
                "/               show only units whose name contains what is typed; Esc: all again",
                "a               also what is down, done or a target",
                "p               pause, and go on",
                "q, Ctrl-C       quit",
                "",
                "CPU% is of one processor, since the look before; memory and tasks are those of the cgroup.",
                "`-` stands for what the kernel does not tell."};
    }
    void draw() {
        const Screen::Size size = screen_.size();
        std::vector<std::string> lines;
        if (size.rows > 2)
            lines.push_back(first_line(size.columns));
        const auto room = static_cast<unsigned>(size.rows - lines.size() - (size.rows > 1 ? 1 : 0));
        if (mode_ == Mode::help) {
            for (const std::string& line : help_lines())
                if (lines.size() + 1 < size.rows)
                    lines.push_back(fitted(line, size.columns));
        } else {
            const std::vector<std::string> table =
                table_.lines(context_.out, size.columns, room, monotonic_now(), last_said());
            for (std::size_t i = 0; i < table.size() && i < room; ++i)
                lines.push_back(i == 0 ? "\033[4m" + table[i] + "\033[0m" : table[i]);
        }
        while (lines.size() + 1 < size.rows)
            lines.emplace_back();
        if (size.rows > 1)
            lines.push_back(last_line(size.columns));
        std::string frame = "\033[H";
        for (std::size_t i = 0; i < lines.size(); ++i)
            frame += (i == 0 ? "" : "\r\n") + lines[i] + "\033[K";
        frame += "\033[J";
        if (!write_all(1, frame))
            over_ = true;
    }
    TopTable::LastLine last_said() {
        return [this](const std::string& unit) {
            // Once a look, however often that is drawn.
            auto [at, is_new] = said_.try_emplace(unit);
            if (is_new)
                at->second = last_words(overview_.log_directory, unit);
            return at->second;
        };
    }

    Context& context_;
    Screen screen_;
    TopTable table_;
    KeyReader keys_;
    wire::Overview overview_;
    std::optional<Client> client_;
    std::vector<wire::UnitStatus> coming_; // of a reply that is not whole yet
    std::vector<Job> jobs_;
    std::map<std::string, std::string> said_; // by unit, since the last look
    std::string message_, trouble_, machine_;
    std::size_t failed_ = 0, looks_ = 0;
    std::int64_t delay_, next_ = 0;
    Mode mode_ = Mode::table;
    bool asked_ = false, paused_ = false, over_ = false;
};

// Tables one after the other, for a file or another program.
int print_tables(Context& context, TopOrder order, unsigned count) {
    auto client = context.connect();
    if (!client)
        return context.fail(client.error());
    auto overview = client->call(wire::GetOverview{});
    if (!overview)
        return context.fail(overview.error());
    const auto delay =
        static_cast<int>(context.arguments.every
                             ? std::chrono::duration_cast<std::chrono::milliseconds>(*context.arguments.every).count()
                             : usual_delay / 1000);
    auto last = [&](const std::string& unit) { return last_words(overview->log_directory, unit); };
    TopTable table;
    if (order != TopOrder::cpu) // it is so from the beginning
        table.order_by(order);
    table.show_all(context.arguments.all);
    for (unsigned look = 0; look <= count; ++look) {
        // What is used in a time needs two looks: so there is one more, and it is not printed.
        if (look > 0)
            (void)::poll(nullptr, 0, look == 1 ? std::min(delay, static_cast<int>(first_delay / 1000)) : delay);
        auto all = list_of(*client, {.all = context.arguments.all, .usage = true});
        if (!all)
            return context.fail(all.error());
        table.update(std::move(all->units), monotonic_now());
        if (look == 0)
            continue;
        std::string text = look > 1 && !context.arguments.json ? "\n" : "";
        if (context.arguments.json)
            text += wire::json_of(table.told(last)) + "\n";
        else
            for (const std::string& line : table.lines(context.out, context.out.width, 0, monotonic_now(), last))
                text += line + "\n";
        if (const int code = context.print(text); code != done)
            return code;
    }
    return done;
}

} // namespace

int show_top(Context& context) {
    const Arguments& arguments = context.arguments;
    TopOrder order = TopOrder::cpu;
    if (!arguments.sort.empty() && !order_named(arguments.sort, order))
        return context.fail(
            "--sort: not one of cpu, memory, tasks, restarts, uptime, name, state: " + harmless(arguments.sort), usage);
    const char* kind = ::getenv("TERM");
    const bool dumb = kind == nullptr || std::string_view(kind) == "dumb";
    const bool plain = arguments.lines || arguments.json || dumb;
    std::optional<Screen> screen = plain ? std::nullopt : Screen::open();
    if (!screen)
        return print_tables(context, order, arguments.lines.value_or(1));
    Top top(context, std::move(*screen));
    if (order != TopOrder::cpu)
        top.table().order_by(order);
    return top.run();
}

} // namespace mi::ctl
