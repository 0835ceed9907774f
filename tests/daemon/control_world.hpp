// A control server on a socket of its own, run by a thread, with a handler that answers as the test says; and blocking clients.
#pragma once

#include "base/clock.hpp"
#include "daemon/control/control.hpp"
#include "os/socket/local_socket.hpp"
#include "wire/varlink.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mi::test {

// Answers Ping at once, Status with the names asked for, List with `units` units, Shutdown with nothing; keeps Wait, Events
// and Start for the test to answer.
class Handler : public daemon::ControlHandler {
public:
    void call(daemon::CallId id, const daemon::Caller& caller, wire::Request request) override {
        ++calls;
        last_caller = caller;
        ++of_user[caller.uid];
        for (const Instant until = monotonic_now() + cost; monotonic_now() < until;) {
        }
        if (std::holds_alternative<wire::Ping>(request) || std::holds_alternative<wire::Shutdown>(request)) {
            server->reply(id, wire::Nothing{});
        } else if (std::holds_alternative<wire::GetOverview>(request)) {
            server->reply(id, wire::Overview{});
        } else if (auto* status = std::get_if<wire::Status>(&request)) {
            server->reply_list(
                id, wire::Units{},
                [this, names = status->units, at = std::size_t{0}](std::string& out) mutable {
                    if (at == names.size())
                        return false;
                    ++made;
                    wire::append_element(out, named(names[at++]));
                    return true;
                },
                0);
        } else if (std::holds_alternative<wire::List>(request)) {
            server->reply_list(
                id, wire::Units{},
                [this, i = 0u](std::string& out) mutable {
                    if (i == units)
                        return false;
                    ++made;
                    wire::append_element(out, named("unit" + std::to_string(i++)));
                    return true;
                },
                0);
        } else {
            kept.push_back(id);
        }
    }
    void gone(daemon::CallId id) override {
        std::erase(kept, id);
        ++left;
    }
    static wire::UnitStatus named(const std::string& name) {
        wire::UnitStatus unit;
        unit.name = name;
        unit.description = std::string(200, 'd');
        return unit;
    }

    daemon::ControlServer* server = nullptr;
    std::vector<daemon::CallId> kept;
    daemon::Caller last_caller;
    unsigned units = 3, calls = 0, left = 0, made = 0; // `made`: units of lists
    std::map<uid_t, unsigned> of_user;                 // calls
    Span cost{0};                                      // of a call
};

class World {
public:
    explicit World(daemon::ControlSettings settings = {}) {
        char name[] = "/tmp/control-test-XXXXXX";
        directory_ = ::mkdtemp(name);
        ::chmod(name, 0755);
        wake_ = Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
        Result<Fd> listener = os::listen_local(path(), 0666);
        REQUIRE(listener.has_value());
        Result<std::unique_ptr<daemon::ControlServer>> server =
            daemon::ControlServer::make(loop_, std::move(*listener), handler, settings);
        REQUIRE(server.has_value());
        server_ = std::move(*server);
        handler.server = server_.get();
        Result<std::unique_ptr<loop::Watch>> watch = loop_.watch(wake_.get(), [this] { run_posted(); });
        REQUIRE(watch.has_value());
        watch_ = std::move(*watch);
        loop_.set_due([this] { server_->due(monotonic_now()); });
        loop_.set_turn_end([this] {
            ++turns;
            (void)server_->take_calls();
            server_->finish_turn();
            loop_.wake_at(server_->next_deadline());
        });
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~World() {
        in_loop([this] { loop_.stop(); });
        thread_.join();
        watch_.reset();
        server_.reset();
        ::unlink(path().c_str());
        ::rmdir(directory_.c_str());
    }

    // Runs `what` in the server's thread, between two turns, and waits for it.
    auto in_loop(auto what) -> decltype(what()) {
        std::packaged_task<decltype(what())()> task(std::move(what));
        auto result = task.get_future();
        {
            std::lock_guard lock(mutex_);
            posted_.push_back([&task] { task(); });
        }
        REQUIRE(::eventfd_write(wake_.get(), 1) == 0);
        return result.get();
    }
    // Until `condition` holds in the server's thread; false after 10 s.
    bool until(auto condition) {
        for (int i = 0; i < 10000; ++i) {
            if (in_loop(condition))
                return true;
            ::usleep(1000);
        }
        return false;
    }
    [[nodiscard]] std::string path() const { return directory_ + "/control"; }
    [[nodiscard]] daemon::ControlServer& server() { return *server_; }

    Handler handler;
    std::atomic<unsigned long> turns = 0;

private:
    void run_posted() {
        eventfd_t count = 0;
        (void)::eventfd_read(wake_.get(), &count);
        std::vector<std::function<void()>> now;
        {
            std::lock_guard lock(mutex_);
            now.swap(posted_);
        }
        for (auto& one : now)
            one();
    }

    loop::AsioLoop loop_;
    std::string directory_;
    Fd wake_;
    std::mutex mutex_;
    std::vector<std::function<void()>> posted_;
    std::unique_ptr<daemon::ControlServer> server_;
    std::unique_ptr<loop::Watch> watch_;
    std::thread thread_;
};

// A client that speaks in raw bytes.
class Client {
public:
    explicit Client(const World& world) : Client(world.path()) {}
    // One of a user, where we are root.
    Client(const World& world, uid_t user) {
        std::thread([&] { // the system call, unlike the function, is for this thread alone
            REQUIRE(::syscall(SYS_setresuid, user, user, -1) == 0);
            fd_ = os::connect_local(world.path(), std::chrono::seconds(10)).value_or(Fd());
        })
            .join();
        REQUIRE(fd_);
    }
    explicit Client(const std::string& path) {
        Result<Fd> fd = os::connect_local(path, std::chrono::seconds(10));
        REQUIRE(fd.has_value());
        fd_ = std::move(*fd);
    }
    // False: the other side has closed it.
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0)
                return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    // A whole message.
    bool say(std::string_view message) const { return send(std::string(message) + '\0'); }
    // The next reply; "closed" at the end, "timeout" after 10 s.
    std::string hear() {
        for (;;) {
            if (std::size_t end = buffer_.find('\0'); end != std::string::npos) {
                std::string message = buffer_.substr(0, end);
                buffer_.erase(0, end + 1);
                return message;
            }
            char chunk[65536];
            ssize_t count = ::recv(fd_.get(), chunk, sizeof chunk, 0);
            if (count < 0 && errno == EAGAIN)
                return "timeout";
            if (count <= 0)
                return "closed";
            buffer_.append(chunk, static_cast<std::size_t>(count));
        }
    }
    std::string ask(std::string_view message) { return say(message) ? hear() : "closed"; }
    // Whether something can be read within `milliseconds`.
    [[nodiscard]] bool something(int milliseconds) const {
        pollfd one{fd_.get(), POLLIN, 0};
        return buffer_.find('\0') != std::string::npos || ::poll(&one, 1, milliseconds) == 1;
    }
    void half_close() const { ::shutdown(fd_.get(), SHUT_WR); }
    void close() { fd_.reset(); }

private:
    Fd fd_;
    std::string buffer_;
};

inline constexpr std::string_view ping = R"({"method":"org.miniinit.Manager.Ping"})";
inline constexpr std::string_view pong = R"({"parameters":{}})";

} // namespace mi::test
