#include "daemon/recovery/state_store.hpp"

#include "daemon/control/control.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

namespace mi::daemon {

namespace {

state::EffectImage image_of(const core::Effect& effect) {
    return {effect.kind,   effect.unit, effect.role, effect.index, effect.scope,
            effect.number, effect.from, effect.to,   effect.ending};
}

state::ExitImage image_of(const os::Exit& exit) {
    using Kind = core::ExitStatus::Kind;
    return {exit.pid, exit.code, exit.kind == os::Exit::Kind::killed ? Kind::signal : Kind::code, exit.core};
}

} // namespace

// What follows from what is saved by now is saved too, as things to do.
void StateStore::put_effects(std::string& frame) {
    effects_.save([&](const core::Effect& effect) { state::put_item(frame, state::Tag::effect, image_of(effect)); });
}

void StateStore::put_exits(std::string& frame, std::size_t from) const {
    for (std::size_t i = from; i < exits_.exits.size(); ++i)
        state::put_item(frame, state::Tag::exit, image_of(exits_.exits[i]));
}

void StateStore::save_all(bool bytes) {
    std::string& frame = keeper_->frame();
    state::put_item(frame, state::Tag::manager, source_.image_of_manager());
    units_in_base_ = 0;
    for (core::UnitId id : context_.graph().ids()) {
        if (source_.is_blank(id))
            continue;
        state::put_item(frame, state::Tag::unit, source_.image_of_unit(id));
        ++units_in_base_;
    }
    for (const auto& [pid, known] : processes_.known())
        state::put_item(frame, state::Tag::process, source_.image_of_process(pid));
    for (const auto& [id, stream] : context_.logs.streams().all())
        state::put_item(frame, state::Tag::stream, context_.logs.streams().tell(id));
    if (control_ != nullptr)
        for (int fd : control_->clients().all())
            state::put_item(frame, state::Tag::client, source_.image_of_client(fd, bytes));
    effects_.save_anew();
    spawn_saved_ = false;
    put_effects(frame);
    put_exits(frame, exits_.at);
    exits_.done = 0;
    if (auto kept = keeper_->rebase(); !kept && !std::exchange(said_not_kept_, true))
        context_.say(Priority::err, kept.error().text() + "; a crash would find an older one");
}

// What came or went is saved, or nothing is.
void StateStore::drop_moved() {
    processes_.moved().clear();
    context_.logs.streams().moved().clear();
    if (control_ != nullptr)
        control_->clients().moved().clear();
}

void StateStore::save() {
    if (paused_)
        return;
    context_.engine.take_changes(changes_);
    if (!keeper_) {
        drop_moved();
        return;
    }
    // What was applied has effects that were not taken yet: they belong to what it did to the records.
    effects_.push(context_.engine.take_effects());
    // More than there was before is best written as the new whole: it would have to follow at once.
    const bool all = changes_.all || changes_.units.size() > std::max<std::size_t>(units_in_base_, 16);
    std::string& frame = keeper_->frame();
    if (!all)
        save_moved(frame);
    drop_moved();
    (void)effects_.take_done();
    spawn_saved_ = false;
    if (all || (!frame.empty() && !keeper_->append()))
        save_all(false);
    if (guard_ != nullptr) // what came of those is saved now
        guard_->page().collected = 0;
}

void StateStore::save_moved(std::string& frame) {
    for (core::UnitId unit : changes_.units)
        state::put_item(frame, state::Tag::unit, source_.image_of_unit(unit));
    for (pid_t pid : processes_.moved())
        state::put_item(frame, state::Tag::process, source_.image_of_process(pid));
    for (StreamId stream : context_.logs.streams().moved())
        state::put_item(frame, state::Tag::stream, context_.logs.streams().tell(stream));
    if (control_ != nullptr)
        for (int fd : control_->clients().moved())
            state::put_item(frame, state::Tag::client, source_.image_of_client(fd, false));
    if (std::exchange(saved_halt_, context_.engine.halt()) != context_.engine.halt())
        context_.manager_moved = true;
    if (std::exchange(context_.manager_moved, false))
        state::put_item(frame, state::Tag::manager, source_.image_of_manager());
    if (effects_.done() > 0 || exits_.done > 0 || spawn_saved_)
        state::put_item(frame, state::Tag::done, state::DoneImage{effects_.done(), exits_.done});
    exits_.done = 0;
    put_effects(frame);
}

void StateStore::save_exits() {
    if (!keeper_ || exits_.exits.empty() || paused_)
        return;
    put_exits(keeper_->frame(), 0);
    if (!keeper_->append())
        save_all(false);
}

void StateStore::save_spawn(core::UnitId unit, core::Role role, const os::Start& start, const Launch& launch) {
    if (!keeper_ || paused_)
        return;
    if (spawn_saved_) // there is room for one: the one before it is saved as a process first
        save();
    auto append = [&] {
        std::string& frame = keeper_->frame();
        // What only some units have is in the item of the unit alone.
        const OwnedDirectories& own = context_.units[unit].own;
        if (!own.temporary.empty() || !own.runtime.empty() || own.network)
            state::put_item(frame, state::Tag::unit, source_.image_of_unit(unit));
        state::put_item(frame, state::Tag::spawn, source_.image_of_spawn(unit, role, start, launch));
        return keeper_->append();
    };
    if (!append()) { // too long for it: it is the first that follows a whole new state
        save_all(false);
        (void)append();
    }
    spawn_saved_ = true;
}

std::expected<Fd, std::string> StateStore::copy() {
    save_all(true);
    Fd copy(::memfd_create("miniinit-state", MFD_CLOEXEC));
    auto copied = copy ? Keeper::on(copy.get()) : Result<Keeper>(fault(errno, "make memory for a copy of our state"));
    if (!copied)
        return std::unexpected(copied.error().text());
    copied->frame() = keeper_->written();
    if (auto written = copied->rebase(); !written)
        return std::unexpected(written.error().text());
    return copy;
}

} // namespace mi::daemon
