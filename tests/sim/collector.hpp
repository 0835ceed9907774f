// The log collector of a simulated machine: it speaks the protocol (wire/log_protocol.hpp) over the real socket, and keeps nothing.
#pragma once

#include "base/fd.hpp"
#include "wire/log_protocol.hpp"

#include <map>
#include <string_view>
#include <vector>

namespace mi::sim {

class Machine;
struct Process;

class Collector {
public:
    Collector(Machine& machine, Process& process);
    ~Collector();
    // Reads what PID 1 has sent, answers, and looks for pipes that have ended. True if there was anything.
    bool run();

private:
    void take(std::string_view bytes, std::vector<Fd> fds);
    void say(const wire::logs::FromCollector& message);
    void read_pipes();

    Machine& machine_;
    int pid_;
    int socket_;
    std::vector<char> buffer_;
    std::map<wire::logs::StreamId, Fd> streams_;
    Fd pipes_; // epoll(7)
    bool finishing_ = false;
    bool gone_ = false;
};

} // namespace mi::sim
