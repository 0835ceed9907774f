#include "logd/stream_table.hpp"

#include <algorithm>
#include <utility>

namespace mi::logd {

std::vector<StreamTable::Entry>::const_iterator StreamTable::position(StreamId id) const {
    return std::lower_bound(all_.begin(), all_.end(), id,
                            [](const Entry& entry, StreamId wanted) { return entry.id < wanted; });
}

std::uint32_t StreamTable::find(StreamId id) const {
    const auto at = position(id);
    return at != all_.end() && at->id == id ? at->index : none;
}

std::uint32_t StreamTable::next_index() {
    if (unused_.empty()) {
        unused_.push_back(static_cast<std::uint32_t>(streams_.size()));
        streams_.emplace_back();
    }
    return unused_.back();
}

Stream& StreamTable::add(StreamId id, wire::logs::Source source) {
    const std::uint32_t index = next_index();
    unused_.pop_back();
    all_.insert(position(id), {id, index});
    if (source == wire::logs::Source::syslog)
        sockets_.push_back(id);
    Stream& stream = streams_[index];
    stream.id = id;
    stream.source = source;
    return stream;
}

void StreamTable::remove(std::uint32_t index) {
    const Stream gone = std::exchange(streams_[index], {});
    all_.erase(position(gone.id));
    std::erase(sockets_, gone.id);
    unused_.push_back(index);
}

} // namespace mi::logd
