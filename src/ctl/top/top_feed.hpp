// Gets the data for `minictl top` from the init: asks for the units repeatedly, and reconnects after the connection was
// lost.
#pragma once

#include "ctl/client.hpp"
#include "ctl/context.hpp"
#include "wire/messages.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mi::ctl {

class TopFeed {
public:
    // Microseconds between two refreshes without --delay; and until the second refresh, because CPU usage needs two.
    static constexpr std::int64_t usual_delay = 2'000'000, first_delay = 500'000;

    explicit TopFeed(Context& context);

    [[nodiscard]] std::optional<Failure> connect();
    // Asks for the units if it is time: for all of them, or only those that are not down.
    void ask(bool all);
    // Readable when an answer has arrived, or the init has gone; -1: there is no connection.
    [[nodiscard]] int descriptor() const { return client_ ? client_->descriptor() : -1; }
    // Reads without waiting; returns the units once the answer is complete.
    [[nodiscard]] std::optional<std::vector<wire::UnitStatus>> hear();
    // Makes the next refresh due now.
    void hurry() { next_ = 0; }
    // Microseconds until the next refresh; nullopt: an answer is still expected.
    [[nodiscard]] std::optional<std::int64_t> wait() const;

    [[nodiscard]] const wire::Overview& overview() const { return overview_; }
    // The reason why there is no new data; empty: there is.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

private:
    void lost(const Failure& failure);

    Context& context_;
    wire::Overview overview_;
    std::optional<Client> client_;
    std::vector<wire::UnitStatus> coming_; // from a reply that is not complete yet
    std::string trouble_;
    std::size_t looks_ = 0;
    std::int64_t delay_, next_ = 0;
    bool asked_ = false;
};

} // namespace mi::ctl
