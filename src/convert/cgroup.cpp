// What systemd calls resource control: the keys of [cgroup].
#include "base/text.hpp"
#include "convert/draft.hpp"
#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

constexpr Table here = Table::cgroup;

class Cgroup {
public:
    explicit Cgroup(Draft& draft) : draft_(draft) {}

    void run() {
        amount("MemoryMax", "memory-max", "MemoryLimit");
        amount("MemoryHigh", "memory-high");
        amount("MemorySwapMax", "memory-swap-max");
        amount("TasksMax", "pids-max");
        quota();
        weight("CPUWeight", "cpu-weight", 1, 10000, 1);
        weight("IOWeight", "io-weight", 1, 10000, 1);
        if (!draft_.sheet.has(here, "cpu-weight"))
            weight("CPUShares", "cpu-weight", 2, 262144, 1024);
        if (!draft_.sheet.has(here, "io-weight"))
            weight("BlockIOWeight", "io-weight", 10, 1000, 500);
        delegate();
        accounting();
    }

private:
    void say(const Assignment* of, Weight weight, std::string_view why) {
        if (of != nullptr)
            draft_.say(*of, here, weight, why);
    }

    void amount(std::string_view key, std::string_view ours, std::string_view older = {}) {
        const Assignment* of = draft_.last(key);
        if (const Assignment* other = older.empty() ? nullptr : draft_.last(older); of == nullptr)
            of = other;
        if (of == nullptr)
            return;
        std::optional<Size> bytes = byte_size(of->value);
        if (!bytes)
            return say(of, Weight::lost, "it is no amount");
        if (bytes->percent)
            return say(of, Weight::lost, "there are no shares of what the machine has: write the amount");
        draft_.sheet.set(here, ours, bytes->infinite ? "\"unlimited\"" : std::to_string(bytes->number));
    }

    void quota() {
        const Assignment* of = draft_.last("CPUQuota");
        if (const Assignment* period = draft_.last("CPUQuotaPeriodSec"))
            say(period, Weight::lost, "the period of `cpu-max` is the kernel's");
        if (of == nullptr)
            return;
        std::string_view number = of->value;
        if (number.ends_with('%'))
            number.remove_suffix(1);
        std::optional<unsigned> percent = to_number<unsigned>(number);
        if (percent && *percent > 0 && *percent <= 1'000'000 && of->value.ends_with('%'))
            draft_.sheet.set_text(here, "cpu-max", std::to_string(*percent) + "%");
        else
            say(of, Weight::lost, "it is no whole percentage");
    }

    // A weight whose usual value is `usual`, where ours is 100 (`usual` 1: it is the same).
    void weight(std::string_view key, std::string_view ours, std::int64_t low, std::int64_t high, std::int64_t usual) {
        const Assignment* of = draft_.last(key);
        if (of == nullptr)
            return;
        std::optional<std::int64_t> number = whole(of->value);
        if (!number || *number < low || *number > high)
            return say(of, Weight::lost, "it is no weight from " + std::to_string(low) + " to " + std::to_string(high));
        const std::int64_t scaled = usual == 1 ? *number : std::clamp<std::int64_t>(*number * 100 / usual, 1, 10000);
        draft_.sheet.set(here, ours, std::to_string(scaled));
    }

    void delegate() {
        const Assignment* of = draft_.last("Delegate");
        if (of == nullptr || truth(of->value) == false)
            return;
        draft_.sheet.set(here, "delegate", "true");
        if (!truth(of->value))
            say(of, Weight::near, "all controllers are delegated");
    }

    void accounting() {
        for (std::string_view key :
             {"CPUAccounting", "MemoryAccounting", "TasksAccounting", "IOAccounting", "BlockIOAccounting"})
            if (const Assignment* of = draft_.last(key))
                say(of, Weight::note, "what can be counted is counted");
        if (const Assignment* slice = draft_.last("Slice"))
            say(slice, slice->value == "system.slice" ? Weight::note : Weight::lost,
                "cgroups of services stand side by side");
    }

    Draft& draft_;
};

} // namespace

void convert_cgroup(Draft& draft) { Cgroup(draft).run(); }

} // namespace mi::convert
