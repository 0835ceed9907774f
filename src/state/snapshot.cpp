#include "state/snapshot.hpp"

#include <algorithm>

namespace mi::state {

namespace {

// An item that this program knows nothing of: it has a length, as all have, so its end is found.
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
            continue;
        }
        switch (tag) {
        case Tag::manager: {
            ManagerImage image;
            if (!items.get(image))
                return false;
            manager = std::move(image);
            break;
        }
        case Tag::unit: {
            UnitImage image;
            if (!items.get(image) || image.id >= core::most_units)
                return false;
            units[image.id] = std::move(image);
            break;
        }
        case Tag::process: {
            ProcessImage image;
            if (!items.get(image))
                return false;
            if (image.unit == core::no_unit)
                processes.erase(image.pid);
            else
                processes[image.pid] = std::move(image);
            break;
        }
        case Tag::stream: {
            StreamImage image;
            if (!items.get(image))
                return false;
            if (image.fd < 0)
                streams.erase(image.id);
            else
                streams[image.id] = std::move(image);
            break;
        }
        case Tag::client: {
            ClientImage image;
            if (!items.get(image))
                return false;
            if (image.open)
                clients[image.fd] = std::move(image);
            else
                clients.erase(image.fd);
            break;
        }
        case Tag::effect:
            if (!items.get(effects.emplace_back()))
                return false;
            break;
        case Tag::exit:
            if (!items.get(exits.emplace_back()))
                return false;
            break;
        case Tag::spawn:
            if (!items.get(spawned.emplace()))
                return false;
            break;
        case Tag::done: {
            // What a commit has on record is no longer on its way.
            DoneImage image;
            if (!items.get(image))
                return false;
            effects.erase(effects.begin(),
                          effects.begin() + std::min<std::ptrdiff_t>(image.effects, std::ssize(effects)));
            exits.erase(exits.begin(), exits.begin() + std::min<std::ptrdiff_t>(image.exits, std::ssize(exits)));
            spawned.reset();
            break;
        }
        }
    }
    unknown_seen_ = unknown_seen_ || items.unknown_count() > 0;
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
