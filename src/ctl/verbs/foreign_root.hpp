// The files of a system below some directory, mostly of one that does not run: links are followed inside it, and no
// file outside is ever read.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mi::ctl {

class ForeignRoot {
public:
    static Result<ForeignRoot> open(const std::string& directory);

    struct Entry {
        enum class Kind { missing, file, directory, other, hidden }; // hidden: we have no permission to look
        Kind kind = Kind::missing;
        bool executable = false; // has an execute bit
    };
    [[nodiscard]] Entry look(const std::string& path) const;
    [[nodiscard]] bool has(const std::string& path) const { return look(path).kind != Entry::Kind::missing; }
    // Whether anything matches a pattern of paths (base/glob.hpp).
    [[nodiscard]] bool has_match(const std::string& pattern) const;
    // Whether a directory has any entry.
    [[nodiscard]] bool is_filled(const std::string& path) const;
    // The text of a regular file, at most `most` bytes; nullopt if there is none.
    [[nodiscard]] std::optional<std::string> text(const std::string& path, std::size_t most = 1u << 20) const;

    // The needs of an ELF file (elf(5)).
    struct Binary {
        std::uint16_t machine = 0; // EM_*
        std::string interpreter;   // PT_INTERP; empty: none
    };
    // nullopt if the file is no ELF file, or damaged.
    [[nodiscard]] std::optional<Binary> binary(const std::string& path) const;

    // The path as it was given.
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    ForeignRoot(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
    [[nodiscard]] Fd open_inside(const std::string& path, int flags) const;

    Fd fd_;
    std::string path_;
};

} // namespace mi::ctl
