// The collector's one loop: waits for pipes and for PID 1 with epoll, and hands what is due to the courier.
//
// Level-triggered: every batch empties what it takes from a pipe (courier.hpp says why), so nothing that stays behind
// makes it spin, a busy pipe gets one batch a turn like all others, and nothing is waited for but descriptors: idle
// means asleep. The one timer runs only while lines are lost or files cannot be moved, to try again.
#pragma once

#include "base/fd.hpp"
#include "base/time.hpp"
#include "logd/courier.hpp"
#include "logd/init_socket.hpp"
#include "logd/kernel_log.hpp"
#include "logd/outputs.hpp"
#include "logd/own_words.hpp"
#include "logd/packing.hpp"
#include "logd/post.hpp"
#include "logd/reports.hpp"
#include "logd/storage.hpp"
#include "logd/stream_table.hpp"
#include "logd/total.hpp"
#include "logd/units.hpp"
#include "logd/wait_set.hpp"

namespace mi::logd {

class Collector {
public:
    // Descriptors are those of run.hpp and stay open. `most_open`: log files kept open at the same time.
    Collector(Mapping& memory, int control, int holding_read, int holding_write, std::size_t most_open);

    // Serves PID 1 until it says Finish or is gone: an exit code of run.hpp.
    int serve();

private:
    bool turn();
    [[nodiscard]] bool take_messages();
    void handle(const wire::logs::Configure& message);
    void handle(const wire::logs::Attach& message);
    void handle(const wire::logs::Flush& message);
    void handle(const wire::logs::TryStorage& message);
    void handle(const wire::logs::Finish& message);
    void handle(const wire::logs::Ping& message);
    void handle(const wire::logs::Expect& message);
    void tell_match(Stream& stream);
    bool attach(const wire::logs::Attachment& entry, Fd pipe);

    void read(std::uint32_t index);
    void read_own(std::uint32_t index);
    [[nodiscard]] Result<Courier::Took> move(Stream& stream);
    bool took(std::uint32_t index, const Result<Courier::Took>& batch);
    void take_post();
    // Whether an unfinished last line is written, too, though its end may be to come.
    enum class Rest { with, without };
    void drain(std::uint32_t index, Rest rest);
    void end(std::uint32_t index);
    void finish();
    void give_up(const Fault& fault);

    void look_for_storage();
    void retry();
    void pack();
    void report();

    WaitSet waiting_;
    InitSocket init_;
    Reports reports_;
    Units units_;
    Courier courier_;
    Post post_;
    KernelLog kernel_log_;
    OwnWords own_words_;
    Storage storage_;
    Packing packing_;
    Total total_;
    Outputs outputs_;
    StreamTable streams_;
    bool configured_ = false;
    bool finishing_ = false;
    bool unusable_ = false;
    std::vector<wire::logs::Expect> expected_; // patterns of streams that are not attached yet
    int reported_rank_ = -2;
    Instant next_try_ = never; // of what could not be written or moved
};

} // namespace mi::logd
