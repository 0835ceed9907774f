#include "logd/collector.hpp"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <algorithm>
#include <cstdio>

#include "base/clock.hpp"
#include "base/printable.hpp"
#include "base/unreachable.hpp"
#include "os/process/pidfd.hpp"

namespace mi::logd {
namespace {

namespace logs = wire::logs;

constexpr rlim_t spare = 6;              // descriptors that pipes leave for files
constexpr std::size_t most_batches = 64; // of a source that may never be empty
constexpr Span retry_after = std::chrono::seconds(1);

// Whether a pipe with this number leaves enough of them for log files, without which what it brings would be lost. A pipe that is
// not taken keeps what is in it.
bool leaves_room(int pipe) {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || static_cast<rlim_t>(pipe) + spare < limit.rlim_cur;
}

} // namespace

Collector::Collector(Mapping& memory, int control, int holding_read, int holding_write, std::size_t most_open)
    : init_(control, waiting_), reports_(init_), units_(*memory, most_open),
      courier_(memory, units_, holding_read, holding_write), post_(*memory, courier_), kernel_log_(*memory, courier_),
      storage_(*memory, units_, courier_, [this] { reports_.tell_progress(monotonic_now()); }),
      outputs_(courier_, waiting_, init_, [this] { reports_.tell_progress(monotonic_now()); }) {}

int Collector::serve() {
    if (!init_.open())
        return exit_usage;
    init_.say(logs::Hello{});
    while (turn()) {
    }
    if (unusable_)
        return exit_estate_unusable;
    finish();
    return exit_done;
}

bool Collector::turn() {
    const auto ready = waiting_.wait(std::min({next_try_, reports_.next_deadline(), outputs_.next_deadline()}));
    // PID 1 first: what it asks for should not wait for a flood.
    if (std::ranges::any_of(ready, [](const epoll_event& event) { return event.data.u32 == control_index; })) {
        (void)take_messages();
        init_.send(); // an EPOLLOUT was for this
    }
    if (init_.closed())
        return false;
    // Then who may be gone in a moment, then the rest.
    for (bool by_post : {true, false})
        for (const epoll_event& event : ready)
            if (const std::uint32_t index = event.data.u32;
                index < packing_index && (streams_[index].source == Source::syslog) == by_post)
                read(index);
    for (const epoll_event& event : ready)
        if (event.data.u32 == packing_index)
            total_.changed(storage_.directory(), packing_.ended());
    if (post_.unfinished() && !streams_.sockets().empty())
        take_post();
    if (next_try_ != never && next_try_ <= monotonic_now())
        retry();
    pack();
    outputs_.run();
    report();
    return !finishing_ && !unusable_ && !init_.closed();
}

// A bounded number of messages, so that pipes get their turn. False: there are no more now.
bool Collector::take_messages() {
    bool more = true;
    for (int i = 0; i < 16 && more && !finishing_ && !unusable_; ++i) {
        more = init_.receive();
        if (!more)
            break;
        auto message = init_.message();
        if (!message) { // only a different program would send that; its descriptors are closed again
            std::fprintf(stderr, "miniinit-logd: %s\n", printable(message.error().text()).c_str());
            continue;
        }
        if (!configured_ && !std::holds_alternative<logs::Configure>(*message))
            handle(logs::Configure{});
        if (!unusable_)
            std::visit([this](const auto& one) { handle(one); }, *message);
    }
    init_.descriptors().clear();
    return more && !finishing_ && !unusable_;
}

void Collector::handle(const logs::Configure& message) {
    configured_ = true;
    units_.use_limits(message.limits);
    total_.use_limit(message.total_size);
    outputs_.configure(message);
    post_.senders().use_cgroups(message.cgroups);
    if (auto ready = storage_.configure(message.directories); !ready)
        give_up(ready.error());
    look_for_storage();
}

void Collector::handle(const logs::Attach& message) {
    std::vector<Fd>& arrived = init_.descriptors();
    std::vector<StreamId> refused, ended;
    for (std::size_t i = 0; i < message.streams.size(); ++i) {
        logs::Attachment entry = message.streams[i];
        if (i < arrived.size() && entry.source == wire::unknown<Source>) {
            // Of a later version. A pipe has lines, whatever they are called; anything else cannot be read.
            struct stat about{};
            const bool is_pipe = ::fstat(arrived[i].get(), &about) == 0 && S_ISFIFO(about.st_mode);
            std::fprintf(stderr, "miniinit-logd: a stream of %s is of a later version, and %s\n",
                         printable(entry.unit).c_str(), is_pipe ? "read as its output" : "dropped");
            if (!is_pipe) {
                ended.push_back(entry.stream);
                continue;
            }
            entry.source = wire::Numbers<Source>::fallback;
        }
        if (i >= arrived.size() || !attach(entry, std::move(arrived[i])))
            refused.push_back(entry.stream);
    }
    if (!ended.empty())
        init_.say(logs::Ended{std::move(ended)});
    if (!refused.empty())
        init_.say(logs::Refused{std::move(refused)});
}

bool Collector::attach(const logs::Attachment& entry, Fd pipe) {
    if (streams_.find(entry.stream) != StreamTable::none)
        return true;
    if (!leaves_room(pipe.get()) || !waiting_.add(pipe.get(), EPOLLIN, streams_.next_index()))
        return false;
    Stream& stream = streams_.add(entry.stream, entry.source);
    stream.pipe = std::move(pipe);
    stream.slot = courier_.slot_of(entry.stream);
    stream.unit = &units_.enter(entry.unit, &entry.limits);
    stream.unit->forward = entry.forward;
    stream.leader = entry.leader;
    stream.cgroup = entry.cgroup;
    stream.has_pidfds = stream.source == Source::syslog && os::asks_for_senders(stream.pipe.get());
    if (auto expected = std::ranges::find(expected_, entry.stream, &logs::Expect::stream);
        expected != expected_.end()) {
        courier_.expect(stream, expected->pattern);
        expected_.erase(expected);
        tell_match(stream);
    }
    courier_.forget_resumed(stream.id);
    post_.senders().add(stream.leader, stream.cgroup, entry.unit, monotonic_now());
    if (entry.source == Source::init && own_words_.look(stream.pipe.get(), courier_.desk()).is_start)
        read_own(streams_.find(
            entry.stream)); // nothing that services have said since is read before, and gets an earlier stamp
    return true;
}

void Collector::handle(const logs::Flush& message) {
    if (!message.streams.empty())
        take_post(); // what it had to say by syslog(3) comes before its end, too
    for (StreamId id : message.streams)
        if (const std::uint32_t index = streams_.find(id); index != StreamTable::none)
            drain(index, Rest::with);
    init_.say(logs::Flushed{message.token});
}

void Collector::handle(const logs::TryStorage&) {
    storage_.look();
    look_for_storage();
}

void Collector::handle(const logs::Finish&) { finishing_ = true; }

void Collector::handle(const logs::Expect& message) {
    const std::uint32_t index = streams_.find(message.stream);
    if (index == StreamTable::none) {
        std::erase_if(expected_, [&](const logs::Expect& one) { return one.stream == message.stream; });
        if (!message.pattern.empty())
            expected_.push_back(message);
        return;
    }
    Stream& stream = streams_[index];
    courier_.expect(stream, message.pattern);
    tell_match(stream);
}

void Collector::tell_match(Stream& stream) {
    if (stream.expected == nullptr || !stream.expected->matched)
        return;
    init_.say(logs::Said{stream.id, std::exchange(stream.expected, nullptr)->line});
}

void Collector::handle(const logs::Ping& message) { init_.say(logs::Pong{message.number}); }

void Collector::read(std::uint32_t index) {
    Stream& stream = streams_[index];
    if (stream.id == 0 || unusable_)
        return;
    if (stream.source == Source::init)
        read_own(index);
    else
        (void)took(index, move(stream));
}

// What a batch says of its stream; false: there will be no other.
bool Collector::took(std::uint32_t index, const Result<Courier::Took>& batch) {
    if (!batch) {
        give_up(batch.error());
    } else if (batch->end) {
        (void)courier_.move_tail(streams_[index]);
        tell_match(streams_[index]);
        end(index);
    } else {
        tell_match(streams_[index]);
    }
    return batch && !batch->end;
}

// Lines of PID 1: after what those wrote that they are about.
void Collector::read_own(std::uint32_t index) {
    const OwnWords::Ahead ahead = own_words_.look(streams_[index].pipe.get(), courier_.desk());
    if (ahead.bytes > 0 && !ahead.is_start) {
        while (take_messages()) { // pipes that PID 1 sent before it wrote this
        }
        take_post();
        // In the order in which their processes were made.
        std::vector<std::uint32_t> theirs;
        for (const StreamTable::Entry& one : streams_.all())
            if (const Stream& stream = streams_[one.index];
                stream.source < Source::init && ahead.concern(stream.unit->name))
                theirs.push_back(one.index);
        for (std::uint32_t one : theirs)
            drain(one, Rest::without);
    }
    (void)took(index, courier_.move(streams_[index], ahead.bytes > 0 ? ahead.bytes : SIZE_MAX));
}

Result<Courier::Took> Collector::move(Stream& stream) {
    switch (stream.source) {
    case Source::syslog: return post_.move(stream);
    case Source::kernel: return kernel_log_.move(stream);
    case Source::out:
    case Source::err:
    case Source::health:
    case Source::init: return courier_.move(stream);
    }
    unreachable("there is no other source of lines");
}

// What was sent by syslog(3) so far. A bound on it: who writes without end is not waited for.
void Collector::take_post() {
    for (const StreamId id : std::vector(streams_.sockets())) {
        const std::uint32_t index = streams_.find(id);
        for (std::size_t bags = 0; bags < most_batches && streams_[index].id == id && !unusable_; ++bags) {
            const auto took = post_.move(streams_[index]);
            if (took.end)
                end(index);
            if (took.bytes == 0)
                break;
        }
    }
    if (post_.unfinished()) {
        Unit& unit = units_.enter("syslog");
        post_.finish(unit);
        units_.leave(unit);
    }
}

// Everything the pipe has now. Bounded by that: a service that keeps writing is not waited for.
void Collector::drain(std::uint32_t index, Rest rest) {
    Stream& stream = streams_[index];
    int there = 0;
    if (stream.source == Source::syslog)
        return take_post();
    if (stream.source == Source::kernel) {
        for (std::size_t i = 0; i < most_batches && kernel_log_.move(stream).bytes > 0; ++i) {
        }
        return;
    }
    if (unusable_ || ::ioctl(stream.pipe.get(), FIONREAD, &there) < 0)
        return;
    for (std::size_t left = static_cast<std::size_t>(there);;) {
        const auto batch = move(stream);
        if (!took(index, batch))
            return;
        // A last look finds the end of a pipe that has one: then its unfinished line is all there will be.
        if (batch->bytes == 0 || left == 0)
            break;
        left -= std::min(left, batch->bytes);
        if (left == 0 && rest == Rest::with)
            break;
    }
    if (rest == Rest::with) {
        (void)courier_.move_tail(stream);
        tell_match(stream);
    }
}

void Collector::end(std::uint32_t index) {
    Stream& stream = streams_[index];
    if (!stream.said.empty())
        init_.say(logs::Said{stream.id, std::exchange(stream.said, {})});
    stream.expected.reset();
    courier_.release(stream);
    post_.senders().remove(stream.leader, stream.cgroup);
    reports_.ended(stream.id);
    waiting_.remove(stream.pipe.get()); // PID 1's copy of the descriptor would keep it in the set
    units_.leave(*stream.unit);
    streams_.remove(index);
}

void Collector::finish() {
    if (!configured_) // the estate may be another's: who started us is gone
        return;
    packing_.stop();
    take_post();
    while (!streams_.all().empty()) {
        const auto [id, index] = streams_.all().back();
        drain(index, Rest::with);
        if (streams_[index].id == id)
            streams_.remove(index);
    }
    if (storage_.rank() != 0)
        storage_.look();
    if (units_.has_losses() && !units_.in_memory())
        courier_.tell_losses();
    outputs_.run_last();
    report(); // nothing is synced: what is written outlives us, and the end of the machine syncs it with all the rest
}

void Collector::give_up(const Fault& fault) {
    std::fprintf(stderr, "miniinit-logd: cannot %s\n", printable(fault.text()).c_str());
    unusable_ = true;
}

void Collector::look_for_storage() {
    if (std::exchange(reported_rank_, storage_.rank()) != storage_.rank())
        init_.say(logs::StorageIs{storage_.rank(), storage_.path()});
}

void Collector::retry() {
    storage_.look(); // also finds a directory that was removed and made again
    look_for_storage();
    if (units_.has_losses() && !units_.in_memory())
        courier_.tell_losses();
    next_try_ = never;
}

void Collector::pack() {
    // Elsewhere than in the best directory files only wait to be moved there.
    for (const auto& [unit, compress] : units_.take_rotated()) {
        total_.changed(storage_.directory(), unit);
        if (compress && storage_.rank() == 0)
            packing_.want(unit);
    }
    if (packing_.descriptor() >= 0)
        return;
    packing_.start(storage_.directory());
    if (packing_.descriptor() >= 0 && !waiting_.add(packing_.descriptor(), EPOLLIN, packing_index))
        packing_.stop();
}

// The end of a turn: what PID 1 should know, and whether something is to be tried again.
void Collector::report() {
    const Instant now = monotonic_now();
    reports_.tell_ended(now, finishing_);
    reports_.tell_losses(units_.take_reports(), now);
    reports_.tell_counts(units_, now);
    const bool pending = storage_.unfinished() || (units_.has_losses() && !units_.in_memory());
    if (pending && next_try_ == never)
        next_try_ = now + retry_after;
}

} // namespace mi::logd
