#include "daemon/log/log_streams.hpp"

#include "os/file/open_file.hpp"

#include <algorithm>

namespace mi::daemon {

namespace logs = wire::logs;
using logs::StreamId;

StreamId LogStreams::add(LogStream stream, bool may_wait) {
    const StreamId id = ++last_;
    stream.inode = os::inode_of(stream.pipe.get());
    stream.is_held = may_wait && held_.add(id, stream.pipe.get());
    if (!stream.is_held)
        to_attach_.push_back(id);
    streams_.emplace(id, std::move(stream));
    moved_.push_back(id);
    return id;
}

void LogStreams::restore(const state::StreamImage& image) {
    go_on_after(image.id);
    LogStream stream{.unit = image.unit,
                     .source = image.source,
                     .limits = {.rotate_size = image.rotate_size,
                                .rotate_keep = image.rotate_keep,
                                .compress = image.compress,
                                .rotate_age = image.rotate_age,
                                .rate_limit = image.rate_limit,
                                .rate_seconds = std::max(image.rate_seconds, 1u),
                                .level = image.level},
                     .pipe = Fd(image.fd),
                     .inode = image.inode,
                     .leader = image.leader,
                     .forward = !image.local,
                     .cgroup = image.cgroup};
    stream.expected = image.expected;
    stream.is_held = image.held && held_.add(image.id, image.fd);
    streams_.emplace(image.id, std::move(stream));
}

state::StreamImage LogStreams::tell(StreamId id) const {
    state::StreamImage image{.id = id};
    if (const LogStream* stream = find(id)) {
        image.fd = stream->pipe.get();
        image.unit = stream->unit;
        image.source = stream->source;
        image.rotate_size = stream->limits.rotate_size;
        image.rotate_keep = stream->limits.rotate_keep;
        image.compress = stream->limits.compress;
        image.rotate_age = stream->limits.rotate_age;
        image.rate_limit = stream->limits.rate_limit;
        image.rate_seconds = stream->limits.rate_seconds;
        image.level = stream->limits.level;
        image.inode = stream->inode;
        image.leader = stream->leader;
        image.cgroup = stream->cgroup;
        image.local = !stream->forward;
        image.held = stream->is_held;
        image.expected = stream->expected;
    }
    return image;
}

void LogStreams::forget(StreamId id) {
    if (auto at = streams_.find(id); at != streams_.end()) {
        closing_(at->second);
        if (at->second.is_held)
            held_.remove(id, at->second.pipe.get());
        streams_.erase(at);
    }
    moved_.push_back(id);
}

const LogStream* LogStreams::find(StreamId id) const {
    auto at = streams_.find(id);
    return at == streams_.end() ? nullptr : &at->second;
}

bool LogStreams::expect(StreamId id, const std::string& pattern) {
    auto at = streams_.find(id);
    if (at == streams_.end() || at->second.expected == pattern)
        return false;
    at->second.expected = pattern;
    moved_.push_back(id);
    return true;
}

void LogStreams::look_at_held() {
    const HeldPipes::Found found = held_.take();
    for (StreamId id : found.filled)
        streams_.at(id).is_held = false;
    moved_.insert(moved_.end(), found.filled.begin(), found.filled.end());
    to_attach_.insert(to_attach_.end(), found.filled.begin(), found.filled.end());
    for (StreamId id : found.ended) {
        streams_.at(id).is_held = false;
        forget(id);
    }
}

void LogStreams::release_held() {
    for (auto& [id, stream] : streams_)
        if (std::exchange(stream.is_held, false)) {
            held_.remove(id, stream.pipe.get());
            to_attach_.push_back(id);
            moved_.push_back(id);
        }
}

LogStreams::Batch LogStreams::next_batch() {
    Batch batch;
    std::size_t taken = 0;
    while (taken < to_attach_.size() && batch.streams.size() < logs::most_attachments) {
        const StreamId id = to_attach_[taken++];
        const LogStream* stream = find(id);
        if (stream == nullptr)
            continue;
        batch.message.streams.push_back(
            {id, stream->source, stream->unit, stream->limits, stream->leader, stream->forward, stream->cgroup});
        batch.streams.push_back(id);
    }
    to_attach_.erase(to_attach_.begin(), to_attach_.begin() + static_cast<std::ptrdiff_t>(taken));
    return batch;
}

void LogStreams::offer_all() {
    forget_refused();
    to_attach_.clear();
    for (const auto& [id, stream] : streams_)
        if (!stream.is_held)
            to_attach_.push_back(id);
    std::ranges::sort(to_attach_, {},
                      [this](StreamId id) { return std::pair(streams_.at(id).source == logs::Source::init, id); });
}

void LogStreams::refuse(const std::vector<StreamId>& streams, Instant again_at) {
    refused_.insert(refused_.end(), streams.begin(), streams.end());
    offer_at_ = again_at;
}

void LogStreams::offer_refused() {
    to_attach_.insert(to_attach_.end(), refused_.begin(), refused_.end());
    forget_refused();
}

void LogStreams::forget_refused() {
    refused_.clear();
    offer_at_ = never;
}

} // namespace mi::daemon
