// Lives of simulated machines, one for each seed; see life.hpp. The first thing that is wrong ends the program, with its seed.
#include "base/clock.hpp"
#include "base/text.hpp"
#include "sim/life.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

using namespace mi;

namespace {

struct Order {
    std::uint64_t lives = 100, seed = 1;
    unsigned units = 200;
    bool told = false;
};

int usage() {
    std::fputs("usage: simulation [--lives N] [--seed N] [--units N] [--tell 1]\n"
               "  --seed N   the first seed; the others follow. One life: --lives 1\n"
               "  --tell 1   prints what happens\n",
               stderr);
    return 2;
}

std::size_t open_descriptors() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

// Nothing where all was well; else what was wrong.
std::string live(std::uint64_t seed, const Order& order, sim::Totals& totals) {
    const std::size_t before = open_descriptors();
    try {
        sim::Life(seed, order.units, order.told, totals).live();
    } catch (const sim::Violation& violation) {
        return violation.what;
    }
    if (const std::size_t after = open_descriptors(); after != before)
        return "there were " + std::to_string(before) + " descriptors before it, and " + std::to_string(after) +
               " after it";
    return {};
}

} // namespace

int main(int argc, char** argv) {
    Order order;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view option = argv[i];
        const auto number = to_number<std::uint64_t>(argv[i + 1]);
        if (!number)
            return usage();
        if (option == "--lives")
            order.lives = *number;
        else if (option == "--seed")
            order.seed = *number;
        else if (option == "--units")
            order.units = static_cast<unsigned>(*number);
        else if (option == "--tell")
            order.told = *number != 0;
        else
            return usage();
    }
    if (argc % 2 == 0)
        return usage();
    (void)std::signal(SIGPIPE, SIG_IGN); // as in PID 1, where all signals are blocked
    sim::Totals totals;
    const Instant began = monotonic_now();
    for (std::uint64_t seed = order.seed; seed < order.seed + order.lives; ++seed)
        if (const std::string wrong = live(seed, order, totals); !wrong.empty()) {
            std::printf("not ok - %s\nit is lived again by: simulation --seed %llu --lives 1 --units %u\n",
                        wrong.c_str(), static_cast<unsigned long long>(seed), order.units);
            return 1;
        }
    const double seconds = std::chrono::duration<double>(monotonic_now() - began).count();
    const double hours = std::chrono::duration<double>(totals.simulated).count() / 3600;
    std::printf("ok - %llu lives of %u units: %.0f hours, %llu turns, %llu kernel calls, %llu starts, %llu commands, "
                "%llu crashes, after %llu of which all is compared; in %.1f s\n",
                static_cast<unsigned long long>(totals.lives), order.units, hours,
                static_cast<unsigned long long>(totals.turns), static_cast<unsigned long long>(totals.calls),
                static_cast<unsigned long long>(totals.starts), static_cast<unsigned long long>(totals.commands),
                static_cast<unsigned long long>(totals.crashes), static_cast<unsigned long long>(totals.compared),
                seconds);
    return 0;
}
