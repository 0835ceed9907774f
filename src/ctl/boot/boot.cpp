#include "ctl/boot/boot.hpp"

#include "base/clock.hpp"
#include "ctl/listing.hpp"
#include "ctl/text/terminal.hpp"

#include <algorithm>
#include <tuple>

namespace mi::ctl {

namespace {

// In microseconds: all units that are wanted at boot start to wait within this time after the unit files are read.
constexpr std::int64_t first_turn = 100'000;

std::optional<std::int64_t> end_of(const Boot& boot) {
    if (boot.target_reached || !boot.overview.target.empty())
        return boot.target_reached;
    const std::int64_t loaded = boot.units_loaded.value_or(boot.init);
    std::int64_t last = loaded;
    for (const BootUnit& unit : boot.units) {
        if (!unit.first || unit.first->waiting > loaded + first_turn)
            continue;
        if (!settled(unit))
            return std::nullopt;
        last = std::max(last, *settled(unit));
    }
    return last;
}

} // namespace

std::optional<std::size_t> Boot::find(std::string_view name) const {
    auto at = std::ranges::lower_bound(units, name, {}, &BootUnit::name);
    if (at == units.end() || at->name != name)
        return std::nullopt;
    return static_cast<std::size_t>(at - units.begin());
}

std::optional<std::size_t> Boot::goal() const {
    if (!overview.target.empty())
        if (auto at = find(overview.target))
            return at;
    std::optional<std::size_t> last;
    for (std::size_t i = 0; i < units.size(); ++i)
        if (took_part(units[i]) && settled(units[i]) && (!last || *settled(units[i]) > *settled(units[*last])))
            last = i;
    return last;
}

bool Boot::took_part(const BootUnit& unit) const { return unit.first && (!end || unit.first->waiting <= *end); }

std::expected<Boot, Failure> read_boot(Client& client) {
    Boot boot;
    auto overview = client.call(wire::GetOverview{});
    if (!overview)
        return std::unexpected(overview.error());
    boot.overview = std::move(*overview);
    auto times = client.call(wire::BootTimes{});
    if (!times)
        return std::unexpected(times.error());
    auto tree = client.call(wire::Tree{.order = true, .whole = true});
    if (!tree)
        return std::unexpected(tree.error());
    auto all = list_of(client, {.all = true});
    if (!all)
        return std::unexpected(all.error());
    boot.init = times->init;
    boot.units_loaded = times->units_loaded;
    boot.target_reached = times->target_reached;
    boot.now = micros(monotonic_now());
    for (wire::UnitStatus& one : all->units)
        boot.units.push_back({.name = std::move(one.name),
                              .description = std::move(one.description),
                              .kind = one.kind,
                              .state = one.state,
                              .reason = std::move(one.reason),
                              .cause = std::move(one.cause),
                              .exit = std::move(one.last_exit),
                              .pid = one.main_pid});
    for (wire::UnitTime& time : times->units)
        if (auto at = boot.find(time.unit))
            boot.units[*at].first = time.first;
    // An older init reports no first starts: then its units have no times.
    for (const wire::TreeNode& node : tree->nodes) {
        auto at = boot.find(node.unit);
        if (!at)
            continue;
        for (const wire::TreeEdge& edge : node.edges)
            if (auto other = boot.find(edge.unit)) {
                if (edge.relation == core::Relation::conflict)
                    boot.units[*at].conflicts.push_back(*other);
                else
                    boot.units[*at].needs.push_back({*other, edge.relation});
            }
    }
    boot.end = end_of(boot);
    return boot;
}

std::optional<std::int64_t> settled(const BootUnit& unit) {
    if (!unit.first)
        return std::nullopt;
    return unit.first->up ? unit.first->up : unit.first->ended;
}

std::optional<std::int64_t> took(const Boot& boot, const BootUnit& unit) {
    if (!unit.first || !unit.first->starting)
        return std::nullopt;
    return settled(unit).value_or(boot.now) - *unit.first->starting;
}

std::optional<std::size_t> waited_for(const Boot& boot, std::size_t unit) {
    const BootUnit& one = boot.units[unit];
    if (!one.first)
        return std::nullopt;
    const auto began = one.first->starting;
    // If several settled at the same time, the one that began last counts: a target, and not the units it waited for.
    auto rank = [&](const BootUnit& other) {
        constexpr std::int64_t not_yet = INT64_MAX;
        return std::tuple(settled(other).value_or(not_yet), other.first->starting.value_or(0));
    };
    std::optional<std::size_t> last;
    for (const BootUnit::Need& need : one.needs) {
        const BootUnit& other = boot.units[need.unit];
        if (!other.first || (began && (!settled(other) || *settled(other) > *began)))
            continue;
        // The unit whose failure made this unit fail is the answer, even if others settled later.
        if (!began && one.first->ended && one.cause && other.name == *one.cause)
            return need.unit;
        if (!last || rank(other) > rank(boot.units[*last]))
            last = need.unit;
    }
    return last;
}

std::vector<ChainLink> chain_of(const Boot& boot, std::size_t unit) {
    std::vector<ChainLink> chain;
    std::vector<bool> seen(boot.units.size());
    for (std::optional<std::size_t> at = unit; at && !seen[*at];) {
        seen[*at] = true;
        const auto last = waited_for(boot, *at);
        ChainLink link{*at, 0};
        if (const auto& first = boot.units[*at].first; first && first->starting)
            link.gap = *first->starting - (last ? *settled(boot.units[*last]) : first->waiting);
        chain.push_back(link);
        at = last;
    }
    return chain;
}

} // namespace mi::ctl
