#include "ctl/top/top_feed.hpp"

#include "base/clock.hpp"

#include <algorithm>
#include <utility>

namespace mi::ctl {

TopFeed::TopFeed(Context& context) : context_(context) {
    delay_ = context.arguments.every
                 ? std::chrono::duration_cast<std::chrono::microseconds>(*context.arguments.every).count()
                 : usual_delay;
}

std::optional<Failure> TopFeed::connect() {
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

// The connection has ended (also because the init was executed again): connect again at the next refresh.
void TopFeed::lost(const Failure& failure) {
    client_.reset();
    asked_ = false;
    trouble_ = harmless(failure.message.substr(0, failure.message.find('\n'))) + "; trying again";
    next_ = micros(monotonic_now()) + std::min(delay_, first_delay);
}

void TopFeed::ask(bool all) {
    if (asked_ || micros(monotonic_now()) < next_)
        return;
    if (!client_)
        if (auto failure = connect())
            return lost(*failure);
    coming_.clear();
    if (auto failure = client_->send(wire::List{.all = all, .usage = true}, true))
        return lost(*failure);
    asked_ = true;
}

std::optional<std::vector<wire::UnitStatus>> TopFeed::hear() {
    for (;;) {
        auto answer = client_->next<wire::Units>(Span{0});
        if (!answer)
            lost(answer.error());
        if (!answer || !*answer)
            return std::nullopt;
        std::ranges::move((*answer)->value.units, std::back_inserter(coming_));
        if (!(*answer)->continues)
            break;
    }
    asked_ = false;
    trouble_.clear();
    // CPU usage needs two refreshes: make the second one soon.
    next_ = micros(monotonic_now()) + (looks_++ == 0 ? std::min(delay_, first_delay) : delay_);
    return std::exchange(coming_, {});
}

std::optional<std::int64_t> TopFeed::wait() const {
    return asked_ ? std::nullopt : std::optional(std::max<std::int64_t>(0, next_ - micros(monotonic_now())));
}

} // namespace mi::ctl
