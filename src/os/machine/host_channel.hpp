// Lines for the host that a virtual machine runs on, as sd_notify(3) has them: over vsock(7), or through a character device, above
// all a port of virtio-serial. Nothing here waits unless it is asked to.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace mi::os {

struct HostAddress {
    std::string device;         // `serial:/dev/…`; empty: vsock
    unsigned cid = 0, port = 0; // `vsock:CID:PORT`, CID 2 is the host
    int type = 0; // of the socket, where `vsock-stream:`, `vsock-seqpacket:` or `vsock-dgram:` says it; 0: any
    bool operator==(const HostAddress&) const = default;
};
inline constexpr std::string_view host_addresses = "vsock:CID:PORT or serial:/dev/virtio-ports/NAME";
// Nothing where it is none of these.
[[nodiscard]] std::optional<HostAddress> parse_host_address(std::string_view text);

// The device at `path`. A port of virtio-serial is found by the name that its host gave it, also where nobody makes the links in
// /dev/virtio-ports; `ports`: /sys/class/virtio-ports.
[[nodiscard]] std::string device_at(const std::string& path, const std::string& ports = "/sys/class/virtio-ports");

class HostChannel {
public:
    HostChannel() = default; // to nobody
    explicit HostChannel(HostAddress address) : address_(std::move(address)) {}

    [[nodiscard]] bool wanted() const { return address_.has_value(); }
    // Takes lines, without the last end; attempt() delivers them, each call in one message and in their order.
    void add(std::string_view lines);
    [[nodiscard]] bool waiting() const { return !messages_.empty(); }
    // Delivers what it can at once. False: something waits for the device to appear, or for the host to listen or to read.
    bool attempt();
    // Why the last attempt left something, in words.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    void give_up() { messages_.clear(); }
    // Attempts again and again, for so long at most: for the end of a machine, when there is nothing else to do.
    void finish(Span limit);

private:
    bool connected();
    bool send_one();
    bool failed(std::string_view doing, int code);

    std::optional<HostAddress> address_;
    std::deque<std::string> messages_;
    std::size_t sent_ = 0; // of the first one
    Fd channel_;
    bool connecting_ = false;
    int type_ = 0; // of the socket that is tried
    std::string trouble_;
};

} // namespace mi::os
