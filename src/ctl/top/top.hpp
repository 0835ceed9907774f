// `minictl top` on a terminal: the units and what they use, kept up to date with one request for each look; keys sort, start,
// stop and follow logs.
#pragma once

#include "ctl/client.hpp"
#include "ctl/context.hpp"
#include "ctl/top/keys.hpp"
#include "ctl/top/screen.hpp"
#include "ctl/top/top_table.hpp"
#include "wire/messages.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mi::ctl {

class Top {
public:
    // Microseconds between two looks, where --every says nothing else; and until the second, as what is used in a time needs two.
    static constexpr std::int64_t usual_delay = 2'000'000, first_delay = 500'000;

    Top(Context& context, Screen screen);
    [[nodiscard]] TopTable& table() { return table_; }

    // Until it is quit; the exit code of the verb.
    int run();

private:
    enum class Mode : std::uint8_t { table, filter, confirm, help };
    // Something that was asked of the init, and not answered yet.
    struct Job {
        Client client;
        std::string doing, unit;
    };

    std::optional<Failure> connect();
    void lost(const Failure& failure);
    void ask();
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
    wire::Overview overview_;
    std::optional<Client> client_;
    std::vector<wire::UnitStatus> coming_; // of a reply that is not whole yet
    std::vector<Job> jobs_;
    std::map<std::string, std::string> said_; // by unit, since the last look
    std::string message_, trouble_;
    std::vector<std::string> machine_; // what is said of it
    std::size_t failed_ = 0, looks_ = 0;
    std::int64_t delay_, next_ = 0;
    Mode mode_ = Mode::table;
    bool asked_ = false, paused_ = false, over_ = false;
};

} // namespace mi::ctl
