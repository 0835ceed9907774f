#include "state/snapshot.hpp"

#include "base/unreachable.hpp"

#include <algorithm>

namespace mi::state {

namespace {

// An item of an unknown kind: every item begins with its length, so its end is found.
struct Unknown {
    static void fields(auto&, auto&& visit) { visit(); }
};

} // namespace

bool Snapshot::take(std::string_view frame) {
    wire::Decoder items(frame);
    while (!items.rest().empty()) {
        std::uint8_t number = 0;
        if (!items.get(number))
            return false;
        const auto tag = wire::enumerator_of<Tag>(number);
        if (tag == wire::unknown<Tag>) {
            Unknown passed_over;
            if (!items.get(passed_over))
                return false;
            ++unknown_items_[number];
        } else if (!take_item(tag, items)) {
            return false;
        }
    }
    unknown_seen_ = unknown_seen_ || items.unknown_count() > 0;
    return true;
}

bool Snapshot::take_item(Tag tag, wire::Decoder& items) {
    // Stores the image in the map under `key`, replacing an earlier one; removes it from the map if the item says that
    // the object is gone.
    auto keep = [&items](auto image, auto& map, auto key, auto is_gone) {
        if (!items.get(image))
            return false;
        if (is_gone(image))
            map.erase(key(image));
        else
            map[key(image)] = std::move(image);
        return true;
    };
    switch (tag) {
    case Tag::manager: {
        ManagerImage image;
        if (!items.get(image))
            return false;
        manager = std::move(image);
        return true;
    }
    case Tag::unit: {
        UnitImage image;
        if (!items.get(image) || image.id >= core::most_units)
            return false;
        units[image.id] = std::move(image);
        return true;
    }
    case Tag::process:
        return keep(
            ProcessImage{}, processes, [](const ProcessImage& image) { return image.pid; },
            [](const ProcessImage& image) { return image.unit == core::no_unit; });
    case Tag::stream:
        return keep(
            StreamImage{}, streams, [](const StreamImage& image) { return image.id; },
            [](const StreamImage& image) { return image.fd < 0; });
    case Tag::client:
        return keep(
            ClientImage{}, clients, [](const ClientImage& image) { return image.fd; },
            [](const ClientImage& image) { return !image.open; });
    case Tag::effect: return items.get(effects.emplace_back());
    case Tag::exit: return items.get(exits.emplace_back());
    case Tag::spawn: return items.get(spawned.emplace());
    case Tag::done: return take_done(items);
    }
    unreachable("there is no other tag");
}

// The effects, exits and spawn that a commit has recorded are no longer pending.
bool Snapshot::take_done(wire::Decoder& items) {
    DoneImage image;
    if (!items.get(image))
        return false;
    effects.erase(effects.begin(), effects.begin() + std::min<std::ptrdiff_t>(image.effects, std::ssize(effects)));
    exits.erase(exits.begin(), exits.begin() + std::min<std::ptrdiff_t>(image.exits, std::ssize(exits)));
    spawned.reset();
    return true;
}

std::vector<int> Snapshot::descriptors() const {
    std::vector<int> all;
    ManagerImage::descriptors(manager, [&](int fd) { all.push_back(fd); });
    for (const auto& [id, unit] : units) {
        all.insert(all.end(), {unit.ready, unit.network, unit.line ? unit.line->fd : -1});
        for (const StoredImage& stored : unit.stored)
            all.push_back(stored.fd);
        for (const SocketImage& socket : unit.sockets)
            all.push_back(socket.fd);
    }
    for (const auto& [pid, process] : processes)
        all.push_back(process.report);
    for (const auto& [id, stream] : streams)
        all.push_back(stream.fd);
    for (const auto& [fd, client] : clients)
        all.push_back(fd);
    if (spawned)
        all.insert(all.end(), {spawned->out, spawned->err, spawned->ready, spawned->report,
                               spawned->line ? spawned->line->fd : -1});
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    std::erase_if(all, [](int fd) { return fd < 3; });
    return all;
}

std::optional<Snapshot> fold(const std::vector<std::string_view>& frames) {
    std::optional<Snapshot> state;
    for (std::string_view frame : frames) {
        if (!state)
            state.emplace();
        if (!state->take(frame))
            return std::nullopt;
    }
    if (state && (state->unknown_seen_ || !state->unknown_items_.empty()))
        state->settle_unknown();
    return state;
}

} // namespace mi::state
