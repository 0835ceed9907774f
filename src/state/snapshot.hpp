// The state that survives PID 1's own program (a crash, or a re-exec): plain images of the daemon's objects, each with
// its list of fields. A frame of the journal is a sequence of items, each a tag and an image. Reading them in order
// gives the state: an item replaces an earlier one with the same key. Descriptors are saved as numbers: the next
// program image has them open.
//
// A number may belong to another open file by then: if one was closed, another opened, and a crash came before that was
// saved. So each number is saved with the inode of its file; 0: unknown.
//
// Older and newer versions can read each other. Fields are added at the end: a reader skips fields that it does not
// know, and keeps the defaults of missing ones. Enumerators, including tags, have the numbers of numbers.hpp. Something
// with a number that the reader does not know is dropped, or counts as something safe (unknown.cpp), and
// Snapshot::dropped reports it.
#pragma once

#include "core/engine.hpp"
#include "core/event.hpp"
#include "core/first_start.hpp"
#include "state/items.hpp"
#include "state/journal.hpp"
#include "state/numbers.hpp"
#include "state/record_image.hpp"
#include "wire/codec.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::state {

// A descriptor that a unit has stored with us.
struct StoredImage {
    std::int32_t fd = -1;
    std::string name;
    bool watched = false;
    std::uint64_t inode = 0;
    static void fields(auto& self, auto&& visit) { visit(self.fd, self.name, self.watched, self.inode); }
};

// An open `[[listen]]` socket with its settings.
struct SocketImage {
    std::int32_t fd = -1;
    core::Listen::Kind kind = core::Listen::Kind::stream;
    std::string address, name, user, group;
    std::optional<std::uint32_t> mode;
    std::int32_t backlog = 0;
    bool reuse_port = false, accept = false;
    std::uint32_t max_connections = 0;
    std::string path; // the path to the socket, if any, and device and inode of the file there
    std::uint64_t device = 0, inode = 0;
    bool made_path = false;
    std::uint64_t fd_inode = 0; // inode of the socket itself
    static void fields(auto& self, auto&& visit) {
        visit(self.fd, self.kind, self.address, self.name, self.user, self.group, self.mode, self.backlog,
              self.reuse_port, self.accept, self.max_connections, self.path, self.device, self.inode, self.made_path,
              self.fd_inode);
    }
};

// The connections of one socket: those open now, and all accepted so far.
struct GateImage {
    std::string socket;
    std::uint32_t now = 0;
    std::uint64_t all = 0;
    static void fields(auto& self, auto&& visit) { visit(self.socket, self.now, self.all); }
};

// The notify socket (sd_notify) of the unit's present run.
struct LineImage {
    std::int32_t fd = -1;
    std::string path;
    std::uint32_t user = 0;
    std::optional<core::NotifyAccess> access;
    std::uint32_t complaints = 0;
    std::uint64_t inode = 0;
    static void fields(auto& self, auto&& visit) {
        visit(self.fd, self.path, self.user, self.access, self.complaints, self.inode);
    }
};

// A directory as os::Directory has it.
struct DirectoryImage {
    std::string base;
    std::vector<std::string> components;
    static void fields(auto& self, auto&& visit) { visit(self.base, self.components); }
};

// The progress of a timer; times on the boot clock, and on the wall clock in microseconds.
struct TimerImage {
    bool armed = false, ran = false, after_boot_done = false;
    std::optional<Span> after_boot_at;
    Span every_from{0};
    bool every_resumed = false, fresh = false;
    std::int64_t cursor = 0, last = 0;
    std::optional<std::int64_t> last_run;
    Span not_before{0};
    static void fields(auto& self, auto&& visit) {
        visit(self.armed, self.ran, self.after_boot_done, self.after_boot_at, self.every_from, self.every_resumed,
              self.fresh, self.cursor, self.last, self.last_run, self.not_before);
    }
};

// All state of a unit except its processes and their output.
struct UnitImage {
    std::uint32_t id = core::no_unit; // the number by which other items, and `cause` in the record, refer to it
    std::string name;
    RecordImage record;
    std::uint64_t digest = 0;
    Span starting{0}, up{0}; // since boot
    std::string status, trouble;
    std::int32_t from_pid_file = 0;
    std::int32_t ready = -1, network = -1; // readiness pipe and network namespace: descriptors
    std::vector<std::string> temporary;
    std::vector<DirectoryImage> runtime;
    std::string invocation;
    std::vector<std::int32_t> sessions;
    bool by_session = false, cgroup_gone = false, frozen = false;
    std::optional<LineImage> line;
    std::vector<StoredImage> stored;
    std::vector<SocketImage> sockets;
    std::vector<GateImage> gates;
    std::optional<TimerImage> timer;
    std::optional<core::Effect::Scope> sweep; // the processes that are being ended
    std::int32_t sweep_number = 0;
    bool sweep_signalled = false;
    std::uint64_t ready_inode = 0, network_inode = 0;
    core::FirstStart first;
    std::uint64_t log_lines = 0, log_lost_lines = 0;
    std::vector<std::string> lacks; // protections that its process does without
    static void fields(auto& self, auto&& visit) {
        visit(self.id, self.name, self.record, self.digest, self.starting, self.up, self.status, self.trouble,
              self.from_pid_file, self.ready, self.network, self.temporary, self.runtime, self.invocation,
              self.sessions, self.by_session, self.cgroup_gone, self.frozen, self.line, self.stored, self.sockets,
              self.gates, self.timer, self.sweep, self.sweep_number, self.sweep_signalled, self.ready_inode,
              self.network_inode, self.first, self.log_lines, self.log_lost_lines, self.lacks);
    }
};

// A process that we started for a unit, or that a unit has reported; without a unit: it has ended.
struct ProcessImage {
    std::int32_t pid = 0;
    std::uint32_t unit = core::no_unit;
    core::Role role = core::Role::none;
    std::uint32_t out = 0, err = 0; // its streams, by number
    std::string socket;             // for a connection: the socket that it came in at
    // Reports when the process has executed its program; -1: it has.
    std::int32_t report = -1;
    std::uint64_t report_inode = 0;
    bool on_its_way = false;
    static void fields(auto& self, auto&& visit) {
        visit(self.pid, self.unit, self.role, self.out, self.err, self.socket, self.report, self.report_inode,
              self.on_its_way);
    }
};

// A pipe from a process to the collector; without a descriptor: it has ended.
struct StreamImage {
    std::uint32_t id = 0;
    std::int32_t fd = -1;
    std::string unit;
    wire::logs::Source source = wire::logs::Source::out;
    std::uint64_t rotate_size = 0;
    std::uint32_t rotate_keep = 0;
    std::uint64_t inode = 0;
    std::int32_t leader = 0;
    bool local = false; // its lines are not sent to servers
    bool compress = false;
    std::uint32_t rotate_age = 0, rate_limit = 0;
    wire::logs::Priority level = wire::logs::Priority::debug;
    std::uint32_t rate_seconds = 1;
    std::uint64_t cgroup = 0;
    bool held = false;    // the collector has not received it yet
    std::string expected; // a pattern that a line of it must match for its unit to be ready; empty: none
    static void fields(auto& self, auto&& visit) {
        visit(self.id, self.fd, self.unit, self.source, self.rotate_size, self.rotate_keep, self.inode, self.leader,
              self.local, self.compress, self.rotate_age, self.rate_limit, self.level, self.rate_seconds, self.cgroup,
              self.held, self.expected);
    }
};

// A client of the control socket, and the result it waits for; without `open`: it has left.
struct ClientImage {
    std::int32_t fd = -1;
    bool open = false;
    std::int32_t pid = 0;
    std::uint32_t uid = 0, gid = 0;
    bool may_act = false, more = false;
    std::uint64_t call = 0; // 0: no call is pending
    Goal goal = Goal::events;
    std::vector<std::string> units;
    core::Phase state = core::Phase::up;
    std::string in, out; // bytes read and not handled, bytes to be sent
    bool lost = false;   // it cannot be served any more, because data of it was not saved
    std::uint64_t inode = 0;
    std::optional<core::Health> health;
    bool asks_unknown = false; // not saved: it waits for something of a later version
    static void fields(auto& self, auto&& visit) {
        visit(self.fd, self.open, self.pid, self.uid, self.gid, self.may_act, self.more, self.call, self.goal,
              self.units, self.state, self.in, self.out, self.lost, self.inode, self.health);
    }
};

// An effect that is decided but not yet performed.
struct EffectImage {
    core::Effect::Kind kind = core::Effect::Kind::changed;
    std::uint32_t unit = core::no_unit;
    core::Role role = core::Role::none;
    std::uint8_t index = 0;
    core::Effect::Scope scope = core::Effect::Scope::main;
    std::int32_t number = 0;
    core::Phase from = core::Phase::down, to = core::Phase::down;
    core::Ending ending = core::Ending::none;
    static void fields(auto& self, auto&& visit) {
        visit(self.kind, self.unit, self.role, self.index, self.scope, self.number, self.from, self.to, self.ending);
    }
};

// A child that was collected, while the consequences are not saved yet.
struct ExitImage {
    std::int32_t pid = 0;
    std::int32_t code = 0;
    core::ExitStatus::Kind kind = core::ExitStatus::Kind::code;
    bool core = false;
    static void fields(auto& self, auto&& visit) { visit(self.pid, self.code, self.kind, self.core); }
};

// A process that was made, and is not saved in any other item yet.
struct SpawnImage {
    std::uint32_t unit = core::no_unit;
    core::Role role = core::Role::none;
    std::int32_t pid = 0;
    std::int32_t out = -1, err = -1, ready = -1; // read ends of pipes
    // Resources that its run was given after the unit was last saved.
    std::string invocation;
    bool by_session = false;
    std::optional<LineImage> line;
    std::int32_t report = -1; // as in ProcessImage
    bool on_its_way = false;
    static void fields(auto& self, auto&& visit) {
        visit(self.unit, self.role, self.pid, self.out, self.err, self.ready, self.invocation, self.by_session,
              self.line, self.report, self.on_its_way);
    }
};

// How many of the pending items are done: effects from the front, and exits.
struct DoneImage {
    std::uint32_t effects = 0, exits = 0;
    static void fields(auto& self, auto&& visit) { visit(self.effects, self.exits); }
};

// A resource limit (getrlimit(2)) as our first image found it, if it was changed since.
struct LimitImage {
    std::int32_t resource = 0;
    std::uint64_t soft = 0, hard = 0;
    static void fields(auto& self, auto&& visit) { visit(self.resource, self.soft, self.hard); }
};

// The state of the manager itself.
struct ManagerImage {
    std::string version; // of the program that saved this
    std::string target;
    std::vector<std::string> tried_targets;
    Span init_started{0}, units_loaded{0}, target_reached{0}; // since boot
    core::Ending ending = core::Ending::none;
    std::int32_t exit_code = 0, entry_failure = 1;
    core::Engine::Halt halt = core::Engine::Halt::no;
    bool all_down = false, told_ready = false;
    Span give_up_at = Span::max(), report_at = Span::max();
    // `limit_*` is RLIMIT_NOFILE, for older programs, which do not know `limits`.
    std::uint64_t lines_made = 0, set_aside = 0, limit_soft = 0, limit_hard = 0;
    bool limit_raised = false;
    std::string cgroup, cgroup_prefix; // our cgroup tree: its path in the file system, and in the hierarchy
    std::vector<std::string> controllers, controllers_above;
    bool in_leaf = false;
    // Descriptors.
    std::int32_t control = -1, lock = -1;
    std::int32_t log_socket = -1, log_memory = -1, holding_read = -1, holding_write = -1, own_lines = -1;
    std::int32_t log_pid = 0; // the collector's pid
    std::uint32_t last_stream = 0;
    bool log_finishing = false;
    std::string log_directory;
    std::uint64_t last_call = 0;
    std::string scheduled; // a scheduled shutdown, encoded separately; empty: none
    bool target_said = false;
    std::string boot_note;
    std::string new_root, new_init; // the new root and its init, if the shutdown is a switch of the root
    bool carried = false;           // the switch was done: this item is all that is left of the old state
    std::int32_t premises = -1;     // inotify descriptor
    std::vector<LimitImage> limits;
    std::string entry_directory; // working directory of our first image
    // What is to become of this boot; the numbers are those of daemon::BootResult::Stage.
    std::uint32_t boot_stage = 0;
    Span boot_until = Span::max(); // what it waits for ends then
    std::string boot_why, last_boot;
    static void fields(auto& self, auto&& visit) {
        visit(self.version, self.target, self.tried_targets, self.init_started, self.units_loaded, self.target_reached,
              self.ending, self.exit_code, self.entry_failure, self.halt, self.all_down, self.told_ready,
              self.give_up_at, self.report_at, self.lines_made, self.set_aside, self.limit_soft, self.limit_hard,
              self.limit_raised, self.cgroup, self.cgroup_prefix, self.controllers, self.controllers_above,
              self.in_leaf, self.control, self.lock, self.log_socket, self.log_memory, self.holding_read,
              self.holding_write, self.own_lines, self.log_pid, self.last_stream, self.log_finishing,
              self.log_directory, self.last_call, self.scheduled, self.target_said, self.boot_note, self.new_root,
              self.new_init, self.carried, self.premises, self.limits, self.entry_directory, self.boot_stage,
              self.boot_until, self.boot_why, self.last_boot);
    }
    // Visits those members that are descriptors.
    static void descriptors(auto& self, auto&& visit) {
        for (auto* fd : {&self.control, &self.lock, &self.log_socket, &self.log_memory, &self.holding_read,
                         &self.holding_write, &self.own_lines, &self.premises})
            visit(*fd);
    }
};

// Appends an item to a frame.
template <typename T>
void put_item(std::string& frame, Tag tag, const T& image) {
    frame += static_cast<char>(wire::number_of(tag));
    wire::encode(frame, image);
}

// The state from all items.
struct Snapshot {
    ManagerImage manager;
    std::map<std::uint32_t, UnitImage> units;
    std::map<std::int32_t, ProcessImage> processes;
    std::map<std::uint32_t, StreamImage> streams;
    std::map<std::int32_t, ClientImage> clients; // keyed by descriptor
    std::vector<EffectImage> effects;
    std::vector<ExitImage> exits;
    std::optional<SpawnImage> spawned;

    // Sentences for the log about data of a later version that was dropped or replaced.
    std::vector<std::string> dropped;

    // All descriptors in the state.
    [[nodiscard]] std::vector<int> descriptors() const;

private:
    friend std::optional<Snapshot> fold(const std::vector<std::string_view>& frames);
    // Applies the items of a frame. False: the bytes are not items; the first items may have been applied.
    [[nodiscard]] bool take(std::string_view frame);
    [[nodiscard]] bool take_item(Tag tag, wire::Decoder& items);
    [[nodiscard]] bool take_done(wire::Decoder& items);
    // Drops or replaces unknown enumerators; afterwards none is wire::unknown<E>.
    void settle_unknown();

    bool unknown_seen_ = false;
    std::map<unsigned, unsigned> unknown_items_; // counts of skipped items, by tag number
};

// The state from the frames of a journal; nullopt if there are none, or one is damaged.
[[nodiscard]] std::optional<Snapshot> fold(const std::vector<std::string_view>& frames);

} // namespace mi::state
