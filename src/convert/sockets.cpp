// Socket units: [[listen]] of the service that they start.
#include "base/text.hpp"
#include "config/syntax.hpp"
#include "convert/draft.hpp"
#include "convert/values.hpp"

#include <arpa/inet.h>

namespace mi::convert {

namespace {

constexpr Table here = Table::listen;

class Sockets {
public:
    Sockets(Draft& draft, const Part& part) : draft_(draft), part_(part) {}

    void run() {
        common();
        bool any = false;
        // In the order of the file: it is the order of the descriptors.
        for (const Assignment& each : part_.text.assignments) {
            if (each.section != "Socket" || !each.key.starts_with("Listen"))
                continue;
            if (each.used || each.value.empty())
                continue;
            if (const std::string_view kind = kind_of(each.key); !kind.empty())
                any = listen(each, kind) || any;
        }
        if (!any)
            draft_.say(part_.files.empty() ? part_.unit : part_.files.front(), 0, Weight::lost,
                       "there is no address in it that can be listened at");
    }

private:
    void say(const Assignment* of, Weight weight, std::string_view why) {
        if (of != nullptr)
            draft_.say(*of, here, weight, why);
    }
    const Assignment* last(std::string_view key) { return draft_.last(part_, "Socket", key); }

    static std::string_view kind_of(std::string_view key) {
        return key == "ListenStream"             ? "stream"
               : key == "ListenDatagram"         ? "datagram"
               : key == "ListenSequentialPacket" ? "sequential-packet"
               : key == "ListenFIFO"             ? "fifo"
                                                 : "";
    }

    // What is the same for every address of the unit.
    void common() {
        for (std::string_view key : {"ListenStream", "ListenDatagram", "ListenSequentialPacket", "ListenFIFO"}) {
            // An empty one takes back those before it.
            const Assignment* reset = nullptr;
            for (const Assignment& each : part_.text.assignments)
                if (each.section == "Socket" && each.key == key && each.value.empty())
                    reset = &each;
            for (const Assignment& each : part_.text.assignments)
                if (reset != nullptr && each.section == "Socket" && each.key == key && &each <= reset)
                    each.used = true;
        }
        if (const Assignment* accept = last("Accept"))
            accept_ = draft_.truth(*accept, here).value_or(false);
        mode_ = last("SocketMode");
        if (mode_ != nullptr && !config::parse_mode(mode_->value))
            say(mode_, Weight::lost, "it is no mode"), mode_ = nullptr;
        user_ = account("SocketUser");
        group_ = account("SocketGroup");
        backlog_ = last("Backlog");
        if (const Assignment* reuse = last("ReusePort"))
            reuse_ = draft_.truth(*reuse, here).value_or(false);
        if (const Assignment* most = last("MaxConnections")) {
            std::optional<std::int64_t> number = whole(most->value);
            if (number && *number >= 1 && *number <= 65535)
                most_ = std::to_string(*number);
            else
                say(most, Weight::lost, "it is no number of connections");
        }
        if (const Assignment* both = last("BindIPv6Only")) {
            only_v6_ = both->value == "ipv6-only";
            if (!only_v6_ && both->value != "both" && both->value != "default")
                say(both, Weight::lost, "there is no such value");
        }
        if (const Assignment* name = last("FileDescriptorName"); name != nullptr)
            name_ = draft_.text(*name, here).value_or("");
        else if (!accept_)
            name_ = part_.unit;
        if (name_.find(':') != std::string::npos || name_.size() > 255)
            name_.clear();
        if (const Assignment* mode = last("DirectoryMode"))
            say(mode, mode->value == "0755" || mode->value == "755" ? Weight::note : Weight::lost,
                "directories that are missing are made with the mode 0755");
        if (const Assignment* remove = last("RemoveOnStop"))
            say(remove, Weight::note, "the file of a socket goes with the socket");
        (void)last("Service"); // the one that this is part of
    }

    std::string account(std::string_view key) {
        const Assignment* of = last(key);
        std::optional<std::string> name = of != nullptr ? draft_.text(*of, here) : std::nullopt;
        if (name && name->find_first_of(":/, \t") != std::string::npos)
            say(of, Weight::lost, "it is no name that an account can have"), name.reset();
        return name.value_or("");
    }

    // The address as ours; empty: it has been told why not.
    std::string address(const Assignment& of, std::string_view kind) {
        constexpr std::size_t longest = 107;
        auto lost = [&](std::string why) {
            say(&of, Weight::lost, why);
            return std::string();
        };
        auto resolved = draft_.specifiers.resolve(of.value);
        if (!resolved)
            return lost(resolved.error());
        const std::string& text = *resolved;
        if (text.starts_with('/') || (text.starts_with('@') && text.size() > 1)) {
            if (kind == "fifo" && text.starts_with('@'))
                return lost("a named pipe has a path");
            return text.size() > longest && kind != "fifo" ? lost("the address is longer than 107 bytes") : text;
        }
        if (kind != "stream" && kind != "datagram")
            return lost("it has to be a path");
        if (std::optional<std::uint16_t> port = to_number<std::uint16_t>(text))
            return *port == 0 ? lost("a port is chosen by nobody") : (only_v6_ ? "[::]:" : "*:") + text;
        const std::size_t colon = text.rfind(':');
        std::string host = text.substr(0, colon);
        std::uint16_t port = 0;
        if (colon != std::string::npos)
            if (std::optional<std::uint16_t> number =
                    to_number<std::uint16_t>(std::string_view(text).substr(colon + 1)))
                port = *number;
        unsigned char bytes[16];
        if (port == 0)
            return lost("an address is HOST:PORT, [V6]:PORT, /path or @name");
        if (host.size() > 2 && host.front() == '[' && host.back() == ']' &&
            ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), bytes) == 1) {
            if (host == "[::]" && !only_v6_) // IPv4 comes in there, too
                return "*:" + std::to_string(port);
            return text;
        }
        return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ? text : lost("the host has to be a number");
    }

    bool listen(const Assignment& of, std::string_view kind) {
        of.used = true;
        std::string where = address(of, kind);
        if (where.empty())
            return false;
        const bool path = where.starts_with('/'), network = !path && !where.starts_with('@');
        const bool connects = kind == "stream" || kind == "sequential-packet";
        if (accept_ && !connects) {
            say(&of, Weight::lost, "only a stream has connections that can be accepted");
            return false;
        }
        if (accept_ != draft_.accepts) {
            say(&of, Weight::lost, "where one socket starts a process for each connection, all have to");
            return false;
        }
        for (const std::string& other : draft_.addresses)
            if (other == std::string(kind) + where) {
                say(&of, Weight::lost, "another socket of the service has that address");
                return false;
            }
        draft_.addresses.push_back(std::string(kind) + where);
        draft_.sheet.next_listen();
        draft_.sheet.set_text(here, kind, where);
        if (!name_.empty() && !accept_)
            draft_.sheet.set_text(here, "name", name_);
        if (path && mode_ != nullptr)
            draft_.sheet.set_text(here, "mode", mode_->value);
        if (path && !user_.empty())
            draft_.sheet.set_text(here, "user", user_);
        if (path && !group_.empty())
            draft_.sheet.set_text(here, "group", group_);
        if (connects && backlog_ != nullptr)
            backlog();
        if (network && reuse_)
            draft_.sheet.set(here, "reuse-port", "true");
        if (accept_)
            draft_.sheet.set(here, "accept", "true");
        if (accept_ && !most_.empty())
            draft_.sheet.set(here, "max-connections", most_);
        return true;
    }

    void backlog() {
        std::optional<std::int64_t> number = whole(backlog_->value);
        if (!number || *number < 1)
            say(backlog_, Weight::lost, "it is no number of connections");
        else if (*number <= 65535) // else: as many as the system allows
            draft_.sheet.set(here, "backlog", std::to_string(*number));
    }

    Draft& draft_;
    const Part& part_;
    bool accept_ = false, reuse_ = false, only_v6_ = false;
    const Assignment* mode_ = nullptr;
    const Assignment* backlog_ = nullptr;
    std::string user_, group_, name_, most_;
};

} // namespace

void convert_sockets(Draft& draft) {
    for (const Part& part : draft.parts)
        if (part.kind == Part::Kind::socket)
            Sockets(draft, part).run();
    if (!draft.addresses.empty())
        return;
    draft.sheet.remove(Table::service, "activation");
    if (draft.accepts)
        draft.fault = "there is no address in its socket that can be listened at";
}

} // namespace mi::convert
