// The collector's one loop: waits for pipes and for PID 1 with epoll, and hands what is due to the courier.
//
// Level-triggered: every batch empties what it takes from a pipe (courier.hpp says why), so nothing that stays behind
// makes it spin, a busy pipe gets one batch a turn like all others, and nothing is waited for but descriptors: idle
// means asleep. The one timer runs only while lines are lost or files cannot be moved, to try again.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/time.hpp"
#include "logd/courier.hpp"
#include "logd/kernel_log.hpp"
#include "logd/own_words.hpp"
#include "logd/packing.hpp"
#include "logd/post.hpp"
#include "logd/storage.hpp"
#include "logd/total.hpp"
#include "logd/units.hpp"

namespace mi::logd {

class Collector {
public:
    // Descriptors are those of run.hpp and stay open. `most_open`: log files kept open at the same time.
    Collector(Mapping& memory, int control, int holding_read, int holding_write, std::size_t most_open);

    // Serves PID 1 until it says Finish or is gone: an exit code of run.hpp.
    int serve();

private:
    struct Known {
        StreamId id;
        std::uint32_t index;
    };

    bool turn();
    void read_control();
    [[nodiscard]] bool take_messages();
    void handle(const wire::logs::Configure& message);
    void handle(const wire::logs::Attach& message);
    void handle(const wire::logs::Flush& message);
    void handle(const wire::logs::TryStorage& message);
    void handle(const wire::logs::Finish& message);
    void handle(const wire::logs::Ping& message);
    bool attach(const wire::logs::Attachment& entry, Fd pipe);

    void read(std::uint32_t index);
    void read_own(std::uint32_t index);
    [[nodiscard]] Result<Courier::Took> move(Stream& stream);
    bool took(std::uint32_t index, const Result<Courier::Took>& batch);
    void take_post();
    void echo();
    void forward();
    void forward_last();
    // Whether an unfinished last line is written, too, though its end may be to come.
    enum class Rest { with, without };
    void drain(std::uint32_t index, Rest rest);
    void end(std::uint32_t index);
    void finish();
    void give_up(const Fault& fault);
    [[nodiscard]] std::vector<Known>::iterator find(StreamId id);

    void look_for_storage();
    void retry();
    void pack();
    void report();
    void report_losses();
    void tell_progress();
    void say(const wire::logs::FromCollector& message);
    void send();

    Units units_;
    Courier courier_;
    Post post_;
    KernelLog kernel_log_;
    OwnWords own_words_;
    Storage storage_;
    Packing packing_;
    Total total_;
    int control_;
    Fd epoll_;
    bool configured_ = false;
    bool finishing_ = false;
    bool unusable_ = false;
    bool alone_ = false;          // PID 1 is gone
    std::vector<Stream> streams_; // by index, which epoll knows; unused ones have id 0
    std::vector<std::uint32_t> unused_;
    std::vector<Known> known_; // by id
    // A server, and what epoll waits for at which of its descriptors.
    struct Server {
        explicit Server(const std::string& address, std::size_t room) : link(address, room) {}
        Forwarder link;
        int watched = -1;
        bool for_writing = false;
    };
    std::deque<Server> servers_;
    int console_ = -1;              // that is waited for
    std::vector<StreamId> sockets_; // those of syslog(3)
    std::vector<StreamId> ended_;   // to be reported this turn
    std::vector<Fd> arrived_;       // descriptors of the message being handled
    std::deque<std::string> to_send_;
    bool waiting_to_send_ = false;
    int reported_rank_ = -2;
    Instant next_try_ = never;
    Instant tell_ended_at_ = never;
    Instant progress_told_{};
    Instant reports_since_{}; // of Dropped; a few each ten seconds
    unsigned reports_ = 0;
    std::vector<char> message_;
};

} // namespace mi::logd
