// `minictl top` on a terminal: the units and their usage, with one request for each refresh; keys sort, start, stop and
// follow logs.
#pragma once

#include "ctl/client.hpp"
#include "ctl/context.hpp"
#include "ctl/top/keys.hpp"
#include "ctl/top/screen.hpp"
#include "ctl/top/top_feed.hpp"
#include "ctl/top/top_table.hpp"
#include "wire/messages.hpp"

#include <map>
#include <string>
#include <vector>

namespace mi::ctl {

class Top {
public:
    Top(Context& context, Screen screen);
    [[nodiscard]] TopTable& table() { return table_; }

    // Runs until the user quits; returns the exit code of the verb.
    int run();

private:
    enum class Mode : std::uint8_t { table, filter, confirm, help };
    // A request to the init that is not answered yet.
    struct Job {
        Client client;
        std::string doing, unit;
    };

    void hear();
    void wait();

    template <typename R>
    void act(std::string doing);
    bool finish(Job& job);
    void follow();

    void on_signal(int signal);
    void on_key(const Key& key);
    void on_filter_key(const Key& key);
    void on_confirm_key(const Key& key);
    void on_table_key(const Key& key);

    [[nodiscard]] std::string first_line(unsigned width) const;
    [[nodiscard]] std::string last_line(unsigned width) const;
    void draw();
    TopTable::LastLine last_said();

    Context& context_;
    Screen screen_;
    TopTable table_;
    KeyReader keys_;
    TopFeed feed_;
    std::vector<Job> jobs_;
    std::map<std::string, std::string> said_; // by unit, since the last refresh
    std::string message_;
    std::vector<std::string> machine_; // words about the machine
    std::size_t failed_ = 0;
    Mode mode_ = Mode::table;
    bool paused_ = false, over_ = false;
};

} // namespace mi::ctl
