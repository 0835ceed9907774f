#include "ctl/verbs/foreign_root.hpp"

#include "base/directory.hpp"
#include "base/glob.hpp"
#include "base/read_at.hpp"

#include <elf.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mi::ctl {

namespace {

template <typename Header>
std::optional<Header> header_at(int fd, std::uint64_t offset) {
    const std::string bytes = read_at(fd, offset, sizeof(Header));
    if (bytes.size() < sizeof(Header))
        return std::nullopt;
    Header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
}

// PT_INTERP of an ELF file with our byte order; empty: there is none, or the file is damaged.
template <typename File, typename Segment>
std::string interpreter_of(int fd) {
    constexpr std::size_t longest = 4096;
    constexpr unsigned most_segments = 512;
    std::optional<File> file = header_at<File>(fd, 0);
    for (unsigned at = 0; file && at < std::min<unsigned>(file->e_phnum, most_segments); ++at) {
        std::optional<Segment> segment = header_at<Segment>(fd, file->e_phoff + std::uint64_t{at} * sizeof(Segment));
        if (segment && segment->p_type == PT_INTERP) {
            const std::string name =
                read_at(fd, segment->p_offset, std::min<std::uint64_t>(segment->p_filesz, longest));
            return name.substr(0, name.find('\0'));
        }
    }
    return {};
}

} // namespace

Result<ForeignRoot> ForeignRoot::open(const std::string& directory) {
    Fd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd)
        return fault(errno, "open", directory);
    return ForeignRoot(std::move(fd), directory);
}

Fd ForeignRoot::open_inside(const std::string& path, int flags) const {
    struct open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_IN_ROOT;
    return Fd(static_cast<int>(::syscall(SYS_openat2, fd_.get(), path.empty() ? "." : path.c_str(), &how, sizeof how)));
}

ForeignRoot::Entry ForeignRoot::look(const std::string& path) const {
    Fd fd = open_inside(path, O_PATH);
    struct stat status{};
    if (!fd && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        return {Entry::Kind::hidden, false};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        return {};
    return {S_ISREG(status.st_mode)   ? Entry::Kind::file
            : S_ISDIR(status.st_mode) ? Entry::Kind::directory
                                      : Entry::Kind::other,
            (status.st_mode & 0111) != 0};
}

bool ForeignRoot::has_match(const std::string& pattern) const {
    const std::size_t wildcard = pattern.find_first_of("*?[");
    if (wildcard == pattern.npos)
        return has(pattern);
    const std::size_t begin = pattern.rfind('/', wildcard) + 1;
    const std::size_t end = std::min(pattern.find('/', wildcard), pattern.size());
    const std::string directory = pattern.substr(0, begin), wanted = pattern.substr(begin, end - begin);
    const Fd fd = open_inside(directory.empty() ? "/" : directory, O_RDONLY | O_DIRECTORY);
    if (!fd)
        return false;
    const auto entries = list_directory(fd.get());
    return entries && std::ranges::any_of(*entries, [&](const DirectoryEntry& entry) {
               return entry.hidden() == wanted.starts_with('.') && matches_pattern(entry.name, wanted) &&
                      (end == pattern.size() || has_match(directory + entry.name + pattern.substr(end)));
           });
}

bool ForeignRoot::is_filled(const std::string& path) const {
    Fd fd = open_inside(path, O_RDONLY | O_DIRECTORY);
    if (!fd)
        return false;
    const auto entries = list_directory(fd.get());
    return entries && !entries->empty();
}

std::optional<std::string> ForeignRoot::text(const std::string& path, std::size_t most) const {
    if (look(path).kind != Entry::Kind::file)
        return std::nullopt; // opening a device may have an effect
    Fd fd = open_inside(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd)
        return std::nullopt;
    return read_at(fd.get(), 0, most);
}

std::optional<ForeignRoot::Binary> ForeignRoot::binary(const std::string& path) const {
    if (look(path).kind != Entry::Kind::file)
        return std::nullopt;
    Fd fd = open_inside(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd)
        return std::nullopt;
    const std::string start = read_at(fd.get(), 0, sizeof(Elf32_Ehdr));
    if (start.size() < sizeof(Elf32_Ehdr) || !start.starts_with(ELFMAG))
        return std::nullopt;
    auto byte = [&](std::size_t at) { return static_cast<unsigned char>(start[at]); };
    constexpr std::size_t machine_at = offsetof(Elf32_Ehdr, e_machine); // the same offset in both classes
    const bool little = byte(EI_DATA) != ELFDATA2MSB;
    Binary binary;
    binary.machine = static_cast<std::uint16_t>(little ? byte(machine_at) | byte(machine_at + 1) << 8
                                                       : byte(machine_at) << 8 | byte(machine_at + 1));
    if (little)
        binary.interpreter = byte(EI_CLASS) == ELFCLASS64 ? interpreter_of<Elf64_Ehdr, Elf64_Phdr>(fd.get())
                                                          : interpreter_of<Elf32_Ehdr, Elf32_Phdr>(fd.get());
    return binary;
}

} // namespace mi::ctl
