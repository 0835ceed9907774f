// The memory that holds our state for the next program: a memfd, whose first page is the crash guard's (os/crash/crash.hpp)
// and whose rest is the journal (state/journal.hpp). What is written there is state_store.hpp's business.
#pragma once

#include "base/result.hpp"
#include "state/journal.hpp"
#include "state/snapshot.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mi::daemon {

class Keeper {
public:
    // In a memory file, fresh or with what the program before this one has left; borrowed.
    static Result<Keeper> on(int memory);
    Keeper(Keeper&& other) noexcept;
    Keeper& operator=(Keeper&& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(bytes_, other.bytes_);
        std::swap(size_, other.size_);
        std::swap(journal_, other.journal_);
        std::swap(format_, other.format_);
        std::swap(frame_, other.frame_);
        std::swap(reserved_, other.reserved_);
        return *this;
    }
    Keeper(const Keeper&) = delete;
    ~Keeper();

    [[nodiscard]] int fd() const { return memory_; }
    // Of the journal that was in it when we came, as Journal::format_of.
    [[nodiscard]] unsigned format() const { return format_; }
    // The state that is in it; nothing where it is not understood.
    [[nodiscard]] std::optional<state::Snapshot> read() const;

    // Where the next frame is put together: kept, so that it allocates nothing once it has grown.
    std::string& frame() {
        frame_.clear();
        return frame_;
    }
    // The frame that was written last.
    [[nodiscard]] const std::string& written() const { return frame_; }
    // Writes the frame. False: only a whole new state helps.
    [[nodiscard]] bool append();
    // Writes the frame as the whole state. A fault: there is no memory for it, and what is in there is of before.
    Result<> rebase();

private:
    Keeper(int memory, char* bytes, std::size_t size) : memory_(memory), bytes_(bytes), size_(size) {}
    Result<> begin();

    void let_go();

    int memory_;
    char* bytes_ = nullptr;
    std::size_t size_ = 0;
    state::Journal journal_;
    unsigned format_ = 0;
    std::string frame_;
    std::unique_ptr<std::vector<bool>> reserved_; // by piece of the memory; the journal asks for them
};

} // namespace mi::daemon
