// Sends lines in the form of sd_notify(3) to the host of a virtual machine: over vsock(7), or through a character
// device, usually a port of virtio-serial. Only finish() waits.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

struct HostAddress {
    std::string device;         // `serial:/dev/…`; empty: vsock
    unsigned cid = 0, port = 0; // `vsock:CID:PORT`, CID 2 is the host
    int type = 0; // of the socket, if `vsock-stream:`, `vsock-seqpacket:` or `vsock-dgram:` names it; 0: any
    bool operator==(const HostAddress&) const = default;
};
inline constexpr std::string_view host_addresses = "vsock:CID:PORT or serial:/dev/virtio-ports/NAME";
// nullopt: the text has none of these forms.
[[nodiscard]] std::optional<HostAddress> parse_host_address(std::string_view text);

// The device at `path`. A port of virtio-serial is found by the name that the host gave it, even if the links in
// /dev/virtio-ports are missing; `ports`: /sys/class/virtio-ports.
[[nodiscard]] std::string device_at(const std::string& path, const std::string& ports = "/sys/class/virtio-ports");

class HostChannel {
public:
    HostChannel() = default; // without a receiver
    explicit HostChannel(HostAddress address) : address_(std::move(address)) {}

    [[nodiscard]] bool wanted() const { return address_.has_value(); }
    // Adds lines, given without the last line end, as one message. attempt() sends the messages in order.
    void add(std::string_view lines);
    [[nodiscard]] bool waiting() const { return !messages_.empty(); }
    // Sends as much as possible without waiting. False: messages remain, because the device is missing, or the host
    // does not listen or read.
    bool attempt();
    // The reason why messages remain after the last attempt, in words.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    void give_up() { messages_.clear(); }
    // Repeats attempt() for at most `limit`: for the end of a machine, when there is nothing else to do.
    void finish(Span limit);

private:
    bool connected();
    bool send_one();
    bool failed(std::string_view doing, int code);

    std::optional<HostAddress> address_;
    std::vector<std::string> messages_;
    std::size_t sent_ = 0; // bytes of the first message
    Fd channel_;
    bool connecting_ = false;
    int type_ = 0; // of the socket that is tried
    std::string trouble_;
};

} // namespace mi::os
