#include "wire/snapshot.hpp"

#include <algorithm>

namespace mi::wire {

namespace {

// The image that follows the tag. A reader has to find its end even where it knows nothing of the tag.
template <typename T>
bool next(Decoder& items, T& image) {
    return items.get(image);
}

struct Unknown {
    static void fields(auto&, auto&& visit) { visit(); }
};

} // namespace

bool Snapshot::take(std::string_view frame) {
    Decoder items(frame);
    while (!items.rest().empty()) {
        std::uint8_t tag = 0;
        if (!items.get(tag))
            return false;
        switch (static_cast<Tag>(tag)) {
        case Tag::manager: {
            ManagerImage image;
            if (!next(items, image))
                return false;
            manager = std::move(image);
            break;
        }
        case Tag::unit: {
            UnitImage image;
            if (!next(items, image))
                return false;
            units[image.id] = std::move(image);
            break;
        }
        case Tag::process: {
            ProcessImage image;
            if (!next(items, image))
                return false;
            if (image.unit == core::no_unit)
                processes.erase(image.pid);
            else
                processes[image.pid] = std::move(image);
            break;
        }
        case Tag::stream: {
            StreamImage image;
            if (!next(items, image))
                return false;
            if (image.fd < 0)
                streams.erase(image.id);
            else
                streams[image.id] = std::move(image);
            break;
        }
        case Tag::client: {
            ClientImage image;
            if (!next(items, image))
                return false;
            if (image.open)
                clients[image.fd] = std::move(image);
            else
                clients.erase(image.fd);
            break;
        }
        case Tag::effect:
            if (!next(items, effects.emplace_back()))
                return false;
            break;
        case Tag::exit:
            if (!next(items, exits.emplace_back()))
                return false;
            break;
        case Tag::spawn:
            if (!next(items, spawned.emplace()))
                return false;
            break;
        case Tag::done: {
            // What a commit has on record is no longer on its way.
            DoneImage image;
            if (!next(items, image))
                return false;
            effects.erase(effects.begin(),
                          effects.begin() + std::min<std::ptrdiff_t>(image.effects, std::ssize(effects)));
            exits.erase(exits.begin(), exits.begin() + std::min<std::ptrdiff_t>(image.exits, std::ssize(exits)));
            spawned.reset();
            break;
        }
        case Tag::none:
        default: {
            Unknown passed_over;
            if (!next(items, passed_over))
                return false;
        }
        }
    }
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
    return state;
}

} // namespace mi::wire
