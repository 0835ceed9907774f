// Converts socket units: each address becomes a [[listen]] of the service that the socket starts.
#include "base/text.hpp"
#include "convert/step.hpp"

#include <arpa/inet.h>

#include <utility>

namespace mi::convert {

namespace {

constexpr Table here = Table::listen;

struct ListenKind {
    std::string_view directive, key;
    bool connects;
};
constexpr ListenKind listen_kinds[] = {
    {"ListenStream", "stream", true},
    {"ListenDatagram", "datagram", false},
    {"ListenSequentialPacket", "sequential-packet", true},
    {"ListenFIFO", "fifo", false},
};

class SocketStep : ConversionStep {
public:
    // `addresses`: the addresses of the service so far, each with its kind in front.
    SocketStep(const UnitSource& source, const SystemdUnit& unit, std::vector<std::string>& addresses)
        : ConversionStep(source, here), unit_(unit), addresses_(addresses) {}

    StepOutput run() {
        out_ = convert_rows(source_, unit_, "Socket");
        common_ = std::exchange(out_.toml, {});
        read_common();
        // The order in the file is the order of the descriptors.
        std::vector<std::pair<const Assignment*, const ListenKind*>> listens;
        for (const ListenKind& kind : listen_kinds)
            for (const Assignment& each : all(unit_, "Socket", kind.directive))
                listens.emplace_back(&each, &kind);
        std::ranges::sort(listens, {}, [](const auto& each) { return each.first; });
        bool any = false;
        for (const auto& [of, kind] : listens)
            any = listen(*of, *kind) || any;
        if (!any)
            out_.say(unit_.files.front(), 0, Weight::lost, "there is no address in it that can be listened at");
        return std::move(out_);
    }

private:
    const Assignment& last(std::string_view key) { return ConversionStep::last(unit_, "Socket", key); }

    // Reads the values that all addresses of the unit share and that the rows of the table do not make.
    void read_common() {
        accepts_ = is_yes(last("Accept"));
        if (const Assignment& of = last("BindIPv6Only"); of.is_set()) {
            only_v6_ = of.value == "ipv6-only";
            if (!only_v6_ && of.value != "both" && of.value != "default")
                lost(of, "there is no such value");
        }
        std::string name = accepts_ ? "" : unit_.name;
        if (const Assignment& of = last("FileDescriptorName"); of.is_set())
            name = text(of).value_or("");
        if (!name.empty() && name.find(':') == name.npos && name.size() <= 255)
            common_.set(here, "name", quoted(name));
        if (const Assignment& of = last("Backlog"); of.is_set()) {
            const std::optional<std::int64_t> number = whole(of.value);
            if (!number || *number < 1)
                lost(of, "it is no number of connections");
            else if (*number <= 65535) // otherwise the system's limit counts, as without the key
                common_.set(here, "backlog", std::to_string(*number));
        }
    }

    // The address in our form; empty, after a remark with the reason, if there is none.
    std::string address(const Assignment& of, const ListenKind& kind) {
        const std::optional<std::string> resolved = text(of);
        if (!resolved)
            return {};
        auto no = [&](std::string_view why) {
            lost(of, why);
            return std::string();
        };
        const std::string& where = *resolved;
        const bool fifo = kind.key == "fifo";
        if (where.starts_with('/') || (where.starts_with('@') && where.size() > 1)) {
            if (fifo && where.starts_with('@'))
                return no("a named pipe has a path");
            return where.size() > 107 && !fifo ? no("the address is longer than 107 bytes") : where;
        }
        if (kind.key != "stream" && kind.key != "datagram")
            return no("it has to be a path");
        if (const auto only = to_number<std::uint16_t>(where))
            return *only == 0 ? no("a port is chosen by nobody") : (only_v6_ ? "[::]:" : "*:") + where;
        const std::size_t colon = where.rfind(':');
        const auto port =
            to_number<std::uint16_t>(std::string_view(where).substr(colon + 1)); // the whole text if there is no colon
        if (colon == where.npos || port.value_or(0) == 0)
            return no("an address is HOST:PORT, [V6]:PORT, /path or @name");
        const std::string host = where.substr(0, colon);
        unsigned char bytes[16];
        if (host.size() > 2 && host.front() == '[' && host.back() == ']' &&
            ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), bytes) == 1)
            return host == "[::]" && !only_v6_ ? "*:" + std::to_string(*port)
                                               : where; // IPv4 connections arrive at this address, too
        return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ? where : no("the host has to be a number");
    }

    // The reason why the service cannot have this address; empty if it can.
    std::string_view in_the_way(const ListenKind& kind, const std::string& where) const {
        if (accepts_ && !kind.connects)
            return "only a stream has connections that can be accepted";
        if (accepts_ != source_.accepts)
            return "where one socket starts a process for each connection, all have to";
        if (std::ranges::find(addresses_, std::string(kind.key) + where) != addresses_.end())
            return "another socket of the service has that address";
        return {};
    }

    bool listen(const Assignment& of, const ListenKind& kind) {
        const std::string where = address(of, kind);
        if (where.empty())
            return false;
        if (const std::string_view why = in_the_way(kind, where); !why.empty()) {
            lost(of, why);
            return false;
        }
        addresses_.push_back(std::string(kind.key) + where);
        out_.toml.next_listen();
        set_text(kind.key, where);
        const bool path = where.starts_with('/'), network = !path && !where.starts_with('@');
        copy("name", !accepts_);
        for (std::string_view key : {"mode", "user", "group"})
            copy(key, path);
        copy("backlog", kind.connects);
        copy("reuse-port", network);
        if (accepts_)
            set("accept", "true");
        copy("max-connections", accepts_);
        return true;
    }

    // Sets a key that all addresses of the unit share, if it has a meaning for this address.
    void copy(std::string_view key, bool fits) {
        if (fits && common_.has(here, key))
            set(key, std::string(common_.value(here, key)));
    }

    const SystemdUnit& unit_;
    std::vector<std::string>& addresses_;
    UnitToml common_;
    bool accepts_ = false, only_v6_ = false;
};

} // namespace

Sockets convert_sockets(const UnitSource& source, bool on_demand) {
    Sockets sockets;
    std::vector<std::string> addresses;
    for (const SystemdUnit& unit : source.units)
        if (unit.kind == SystemdUnit::Kind::socket)
            sockets.output.add(SocketStep(source, unit, addresses).run());
    sockets.count = addresses.size();
    if (addresses.empty() && source.accepts)
        sockets.output.fault = "there is no address in its socket that can be listened at";
    if (!addresses.empty() && on_demand)
        sockets.output.toml.set(Table::service, "activation", quoted("on-demand"));
    return sockets;
}

} // namespace mi::convert
