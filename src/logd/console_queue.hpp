// Lines that wait for one console, and how long they may make the collector wait for its reader.
//
// A console device never makes anybody wait: what finds no room is counted. The output of a container is read by a program that
// is to miss nothing as long as it reads, though it reads more slowly than ten services write. So the collector waits for it, and
// services wait for the collector, as they would for that program if it read their pipes itself; but not for one that does not read:
// when it has taken nothing for 5 s, or next to nothing for 30 s, lines that find no room are counted and left out, until it
// has taken all that waits.
#pragma once

#include "base/time.hpp"
#include "os/socket/shared_output.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace mi::logd {

class ConsoleQueue {
public:
    // Writes there from now on. `waits`: for its reader, as above. What waited for another console is forgotten.
    void use(os::SharedOutput output, bool waits);
    void close() { use({}, false); }
    // Keeps the number of lines that wait in `lines`, which outlives us. Those that it says wait have gone with a collector before us:
    // they are left out.
    void count_in(std::uint64_t& lines);
    // Lines that will not come here.
    void leave_out(std::uint64_t lines) { left_out_ += lines; }
    [[nodiscard]] bool is_open() const { return output_.fd() >= 0; }

    // Where to append a line of at most `size` bytes, whole with its end; null: there is no room, and it is counted as left out.
    [[nodiscard]] std::string* room_for(std::size_t size);
    // How many lines were left out since the last call: to be told with the next one that finds room.
    [[nodiscard]] unsigned long take_left_out() { return std::exchange(left_out_, 0); }
    [[nodiscard]] unsigned long left_out() const { return left_out_; }
    // Writes what waits, as far as the console takes it. False: it has no reader any more; what waited is left out.
    bool flush();
    // Waits for that at most so long, or as long again as the reader takes something, but no longer than `most`.
    void flush_last(Span patience, Span most);
    // What must become writable before the rest can be written; -1: there is no rest.
    [[nodiscard]] int waits_for() const { return waiting() == 0 ? -1 : output_.fd(); }
    // The reader is not waited for any more until it has taken everything.
    [[nodiscard]] bool gave_up() const { return waits_ && !patient_; }

    // Called about once a second while the reader is waited for.
    std::function<void()> while_waiting;

private:
    [[nodiscard]] std::size_t waiting() const { return text_.size() - begin_; }
    bool await();
    [[nodiscard]] std::uint64_t lines_in(std::size_t from, std::size_t to) const;

    os::SharedOutput output_;
    std::string text_; // from begin_ on
    std::size_t begin_ = 0;
    bool waits_ = false, patient_ = false;
    Span waited_{}, still_{}; // for the reader: since it had taken enough, since it had taken anything
    std::size_t taken_ = 0;   // bytes, since then
    unsigned long left_out_ = 0;
    std::uint64_t own_lines_ = 0;
    std::uint64_t* lines_ = &own_lines_;
};

} // namespace mi::logd
