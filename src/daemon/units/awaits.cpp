#include "daemon/units/awaits.hpp"

#include "base/join.hpp"
#include "base/unreachable.hpp"
#include "core/await.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mi::daemon {

using core::Event;
using core::UnitId;

namespace {

constexpr Span moment = std::chrono::milliseconds(200); // until a device that goes is gone
constexpr Span rest = std::chrono::seconds(2); // to close an inotify descriptor earlier would take milliseconds

std::vector<os::Awaited> things_of(const core::Await& await) {
    using From = core::Awaited::Kind;
    using To = os::Awaited::Kind;
    std::vector<os::Awaited> things;
    for (const core::Awaited& each : await.things) {
        const To kind = each.kind == From::device      ? To::device
                        : each.kind == From::interface ? To::interface
                        : each.kind == From::address   ? To::address
                        : each.kind == From::mounted   ? To::mounted
                                                       : To::path;
        things.push_back({kind, each.name});
    }
    return things;
}

// "device /dev/ttyUSB0".
std::string words_for(const core::Awaited& thing) {
    constexpr std::string_view kinds[] = {"device ", "interface ", "address ", "mount ", "path "};
    const bool any = thing.kind == core::Awaited::Kind::address && thing.name == "any";
    return any ? "an address that other machines reach"
               : std::string(kinds[static_cast<std::size_t>(thing.kind)]) + thing.name;
}

std::optional<std::string> file_fault(int code) {
    if (code == 0)
        return std::nullopt;
    return code == ENOENT || code == ENOTDIR ? "" : code == ENODEV ? "it is no device" : ::strerrordesc_np(code);
}

} // namespace

void Awaits::unit_changed(UnitId unit, core::Phase, core::Phase) { take(unit); }

// What it names is looked at as soon as all that happens at this moment is done.
void Awaits::take(UnitId id) {
    if (core::awaits_presence(context_.unit(id), context_.record(id))) {
        if (units_.insert(id).second || context_.record(id).presence == core::Presence::unknown)
            look_at_ = context_.now;
    } else if (units_.erase(id) != 0 && units_.empty()) {
        look_at_ = std::min(look_at_, context_.now);
    }
}

void Awaits::units_reread() {
    units_.clear();
    for (UnitId id : context_.graph().ids())
        take(id);
    if (presence_)
        look_at_ = context_.now;
}

void Awaits::due(Instant now) {
    look_at_ = never;
    if (!units_.empty())
        return look();
    if (!presence_)
        return;
    if (std::exchange(watch_, nullptr)) {
        (void)presence_->watch({}, context_.surroundings.hanging);
        look_at_ = now + rest;
    } else {
        presence_.reset();
        said_.clear();
    }
}

void Awaits::look() {
    std::erase_if(units_, [this](UnitId id) { // its definition may have changed
        return !core::awaits_presence(context_.unit(id), context_.record(id));
    });
    if (!presence_)
        presence_ = context_.kernel.presence();
    if (!watch_ && presence_->fd() >= 0)
        watch_ = context_.watch(presence_->fd(), [this] { changed(); });
    std::vector<os::Awaited> all;
    for (UnitId id : units_)
        for (os::Awaited& thing : things_of(*context_.unit(id).await))
            all.push_back(std::move(thing));
    std::vector<std::string> words = presence_->watch(all, context_.surroundings.hanging);
    for (const std::string& each : words)
        if (std::ranges::find(said_, each) == said_.end())
            context_.say(Priority::warning, each);
    said_ = std::move(words);
    for (UnitId id : std::vector<UnitId>(units_.begin(), units_.end()))
        look_at(id);
}

void Awaits::look_at(UnitId id) {
    const std::vector<os::Awaited> things = things_of(*context_.unit(id).await);
    std::vector<os::PathQuestion> questions;
    for (const os::Awaited& thing : things)
        if (os::is_file(thing))
            questions.push_back({.kind = thing.kind == os::Awaited::Kind::device && !thing.name.starts_with("/sys/")
                                             ? os::PathQuestion::Kind::device
                                             : os::PathQuestion::Kind::exists,
                                 .path = thing.name});
    std::vector<std::optional<std::string>> faults = presence_->look(things);
    if (questions.empty())
        return answered(id, std::move(faults), os::PathAnswers{});
    inquiries_.ask(std::move(questions), context_.now + PathInquiries::patience,
                   [this, id, digest = context_.unit(id).digest,
                    faults = std::move(faults)](const PathInquiries::Answer& answers) {
                       if (units_.contains(id) && context_.unit(id).digest == digest)
                           answered(id, faults, answers);
                   });
}

void Awaits::answered(UnitId id, std::vector<std::optional<std::string>> faults, const PathInquiries::Answer& answers) {
    const std::vector<core::Awaited>& things = context_.unit(id).await->things;
    std::vector<std::string> missing;
    std::size_t next = 0;
    for (std::size_t i = 0; i < things.size(); ++i) {
        if (things[i].kind == core::Awaited::Kind::device || things[i].kind == core::Awaited::Kind::path)
            faults[i] = answers ? file_fault((*answers)[next++].code) : std::optional(answers.error());
        if (faults[i])
            missing.push_back(words_for(things[i]) + (faults[i]->empty() ? "" : " (" + *faults[i] + ")"));
    }
    tell(id, join(missing, ", "));
}

void Awaits::tell(UnitId id, const std::string& missing) {
    using core::Presence;
    const core::Record& record = context_.record(id);
    const Presence before = record.presence;
    if (missing.empty() ? before == Presence::there
                        : before != Presence::unknown && before != Presence::there && record.detail == missing)
        return;
    context_.now = context_.kernel.now();
    context_.apply({.kind = missing.empty() ? Event::Kind::all_there : Event::Kind::something_missing,
                    .unit = id,
                    .detail = missing});
    if (context_.observer != nullptr)
        context_.observer->status_changed(id);
    if (record.presence == Presence::missing || record.presence == Presence::missing_for_now)
        context_.log(id, Priority::info, "waits for " + missing);
    else if (record.presence == Presence::lost && before != Presence::lost)
        context_.log(id, Priority::warning, "what it awaits is gone: " + missing);
}

void Awaits::changed() {
    context_.now = context_.kernel.now();
    const os::Presence::Change change = presence_->take_change();
    if (change == os::Presence::Change::none)
        return;
    look();
    if (change == os::Presence::Change::soon)
        look_at_ = std::min(look_at_, context_.now + moment);
}

} // namespace mi::daemon
