#include "ctl/listing.hpp"

#include <algorithm>

namespace mi::ctl {

std::expected<wire::Units, Failure> list_of(Client& client, const wire::List& request) {
    if (auto failure = client.send(request, true))
        return std::unexpected(std::move(*failure));
    wire::Units all;
    for (bool continues = true; continues;) {
        auto answer = client.next<wire::Units>(Client::quick);
        if (!answer)
            return std::unexpected(answer.error());
        if (!*answer)
            return std::unexpected(Failure{"the init does not answer"});
        std::ranges::move((*answer)->value.units, std::back_inserter(all.units));
        continues = (*answer)->continues;
    }
    std::ranges::sort(all.units, {}, &wire::UnitStatus::name);
    return all;
}

} // namespace mi::ctl
