// Whether devices, interfaces, addresses, mounts and paths are there, and word of each change. The seam between what PID 1 does with
// that and Linux: the simulation has another implementation.
#pragma once

#include "os/mount/mounts.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mi::os {

struct Awaited {
    enum class Kind : std::uint8_t { device, interface, address, mounted, path };
    Kind kind;
    std::string name; // a path; of an interface its name; an address, or "any"
};

// Whether it is of a kind that the file system answers for: see path_question.hpp.
[[nodiscard]] inline bool is_file(const Awaited& thing) {
    return thing.kind == Awaited::Kind::device || thing.kind == Awaited::Kind::path;
}

class Presence {
public:
    enum class Change : std::uint8_t {
        none,
        now,
        soon, // and once more in a moment: the kernel tells of a device before it takes it away
    };

    virtual ~Presence() = default;
    // Readable when something may have changed; -1: nothing can be told.
    [[nodiscard]] virtual int fd() const = 0;
    // Watches for these and no others. Opens what that needs, and closes what it does not need. Call it before each look. What
    // changes will not be told of, and why, in words.
    [[nodiscard]] virtual std::vector<std::string> watch(std::span<const Awaited> things, HangingMounts& hanging) = 0;
    // What there was since the last call.
    [[nodiscard]] virtual Change take_change() = 0;
    // Of each in turn why it is not there, in words for people that may be empty; nullopt: it is there. Of files it says nothing.
    [[nodiscard]] virtual std::vector<std::optional<std::string>> look(std::span<const Awaited> things) = 0;
};

} // namespace mi::os
