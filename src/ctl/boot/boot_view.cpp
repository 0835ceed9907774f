#include "ctl/boot/boot_view.hpp"

#include "ctl/text/view.hpp"

#include <algorithm>
#include <tuple>

namespace mi::ctl {

Blame blame_of(const Boot& boot) {
    Blame blame;
    for (const BootUnit& unit : boot.units)
        // Leave out targets, which take no time of their own, and skipped units, which did nothing.
        if (auto time = took(boot, unit); time && unit.kind == core::Kind::service && boot.took_part(unit) &&
                                          unit.first->outcome != core::Phase::skipped)
            blame.units.push_back({unit.name, *time, *unit.first->starting - unit.first->waiting, *unit.first->starting,
                                   unit.first->up, unit.first->outcome});
    std::ranges::sort(blame.units, [](const auto& a, const auto& b) {
        return std::tie(b.took_usec, a.unit) < std::tie(a.took_usec, b.unit);
    });
    return blame;
}

std::string blame_view(const Style& style, const Blame& blame) {
    std::string text;
    for (const BlameUnit& unit : blame.units) {
        const std::string time = millis(unit.took_usec);
        text.append(time.size() < 11 ? 11 - time.size() : 0, ' ').append(time).append("  ").append(harmless(unit.unit));
        if (!unit.up)
            text += unit.outcome == core::Phase::starting ? paint(style, Colour::busy, " (is still starting)")
                                                          : paint(style, Colour::bad, " (did not come up)");
        text += '\n';
    }
    return text;
}

Chain chain_told(const Boot& boot, const std::vector<ChainLink>& chain) {
    Chain told;
    for (const ChainLink& link : chain) {
        const BootUnit& unit = boot.units[link.unit];
        ChainUnit& one = told.chain.emplace_back();
        one.unit = unit.name;
        one.took_usec = took(boot, unit);
        one.gap_usec = link.gap;
        if (unit.first) {
            one.starting = unit.first->starting;
            one.up = unit.first->up;
            one.outcome = unit.first->outcome;
        }
    }
    return told;
}

std::string chain_view(const Style& style, const Boot& boot, const std::vector<ChainLink>& chain) {
    // Shorter gaps, in microseconds, are only the init's own turn.
    constexpr std::int64_t noticeable = 2'000;
    std::string text, indent;
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const BootUnit& unit = boot.units[chain[i].unit];
        text += indent;
        if (i > 0) {
            text += "└─ ";
            indent += "   ";
        }
        text += harmless(unit.name);
        if (!unit.first) {
            text += paint(style, Colour::faint, " was not wanted in this boot") + "\n";
            continue;
        }
        const wire::FirstStart& first = *unit.first;
        if (first.starting)
            text += " @" + millis(*first.starting - boot.init);
        const std::int64_t time = took(boot, unit).value_or(0);
        if (time >= 1000)
            text += paint(style, Colour::bad, " +" + millis(time));
        if (first.starting && !settled(unit))
            text += " (is still starting)";
        else if (!first.starting && !settled(unit))
            text += " (is still waiting)";
        else if (first.outcome == core::Phase::skipped)
            text += paint(style, Colour::faint, " (skipped)");
        else if (!first.up)
            text += paint(style, Colour::bad, " (did not come up)");
        if (chain[i].gap >= noticeable)
            text += paint(style, Colour::faint, " (began " + millis(chain[i].gap) + " after it could have)");
        text += '\n';
    }
    return text;
}

} // namespace mi::ctl
