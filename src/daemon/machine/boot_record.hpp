// What the next boot is told of this one: STATE/boot-record says how this boot went, and STATE/boot-end, which the last stage
// writes, that it ended in order. Each file begins with the kernel's id of the boot, so that one is known to be of the other.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace mi::daemon {

inline constexpr std::string_view boot_record_name = "boot-record", boot_end_name = "boot-end";

// The kernel's id of this boot; empty where it has none.
[[nodiscard]] std::string boot_id();
// "ID TIME": how a line of these files begins.
[[nodiscard]] std::string boot_stamp();
// What these two files of an earlier boot say, for people; empty: nothing that anybody has to know. `now`: the id of the boot
// that asks.
[[nodiscard]] std::string last_boot_words(std::string_view record, std::string_view end, std::string_view now);

class BootRecord final : public Subsystem {
public:
    // `slot`: what the kernel line calls this system; may be empty.
    BootRecord(Context& context, std::string slot) : context_(context), slot_(std::move(slot)) {}

    // Reads and says, once, what the last boot has left. The file systems of the machine are mounted.
    void look();
    // Stores how this boot goes: "open", "good", "bad: WHY". A child writes it, and again with what came meanwhile.
    void write(std::string state);
    // It is stored, or that failed.
    [[nodiscard]] bool at_rest() const { return child_ == 0; }
    // What the last boot has left, for people; empty: nothing to be told.
    [[nodiscard]] const std::string& words() const { return words_; }

    void exited(const os::Exit& exit) override;
    void save(state::ManagerImage& image) const override { image.last_boot = words_; }
    void restore(const state::ManagerImage& image) override;

private:
    void try_it();

    Context& context_;
    std::string slot_;
    bool looked_ = false;
    std::string words_;
    std::string wish_; // what is to be written; empty: nothing
    pid_t child_ = 0;
};

} // namespace mi::daemon
