// An init that is none: it answers the control socket with what the test puts into it. And minictl, run as a program is: in a
// process of its own, its output read to the end.
#pragma once

#include "base/fd.hpp"
#include "ctl/run.hpp"
#include "os/socket/local_socket.hpp"
#include "wire/varlink.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace mi::test {

struct Outcome {
    int code = -1;
    std::string out, err;
};

// Runs minictl (or what `words[0]` is called) and waits for it; `forked` is called here as soon as there is a child.
inline Outcome run_ctl(std::vector<std::string> words, const std::function<void()>& in_child = {},
                       const std::function<void()>& forked = {}) {
    char out_name[] = "/tmp/ctl-out-XXXXXX", err_name[] = "/tmp/ctl-err-XXXXXX";
    Fd out(::mkostemp(out_name, O_CLOEXEC)), err(::mkostemp(err_name, O_CLOEXEC));
    ::unlink(out_name);
    ::unlink(err_name);
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(out.get(), 1);
        ::dup2(err.get(), 2);
        ::unsetenv("MINIINIT_CONTROL");
        if (in_child)
            in_child();
        ::_exit(ctl::run(static_cast<int>(words.size()), argv.data()));
    }
    if (forked)
        forked();
    int status = 0;
    ::waitpid(child, &status, 0);
    auto text = [](const Fd& fd) {
        std::string all(static_cast<std::size_t>(::lseek(fd.get(), 0, SEEK_END)), '\0');
        all.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::pread(fd.get(), all.data(), all.size(), 0))));
        return all;
    };
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text(out), text(err)};
}

// A directory that goes with the test.
class Directory {
public:
    Directory() {
        char name[] = "/tmp/ctl-test-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    [[nodiscard]] std::string at(const std::string& name) const { return path_ + "/" + name; }
    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
        std::ofstream(at(name)) << text;
    }

private:
    std::string path_;
};

// Answers `say(request)`: by its messages, already encoded.
class FakeInit {
public:
    using Say = std::function<std::string(const wire::Request&, bool more)>;
    explicit FakeInit(Say say) : say_(std::move(say)) {
        Result<Fd> listener = os::listen_local(path(), 0666);
        REQUIRE(listener.has_value());
        listener_ = std::move(*listener);
        begin();
    }
    ~FakeInit() { end(); }
    [[nodiscard]] std::string path() const { return directory.at("control"); }
    // minictl with `--control` of this init.
    Outcome ctl(std::vector<std::string> words, const std::function<void()>& in_child = {}) {
        // Behind a command it would be an argument of that.
        if (!words.empty() && words.front() == "run")
            words.insert(words.begin() + 1, {"--control", path()});
        else
            words.insert(words.end(), {"--control", path()});
        words.insert(words.begin(), {"/sbin/minictl"});
        // A child has no other thread's locks to wait for (sanitizers have some that fork(2) does not see to).
        end();
        return run_ctl(std::move(words), in_child, [this] { begin(); });
    }
    std::vector<std::string> asked; // method names, in order; to be read when minictl has ended
    Directory directory;

private:
    void begin() {
        ending_ = false;
        thread_ = std::thread([this] { serve(); });
    }
    void end() {
        ending_ = true;
        thread_.join();
    }
    void serve() {
        std::vector<std::pair<Fd, wire::Framer>> clients;
        while (!ending_) {
            std::vector<pollfd> all{{listener_.get(), POLLIN, 0}};
            for (const auto& [fd, framer] : clients)
                all.push_back({fd.get(), POLLIN, 0});
            if (::poll(all.data(), all.size(), 5) <= 0)
                continue;
            for (std::size_t i = clients.size(); i-- > 0;)
                if (all[i + 1].revents != 0 && !answer(clients[i].first, clients[i].second))
                    clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(i));
            if (all[0].revents != 0)
                if (Result<std::optional<Fd>> fd = os::accept_local(listener_.get()); fd && *fd)
                    clients.emplace_back(std::move(**fd), wire::Framer(1 << 20));
        }
    }
    bool answer(const Fd& fd, wire::Framer& framer) {
        char chunk[65536];
        const ssize_t count = ::recv(fd.get(), chunk, sizeof chunk, 0);
        if (count <= 0 || !framer.append({chunk, static_cast<std::size_t>(count)}))
            return false;
        while (auto message = framer.next()) {
            auto call = wire::parse_call(*message);
            if (!call || !call->request)
                return false;
            asked.push_back(wire::method_name(*call->request).substr(wire::interface_name.size() + 1));
            const std::string out = say_(*call->request, call->more);
            if (out.empty())
                return false;
            if (::send(fd.get(), out.data(), out.size(), MSG_NOSIGNAL) < 0)
                return false;
        }
        return true;
    }

    Say say_;
    Fd listener_;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

inline std::string reply(const wire::Reply& reply, bool continues = false) {
    std::string out;
    wire::append_reply(out, reply, continues);
    return out;
}
inline std::string error(const wire::Error& error) {
    std::string out;
    wire::append_error(out, error);
    return out;
}

inline wire::UnitStatus unit(const std::string& name, core::Phase state, int pid = 0) {
    wire::UnitStatus status;
    status.name = name;
    status.state = state;
    status.description = "The " + name;
    if (pid != 0)
        status.main_pid = pid;
    return status;
}

} // namespace mi::test
