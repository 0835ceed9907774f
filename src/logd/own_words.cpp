#include "logd/own_words.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "os/file/runtime.hpp"
#include "wire/log_format.hpp"
#include "wire/log_protocol.hpp"

namespace mi::logd {

bool OwnWords::Ahead::concern(std::string_view unit) const { return of_all || std::ranges::binary_search(units, unit); }

OwnWords::Ahead OwnWords::look(int pipe, std::span<char> room) {
    Ahead ahead;
    if (!read_) {
        auto made = os::make_pipe();
        if (!made)
            return ahead;
        read_ = std::move(made->read);
        write_ = std::move(made->write);
    }
    const ssize_t there = ::tee(pipe, write_.get(), room.size(), SPLICE_F_NONBLOCK);
    if (there <= 0)
        return ahead;
    const auto size = static_cast<std::size_t>(there);
    for (std::size_t got = 0; got < size;) {
        const ssize_t more = ::read(read_.get(), room.data() + got, size - got);
        if (more <= 0) { // what is left of it would be taken for the beginning of the next copy
            read_.reset();
            write_.reset();
            return ahead;
        }
        got += static_cast<std::size_t>(more);
    }
    ahead.bytes = size;
    for (std::string_view text(room.data(), size); !text.empty();) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1);
        const wire::logs::InitLine line = wire::logs::parse_init_line(text.substr(0, end));
        if (text.data() == room.data() &&
            wire::logs::tells_of_start({.source = wire::logs::Source::init, .text = line.text})) {
            ahead.bytes = end + 1;
            ahead.is_start = true;
            return ahead;
        }
        if (line.unit.empty())
            ahead.of_all = true;
        else if (ahead.units.empty() || ahead.units.back() != line.unit)
            ahead.units.emplace_back(line.unit);
        text.remove_prefix(end + 1);
    }
    std::ranges::sort(ahead.units);
    ahead.units.erase(std::ranges::unique(ahead.units).begin(), ahead.units.end());
    return ahead;
}

} // namespace mi::logd
