// The streams that the collector reads: by index, which epoll knows, and by the id that PID 1 gave them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "logd/courier.hpp"

namespace mi::logd {

class StreamTable {
public:
    struct Entry {
        StreamId id;
        std::uint32_t index;
    };

    static constexpr std::uint32_t none = UINT32_MAX;

    // By index. That of a place that is not in use has the id 0. A new stream may move the others.
    [[nodiscard]] Stream& operator[](std::uint32_t index) { return streams_[index]; }
    // The index of that stream, or `none`.
    [[nodiscard]] std::uint32_t find(StreamId id) const;
    // All streams, in the order of their ids.
    [[nodiscard]] std::span<const Entry> all() const { return all_; }
    // Those that are sockets of syslog(3).
    [[nodiscard]] const std::vector<StreamId>& sockets() const { return sockets_; }

    // The index that the next stream will have.
    [[nodiscard]] std::uint32_t next_index();
    // A new stream there; no stream has that id.
    Stream& add(StreamId id, wire::logs::Source source);
    // The place is free again, with nothing in it.
    void remove(std::uint32_t index);

private:
    [[nodiscard]] std::vector<Entry>::const_iterator position(StreamId id) const;

    std::vector<Stream> streams_;
    std::vector<std::uint32_t> unused_;
    std::vector<Entry> all_; // by id
    std::vector<StreamId> sockets_;
};

} // namespace mi::logd
