// The files of a system, mostly one that is not the running one, below some directory: links are followed inside it, and nothing
// outside of it is ever looked at.
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
        enum class Kind { missing, file, directory, other, hidden }; // hidden: we may not look there
        Kind kind = Kind::missing;
        bool executable = false; // has an execute bit
    };
    [[nodiscard]] Entry look(const std::string& path) const;
    [[nodiscard]] bool has(const std::string& path) const { return look(path).kind != Entry::Kind::missing; }
    // Whether a directory has anything in it.
    [[nodiscard]] bool is_filled(const std::string& path) const;
    // A regular file's text, up to `most` bytes of it; nothing where there is none.
    [[nodiscard]] std::optional<std::string> text(const std::string& path, std::size_t most = 1u << 20) const;

    // What an ELF file asks for.
    struct Binary {
        std::uint16_t machine = 0; // EM_*
        std::string interpreter;   // PT_INTERP; empty: it needs none
    };
    // Nothing where the file is no ELF file, or a broken one.
    [[nodiscard]] std::optional<Binary> binary(const std::string& path) const;

    // As it was named.
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    ForeignRoot(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
    [[nodiscard]] Fd open_inside(const std::string& path, int flags) const;

    Fd fd_;
    std::string path_;
};

} // namespace mi::ctl
