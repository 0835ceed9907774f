#include "daemon/notify/parent_notify.hpp"

#include "base/count.hpp"
#include "daemon/units/boot_target.hpp"
#include "os/machine/credential.hpp"
#include "os/machine/virtual_machine.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace mi::daemon {

using core::Phase;

namespace {

// Between two attempts to tell the host, and for how long in all.
constexpr Span first_pause = std::chrono::milliseconds(20), longest_pause = std::chrono::seconds(2);
constexpr Span patience = std::chrono::minutes(2);
constexpr Span last_patience = std::chrono::seconds(1);

// The address they gave us. The machine's own init has no supervisor.
std::string_view address(const Context& context, bool has_entry) {
    constexpr std::string_view key = "NOTIFY_SOCKET=";
    if (context.place.system() || has_entry)
        return {};
    for (std::string_view variable : context.surroundings.environment)
        if (variable.starts_with(key))
            return variable.substr(key.size());
    return {};
}

} // namespace

HostWish host_wish(const std::string& word, const std::vector<std::string>& kernel_words) {
    if (!word.empty())
        return {word};
    std::string address = os::machine_credential("vmm.notify_socket", kernel_words);
    const bool none = address.empty();
    return {std::move(address), none && os::in_virtual_machine()};
}

ParentNotify::ParentNotify(Context& context, const BootTarget& target, bool has_entry, HostWish host)
    : context_(context), target_(target), client_(address(context, has_entry)), wish_(std::move(host)) {
    find_host();
}

void ParentNotify::find_host() {
    if (wish_.address.empty())
        return;
    if (auto address = os::parse_host_address(wish_.address))
        host_ = os::HostChannel(*std::move(address));
    else
        context_.say(Priority::warning,
                     "cannot tell the host: \"" + wish_.address + "\" is not " + std::string(os::host_addresses));
}

void ParentNotify::tell(const std::string& text) {
    client_.send(text);
    host_.add(text);
    pause_ = first_pause;
    attempt(context_.now);
}

// A supervisor that does not listen yet is tried again, less and less often, and given up in the end.
void ParentNotify::attempt(Instant now) {
    const bool waited = since_ != never;
    again_ = never;
    if (host_.attempt()) {
        since_ = never;
        context_.manager_moved = context_.manager_moved || waited;
        return;
    }
    since_ = waited ? since_ : now;
    if (now - since_ >= patience) {
        context_.say(Priority::warning, "the host is not told how we are: " + host_.trouble());
        host_.give_up();
        since_ = never;
        return;
    }
    again_ = now + pause_;
    pause_ = std::min(pause_ * 2, longest_pause);
}

void ParentNotify::tell_starting() {
    if (host_.wanted())
        tell("STATUS=starting " + target_.name());
}

void ParentNotify::tell_end(int code) {
    if (!host_.wanted())
        return;
    host_.add("EXIT_STATUS=" + std::to_string(code));
    host_.finish(last_patience);
}

bool ParentNotify::ready() const {
    if (core::UnitId target = target_.id(); target != core::no_unit)
        return core::good(context_.record(target).phase);
    return target_.name().empty() && context_.engine.coming_units() == 0;
}

void ParentNotify::turn_ends() {
    if (told_ready_ || context_.engine.halting() || (!client_.wanted() && !host_.wanted() && !wish_.may_come_late) ||
        !ready())
        return;
    if (std::exchange(wish_.may_come_late, false)) {
        wish_ = host_wish({}, {});
        wish_.may_come_late = false;
        find_host();
    }
    told_ready_ = true;
    context_.manager_moved = true;
    std::size_t up = 0, failed = 0;
    for (core::UnitId id : context_.graph().ids()) {
        const Phase phase = context_.record(id).phase;
        up += context_.unit(id).kind == core::Kind::service && core::active(phase) ? 1 : 0;
        failed += core::has_failed(phase, context_.unit(id).masked) || phase == Phase::backoff ? 1 : 0;
    }
    tell("READY=1\nSTATUS=" + counted(up, "service is up", "services are up") +
         (failed > 0 ? ", " + std::to_string(failed) + " failed" : ""));
}

} // namespace mi::daemon
