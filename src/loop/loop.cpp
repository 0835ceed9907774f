#include "loop/loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cerrno>

namespace mi::loop {

namespace asio = boost::asio;

namespace {

constexpr int callbacks_a_turn = 256;

// State shared by a watch and its pending operations: an operation may complete after the watch is destroyed, and then
// does nothing.
struct Watched : std::enable_shared_from_this<Watched> {
    explicit Watched(asio::io_context& context) : descriptor(context) {}
    ~Watched() { (void)descriptor.release(); }

    void arm_readable() {
        if (reading || !readable_wanted || gone)
            return;
        reading = true;
        descriptor.async_wait(asio::posix::descriptor_base::wait_read, [self = shared_from_this()](auto error) {
            self->reading = false;
            if (self->gone || error)
                return;
            if (self->readable_wanted)
                self->readable();
            self->arm_readable();
        });
    }
    void arm_writable() {
        if (writing || !writable_wanted || gone)
            return;
        writing = true;
        descriptor.async_wait(asio::posix::descriptor_base::wait_write, [self = shared_from_this()](auto error) {
            self->writing = false;
            if (self->gone || error)
                return;
            if (self->writable_wanted)
                self->writable();
            self->arm_writable();
        });
    }
    // After this no callback runs, even if one is queued, and the descriptor can be closed by its owner.
    void leave() {
        gone = true;
        boost::system::error_code ignored;
        (void)descriptor.cancel(ignored); // an error only means that nothing was pending
        (void)descriptor.release();
    }

    asio::posix::stream_descriptor descriptor;
    Loop::Callback readable, writable;
    bool reading = false, writing = false;
    bool readable_wanted = true, writable_wanted = false;
    bool gone = false;
};

class AsioWatch final : public Watch {
public:
    explicit AsioWatch(std::shared_ptr<Watched> watched) : watched_(std::move(watched)) {}
    ~AsioWatch() override { watched_->leave(); }
    void want_writable(bool wanted) override {
        watched_->writable_wanted = wanted;
        watched_->arm_writable();
    }
    void want_readable(bool wanted) override {
        watched_->readable_wanted = wanted;
        watched_->arm_readable();
    }

private:
    std::shared_ptr<Watched> watched_;
};

} // namespace

struct AsioLoop::State {
    asio::io_context context{1};
    asio::steady_timer timer{context};
    Callback due, turn_end;
    Instant armed = never;
    bool stopped = false;
};

AsioLoop::AsioLoop() : state_(std::make_unique<State>()) {}
AsioLoop::~AsioLoop() = default;

Result<std::unique_ptr<Watch>> AsioLoop::watch(int fd, Callback readable, Callback writable) {
    auto watched = std::make_shared<Watched>(state_->context);
    boost::system::error_code error;
    (void)watched->descriptor.assign(fd, error);
    if (error)
        return fault(error.value(), "watch descriptor", std::to_string(fd));
    watched->readable = std::move(readable);
    watched->writable = std::move(writable);
    watched->arm_readable();
    return std::make_unique<AsioWatch>(std::move(watched));
}

void AsioLoop::set_due(Callback due) { state_->due = std::move(due); }

void AsioLoop::wake_at(Instant at) {
    State& state = *state_;
    if (at == state.armed)
        return;
    state.armed = at;
    if (at == never) {
        state.timer.cancel();
        return;
    }
    state.timer.expires_at(
        asio::steady_timer::time_point(std::chrono::duration_cast<asio::steady_timer::duration>(at.since_boot)));
    state.timer.async_wait([&state](auto error) {
        if (error) // the timer was set to another time, or disarmed
            return;
        state.armed = never;
        state.due();
    });
}

void AsioLoop::set_turn_end(Callback turn_end) { state_->turn_end = std::move(turn_end); }

void AsioLoop::run() {
    auto work = asio::make_work_guard(state_->context);
    while (!state_->stopped) {
        state_->context.run_one();
        // Limited, so that a peer that always has data cannot prolong a turn for ever.
        for (int i = 0; i < callbacks_a_turn && !state_->stopped && state_->context.poll_one() > 0; ++i) {
        }
        if (state_->turn_end)
            state_->turn_end();
    }
}

void AsioLoop::stop() { state_->stopped = true; }

} // namespace mi::loop
