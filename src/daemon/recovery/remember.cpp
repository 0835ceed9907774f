// Keeping our state where the next program finds it: what has changed is written at the end of every turn, and before and
// after everything that cannot be taken back. Reading it again is resume.cpp's.
#include "daemon/supervisor.hpp"
#include "os/open_file.hpp"

#include <algorithm>
#include <tuple>

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

state::UnitImage Supervisor::image_of_unit(core::UnitId id) const {
    const std::string& name = context_.name(id);
    const UnitRun& live = context_.units[id];
    state::UnitImage image{.id = id, .name = name, .record = context_.record(id)};
    image.digest = live.digest;
    image.starting = live.starting.since_boot;
    image.up = live.up.since_boot;
    image.first = live.first;
    image.status = live.status;
    image.trouble = live.trouble;
    image.from_pid_file = live.from_pid_file;
    image.ready = live.ready.get();
    image.network = live.own.network.get();
    image.ready_inode = os::inode_of(image.ready);
    image.network_inode = os::inode_of(image.network);
    image.temporary = live.own.temporary;
    for (const os::Directory& directory : live.own.runtime)
        image.runtime.push_back({directory.base, directory.components});
    processes_.tell(id, image);
    image.line = notify_.image_of_line(id);
    for (const StoredFd& stored : live.stored)
        image.stored.push_back({stored.fd.get(), stored.name, stored.watched, os::inode_of(stored.fd.get())});
    for (const OpenSocket& open : live.sockets) {
        const core::Listen& listen = open.settings;
        const os::ListenSocket::Place place = open.socket.place();
        image.sockets.push_back({open.socket.fd(), listen.kind, listen.address, listen.name, listen.user, listen.group,
                                 listen.mode, listen.backlog, listen.reuse_port, listen.accept, listen.max_connections,
                                 place.path, place.device, place.inode, place.made_path,
                                 os::inode_of(open.socket.fd())});
    }
    if (live.connections)
        for (const auto& [socket, count] : live.connections->counts)
            image.gates.push_back({socket, count.now, count.all});
    if (state::TimerImage timer; context_.unit(id).timer && timers_.tell(id, name, timer))
        image.timer = std::move(timer);
    return image;
}

// Nothing of it needs to be known: it is as it is when it was just read.
bool Supervisor::is_blank(core::UnitId id) const {
    const UnitRun& live = context_.units[id];
    return context_.record(id) == core::Record{} && !context_.unit(id).timer && processes_.invocation(id).empty() &&
           live.stored.empty() && live.sockets.empty() && (!live.connections || live.connections->counts.empty());
}

state::ProcessImage Supervisor::image_of_process(pid_t pid) const {
    state::ProcessImage image{.pid = pid};
    if (const Processes::Known* known = processes_.find(pid); known != nullptr) {
        image.unit = known->unit;
        image.role = known->role;
        image.out = known->streams[0];
        image.err = known->streams[1];
        if (known->role == core::Role::connection)
            image.socket = activation_.connections().socket_of(pid);
        std::tie(image.report, image.report_inode) = report_of(pid);
        image.on_its_way = on_their_way_.contains(pid);
    }
    return image;
}

state::ManagerImage Supervisor::image_of_manager() const {
    state::ManagerImage image;
    image.version = MINIINIT_VERSION;
    image.target = target_;
    image.tried_targets.assign(tried_targets_.begin(), tried_targets_.end());
    image.init_started = init_started_.since_boot;
    image.units_loaded = units_loaded_.since_boot;
    image.target_reached = target_reached_.since_boot;
    image.ending = outcome_.how;
    image.exit_code = outcome_.code;
    image.entry_failure = entry_failure_;
    image.halt = context_.engine.halt();
    image.all_down = all_down_;
    image.told_ready = told_ready_;
    image.give_up_at = give_up_at_.since_boot;
    image.report_at = report_at_.since_boot;
    image.lines_made = notify_.lines_made();
    image.set_aside = set_aside_;
    for (const os::Limit& limit : context_.surroundings.limits) {
        image.limits.push_back({limit.resource, limit.soft, limit.hard});
        if (limit.resource == RLIMIT_NOFILE) {
            image.limit_soft = limit.soft;
            image.limit_hard = limit.hard;
            image.limit_raised = true;
        }
    }
    if (const os::CgroupTree* tree = resources_.tree()) {
        os::CgroupTree::State state = tree->state();
        image.cgroup = std::move(state.path);
        image.cgroup_prefix = std::move(state.prefix);
        image.controllers = std::move(state.enabled);
        image.controllers_above = std::move(state.enabled_above);
        image.in_leaf = state.in_leaf;
    }
    image.control = control_ ? control_->listener() : -1;
    image.last_call = control_ ? control_->last_call() : 0;
    image.lock = lock_;
    if (scheduled_)
        wire::encode(image.scheduled, *scheduled_);
    image.target_said = target_said_;
    image.boot_note = boot_note_;
    image.new_root = new_root_.root;
    image.new_init = new_root_.init;
    image.carried = carried_;
    image.premises = premises_.watches();
    context_.logs.tell(image);
    return image;
}

void Supervisor::put_client(std::string& frame, int fd, bool bytes) const {
    state::ClientImage image = control_->tell(fd, bytes);
    if (image.open && !image.lost && image.call != 0 && context_.observer != nullptr &&
        !context_.observer->tell(CallId{image.call}, image))
        image.lost = true;
    state::put_item(frame, state::Tag::client, image);
}

// What follows from what is on record by now is on record too, as things to do.
void Supervisor::put_effects(std::string& frame) {
    for (std::size_t i = effects_on_record_; i < effects_.size(); ++i)
        state::put_item(frame, state::Tag::effect, image_of(effects_[i]));
    effects_on_record_ = effects_.size();
}

// All of it, as the base of what follows.
void Supervisor::remember_all(bool bytes) {
    std::string& frame = keeper_->frame();
    state::put_item(frame, state::Tag::manager, image_of_manager());
    units_in_base_ = 0;
    for (core::UnitId id : context_.graph().ids()) {
        if (is_blank(id))
            continue;
        state::put_item(frame, state::Tag::unit, image_of_unit(id));
        ++units_in_base_;
    }
    for (const auto& [pid, known] : processes_.known())
        state::put_item(frame, state::Tag::process, image_of_process(pid));
    for (StreamId stream : context_.logs.all_streams())
        state::put_item(frame, state::Tag::stream, context_.logs.tell(stream));
    if (control_)
        for (int fd : control_->all())
            put_client(frame, fd, bytes);
    effects_on_record_ = effects_done_ = 0; // what is done is not listed
    spawn_on_record_ = false;
    put_effects(frame);
    for (std::size_t i = exit_at_; i < exits_.size(); ++i)
        state::put_item(frame, state::Tag::exit, image_of(exits_[i]));
    exits_done_ = 0;
    if (auto kept = keeper_->rebase(); !kept && !std::exchange(said_not_kept_, true))
        context_.say(Priority::err, kept.error().text() + "; a crash would find an older one");
}

// What came or went is on record, or nobody keeps one.
void Supervisor::forget_moved() {
    processes_.moved().clear();
    context_.logs.moved().clear();
    if (control_)
        control_->moved().clear();
}

void Supervisor::remember() {
    if (before_ != nullptr)
        return; // what is on record is more than we have taken over so far
    context_.engine.take_changes(changes_);
    if (!keeper_) {
        forget_moved();
        return;
    }
    // What was applied has effects that nobody has taken yet: with what it did to the records they belong on record.
    for (core::Effect& effect : context_.engine.take_effects())
        effects_.push_back(effect);
    // More than there was before is best written as the new whole: it would have to follow at once.
    const bool all = changes_.all || changes_.units.size() > std::max<std::size_t>(units_in_base_, 16);
    std::string& frame = keeper_->frame();
    if (!all) {
        for (core::UnitId unit : changes_.units)
            state::put_item(frame, state::Tag::unit, image_of_unit(unit));
        for (pid_t pid : processes_.moved())
            state::put_item(frame, state::Tag::process, image_of_process(pid));
        for (StreamId stream : context_.logs.moved())
            state::put_item(frame, state::Tag::stream, context_.logs.tell(stream));
        if (control_)
            for (int fd : control_->moved())
                put_client(frame, fd, false);
        if (std::exchange(halt_on_record_, context_.engine.halt()) != context_.engine.halt())
            context_.manager_moved = true;
        if (std::exchange(context_.manager_moved, false))
            state::put_item(frame, state::Tag::manager, image_of_manager());
        if (effects_done_ > 0 || exits_done_ > 0 || spawn_on_record_)
            state::put_item(frame, state::Tag::done, state::DoneImage{effects_done_, exits_done_});
        exits_done_ = 0;
        put_effects(frame);
    }
    forget_moved();
    effects_done_ = 0;
    spawn_on_record_ = false;
    if (all || (!frame.empty() && !keeper_->append()))
        remember_all(false);
    if (guard_ != nullptr) // what came of those is on record now
        guard_->page().collected = 0;
}

// The next thing to do is done, or is about to be.
core::Effect Supervisor::next_effect() {
    core::Effect effect = effects_.front();
    effects_.pop_front();
    if (effects_on_record_ > 0) {
        --effects_on_record_;
        ++effects_done_;
    }
    // What it does to the unit is more than its record shows; but of a start that begins, the record's own moment tells.
    const bool told = effect.kind == core::Effect::Kind::changed &&
                      (effect.to == core::Phase::waiting || effect.to == core::Phase::starting);
    if (effect.unit != core::no_unit && !told)
        context_.engine.mark(effect.unit);
    return effect;
}

// What follows from a process that is there: that its unit is up is told at once, so that the unit goes on record once with
// all of it, before the next process is made or at the end of the turn. Until then the record of the process stands for it.
void Supervisor::follow_spawn() {
    bool at_once = true;
    for (const core::Effect& effect : context_.engine.take_effects()) {
        at_once = at_once && effect.kind == core::Effect::Kind::changed;
        if (at_once)
            perform(effect);
        else
            effects_.push_back(effect);
    }
}

// Collected: the kernel will not tell of them again.
void Supervisor::remember_exits() {
    if (!keeper_ || exits_.empty() || before_ != nullptr)
        return;
    std::string& frame = keeper_->frame();
    for (const os::Exit& exit : exits_)
        state::put_item(frame, state::Tag::exit, image_of(exit));
    if (!keeper_->append())
        remember_all(false);
}

// A process that nobody but us knows to be the unit's.
void Supervisor::remember_spawn(core::UnitId unit, core::Role role, const os::Start& start, const Launch& launch) {
    if (!keeper_ || before_ != nullptr)
        return;
    if (spawn_on_record_) // there is room for one: what was made before it is on record as its unit's first
        remember();
    auto append = [&] {
        std::string& frame = keeper_->frame();
        // What only some units have is in the image of the unit alone.
        const Belongings& own = context_.units[unit].own;
        if (!own.temporary.empty() || !own.runtime.empty() || own.network)
            state::put_item(frame, state::Tag::unit, image_of_unit(unit));
        state::put_item(frame, state::Tag::spawn,
                        state::SpawnImage{unit, role, start.pid(), launch.out.get(), launch.err.get(),
                                          launch.ready.get(), processes_.invocation(unit),
                                          processes_.uses_session(unit), notify_.image_of_line(unit),
                                          start.decided() ? -1 : start.report(), !start.decided()});
        return keeper_->append();
    };
    if (!append()) { // too long for it: it is the first that follows a whole new state
        remember_all(false);
        (void)append();
    }
    spawn_on_record_ = true;
}

} // namespace mi::daemon
