#include "ctl/logs/packed_text.hpp"

#include "base/count.hpp"
#include "base/read_at.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace mi::ctl {

namespace logs = wire::logs;

PackedText::PackedText(int file, std::string name) : file_(file), name_(std::move(name)) {
    struct stat status{};
    if (::fstat(file_, &status) == 0)
        look(static_cast<std::uint64_t>(status.st_size));
    if (!frames_.empty())
        size_ = static_cast<std::int64_t>(frames_.back().text_at + frames_.back().text_size);
    size_ += static_cast<std::int64_t>(note_.size());
}

void PackedText::look(std::uint64_t file_size) {
    former_inode_ = logs::inode_of_pack(read_at(file_, 0, logs::pack_head_size));
    if (file_size >= logs::pack_foot_size) {
        const std::uint64_t size =
            logs::size_of_pack_table(read_at(file_, file_size - logs::pack_foot_size, logs::pack_foot_size));
        if (size > 0 && size <= file_size)
            if (auto frames = logs::read_pack_table(read_at(file_, file_size - size, size), file_size)) {
                frames_ = std::move(*frames);
                return;
            }
    }
    look_at_all(file_size);
}

// There is no table: another program has compressed the file, or its end is missing.
void PackedText::look_at_all(std::uint64_t file_size) {
    bool whole = false;
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(file_size, PTRDIFF_MAX)); // the address space is the limit
    void* at = size == 0 ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_, 0);
    if (at != MAP_FAILED) {
        frames_ = logs::find_pack_frames({static_cast<const char*>(at), size}, whole);
        ::munmap(at, size);
    }
    if (!whole)
        note_ = std::string(damage_mark) + name_ + (frames_.empty() ? " cannot be read\n" : " ends too early\n");
}

void PackedText::load(std::size_t index) {
    if (loaded_ == index)
        return;
    const logs::PackFrame& frame = frames_[index];
    loaded_ = index;
    if (auto text = logs::unpack(read_at(file_, frame.at, frame.size), frame.text_size)) {
        text_ = std::move(*text);
        return;
    }
    text_ = std::string(damage_mark) + counted(frame.text_size, "byte") + " of " + name_ + " cannot be read";
    text_.resize(frame.text_size - 1, ' ');
    text_ += '\n';
}

std::size_t PackedText::read(char* to, std::size_t size, std::int64_t at) {
    std::size_t done = 0;
    auto next =
        std::upper_bound(frames_.begin(), frames_.end(), at, [](std::int64_t place, const logs::PackFrame& one) {
            return place < static_cast<std::int64_t>(one.text_at);
        });
    std::size_t index = static_cast<std::size_t>(next - frames_.begin());
    for (index -= index > 0 ? 1 : 0; done < size && at < size_; ++index) {
        const bool behind = index >= frames_.size();
        if (!behind)
            load(index);
        const std::string& text = behind ? note_ : text_;
        const std::int64_t begin = behind ? size_ - static_cast<std::int64_t>(note_.size())
                                          : static_cast<std::int64_t>(frames_[index].text_at);
        const auto skip = static_cast<std::size_t>(at - begin);
        if (skip >= text.size())
            continue;
        const std::size_t some = std::min(size - done, text.size() - skip);
        std::memcpy(to + done, text.data() + skip, some);
        done += some;
        at += static_cast<std::int64_t>(some);
    }
    return done;
}

} // namespace mi::ctl
