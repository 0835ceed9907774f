// What `minictl top` shows, as the init tells it: asks for the units again and again, and connects again after the connection
// was lost.
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
    // Microseconds between two looks, where --every says nothing else; and until the second, as what is used in a time needs two.
    static constexpr std::int64_t usual_delay = 2'000'000, first_delay = 500'000;

    explicit TopFeed(Context& context);

    [[nodiscard]] std::optional<Failure> connect();
    // Asks for the units, all of them or those of interest, if it is time for that.
    void ask(bool all);
    // The descriptor that becomes readable with an answer, or when the init is gone; -1: there is no connection.
    [[nodiscard]] int descriptor() const { return client_ ? client_->descriptor() : -1; }
    // Takes what has come: the units, once the answer is whole.
    [[nodiscard]] std::optional<std::vector<wire::UnitStatus>> hear();
    // The next look is due now.
    void hurry() { next_ = 0; }
    // Microseconds until the next look; none: an answer is still to come.
    [[nodiscard]] std::optional<std::int64_t> wait() const;

    [[nodiscard]] const wire::Overview& overview() const { return overview_; }
    // Why there is nothing new at present; empty: there is.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

private:
    void lost(const Failure& failure);

    Context& context_;
    wire::Overview overview_;
    std::optional<Client> client_;
    std::vector<wire::UnitStatus> coming_; // of a reply that is not whole yet
    std::string trouble_;
    std::size_t looks_ = 0;
    std::int64_t delay_, next_ = 0;
    bool asked_ = false;
};

} // namespace mi::ctl
