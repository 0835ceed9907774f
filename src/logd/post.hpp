// Messages of syslog(3): out of the socket, with who sent them, into letters. Each is kept exactly once although this
// process may be killed at any instruction:
//
// recvmmsg(2) has the kernel write right into the mailbag in shared memory: first the message and its sender, then its
// length. A message is out of the socket only once that is done, and no signal stops a system call in the middle of it. So
// the lengths, set to nothing before, say to a successor which messages there are, and Mailbag::done how many of them are
// in files. What has been put together of them since goes through the same steps as everything else (courier.hpp).
#pragma once

#include "logd/courier.hpp"
#include "logd/senders.hpp"

#include <array>

namespace mi::logd {

class Post {
public:
    Post(Shared& shared, Courier& courier) : courier_(courier), mail_(shared.mail) {}

    // Receives what the stream's socket has, at most a bag, and writes it. The end: it is shut down and empty.
    Courier::Took move(Stream& stream);
    // Whether an earlier collector had received something that is not in files yet; and writes it. `unit` has those whose
    // sender is unknown.
    [[nodiscard]] bool unfinished() const { return mail_.open != 0; }
    void finish(Unit& unit);
    [[nodiscard]] Senders& senders() { return senders_; }

private:
    void prepare(bool with_pidfds);
    void ask_about_senders(std::size_t count);
    void deliver(Stream& stream);
    bool put(std::size_t index, std::string_view host, Unit& nobodys, std::size_t& used, std::size_t& from);

    Courier& courier_;
    Mailbag& mail_;
    Senders senders_;
    std::array<std::uint64_t, most_datagrams> cgroups_{}; // of the senders of those in the bag, by number; 0: not known
    Instant now_{};
    Span boot_{0}; // what CLOCK_BOOTTIME says, and the wall clock then
    WallTime wall_{};
};

} // namespace mi::logd
