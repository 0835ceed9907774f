// `minictl check`: asks an address whether something answers there, as a probe of [health] and as the HEALTHCHECK of an image
// without curl. No manager, no name server: names are those of /etc/hosts. HTTP as RFC 9112 has it, as much as an answer needs.
#include "base/check_url.hpp"
#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/printable.hpp"
#include "base/regex.hpp"
#include "base/text.hpp"
#include "ctl/verbs/verbs.hpp"
#include "os/socket/internet_address.hpp"
#include "os/socket/local_socket.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mi::ctl {

namespace {

constexpr Span usual_timeout = std::chrono::seconds(3);
constexpr std::size_t longest_head = 64 * 1024,
                      longest_body = 1024 * 1024; // bytes; of a longer body the beginning counts

bool same_name(std::string_view one, std::string_view other) {
    return std::ranges::equal(one, other, [](char a, char b) { return std::tolower(a) == std::tolower(b); });
}

// One check. Each step gives why it failed, or an empty text.
class Check {
public:
    // `expected`: what the body is to match; null: nothing.
    Check(const Arguments& arguments, const Regex* expected, CheckUrl url)
        : arguments_(arguments), expected_(expected), url_(std::move(url)),
          end_(monotonic_now() + arguments.timeout.value_or(usual_timeout)) {}

    // What there is to say when all is well.
    [[nodiscard]] const std::string& answer() const { return answer_; }

    std::string run() {
        if (std::string why = find_addresses(); !why.empty())
            return why;
        std::string why;
        for (const os::InternetAddress& address : addresses_)
            if ((why = connect(address)).empty())
                break;
        if (!why.empty())
            return why;
        answer_ = "it takes connections";
        const bool speaks = url_.kind == CheckUrl::Kind::http || url_.kind == CheckUrl::Kind::unix_http;
        return speaks ? ask() : "";
    }

private:
    std::string find_addresses() {
        if (!url_.socket.empty()) {
            auto name = os::local_name(url_.socket);
            if (!name)
                return name.error().text();
            os::InternetAddress address{.size = name->size, .text = url_.socket};
            std::memcpy(&address.bytes, &name->bytes, sizeof name->bytes);
            addresses_.push_back(std::move(address));
            return {};
        }
        addresses_ = os::addresses_of(url_.host, url_.port);
        return !addresses_.empty()
                   ? ""
                   : "\"" + url_.host + "\" is not in /etc/hosts, and no name server is asked: write its address";
    }

    // False: the time is over.
    [[nodiscard]] bool wait_for(short events) const {
        for (;;) {
            const Span left = end_ - monotonic_now();
            if (left <= Span{0})
                return false;
            pollfd one{socket_.get(), events, 0};
            const int ready = ::poll(&one, 1, static_cast<int>(left / std::chrono::milliseconds(1)) + 1);
            if (ready > 0)
                return true;
            if (ready < 0 && errno != EINTR)
                return true; // the call itself will say
        }
    }
    [[nodiscard]] std::string too_late(std::string_view what) const {
        return std::string(what) + " within " +
               std::to_string((arguments_.timeout.value_or(usual_timeout)) / std::chrono::milliseconds(1)) + " ms";
    }

    std::string connect(const os::InternetAddress& address) {
        socket_ = Fd(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket_)
            return Fault{errno, "make a socket for", address.text}.text();
        int code =
            ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) == 0 ? 0 : errno;
        if (code == EINPROGRESS || code == EAGAIN) {
            if (code == EAGAIN) // a Unix socket whose backlog is full: the service does not accept
                return "connect to " + address.text + ": its queue of connections is full";
            if (!wait_for(POLLOUT))
                return too_late("no connection to " + address.text);
            socklen_t size = sizeof code;
            if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0)
                code = errno;
        }
        return code == 0 ? "" : Fault{code, "connect to", address.text}.text();
    }

    std::string ask() {
        const std::string request = "GET " + url_.path + " HTTP/1.1\r\nHost: " + url_.authority +
                                    "\r\nUser-Agent: miniinit/" MINIINIT_VERSION
                                    "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
        for (std::size_t at = 0; at < request.size();) {
            const ssize_t sent = ::send(socket_.get(), request.data() + at, request.size() - at, MSG_NOSIGNAL);
            if (sent >= 0)
                at += static_cast<std::size_t>(sent);
            else if (errno != EAGAIN && errno != EINTR)
                return Fault{errno, "send the request", {}}.text();
            else if (!wait_for(POLLOUT))
                return too_late("the request was not taken");
        }
        int status = 0;
        do {
            if (std::string why = read_head(status); !why.empty())
                return why;
        } while (status < 200 && status != 101); // there is another to come
        const bool well = arguments_.http_status ? status == static_cast<int>(*arguments_.http_status)
                                                 : status >= 200 && status < 400;
        if (!well)
            return answer_ + (arguments_.http_status ? ", expected " + std::to_string(*arguments_.http_status) : "");
        return expected_ == nullptr ? "" : expect();
    }

    // More of the answer. False: there is no more, or `why` says something else.
    bool receive(std::string& why) {
        char bytes[16 * 1024];
        for (;;) {
            const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
            if (got > 0) {
                received_.append(bytes, static_cast<std::size_t>(got));
                return true;
            }
            if (got == 0)
                return false;
            if (errno != EAGAIN && errno != EINTR) {
                why = Fault{errno, "read the answer", {}}.text();
                return false;
            }
            if (!wait_for(POLLIN)) {
                why = too_late("no answer");
                return false;
            }
        }
    }

    // The status line and the fields after it; `received_` has what follows.
    std::string read_head(int& status) {
        std::size_t end = 0;
        std::string why;
        while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
            if (received_.size() > longest_head)
                return "its answer begins with more than 64 KiB of header";
            if (!receive(why))
                return !why.empty()        ? why
                       : received_.empty() ? "it closed the connection without an answer"
                                           : "its answer is cut short";
        }
        head_ = received_.substr(0, end + 2);
        received_.erase(0, end + 4);
        const std::string line = head_.substr(0, head_.find("\r\n"));
        const auto code = line.size() >= 12 && line.starts_with("HTTP/1.") && line[8] == ' '
                              ? to_number<int>(std::string_view(line).substr(9, 3))
                              : std::nullopt;
        if (!code || *code < 100)
            return "its answer is not HTTP/1: \"" + line.substr(0, 60) + "\"";
        status = *code;
        answer_ = line.substr(0, 200);
        return {};
    }

    [[nodiscard]] std::string_view field(std::string_view name) const {
        for (std::string_view line : split(head_, '\n'))
            if (line.size() > name.size() && line[name.size()] == ':' && same_name(line.substr(0, name.size()), name))
                return trim(line.substr(name.size() + 1));
        return {};
    }

    // The body of an answer in chunks, as far as it has come. True: it is whole.
    bool unchunk(std::string& body) const {
        std::string_view rest = received_;
        for (body.clear();;) {
            const std::size_t line = rest.find("\r\n");
            if (line == rest.npos)
                return false;
            const std::string_view digits = rest.substr(0, std::min(line, rest.find(';')));
            const auto size = to_number<std::uint32_t>(trim(digits), 16);
            rest.remove_prefix(line + 2);
            if (!size || *size == 0)
                return true;
            body += rest.substr(0, *size);
            if (rest.size() < std::size_t{*size} + 2)
                return false;
            rest.remove_prefix(std::size_t{*size} + 2);
        }
    }

    std::string expect() {
        const bool chunked = same_name(field("transfer-encoding"), "chunked");
        const auto length = to_number<std::uint64_t>(field("content-length"));
        std::string body, why;
        for (;;) {
            const bool whole = chunked ? unchunk(body) : length && received_.size() >= *length;
            if (whole || received_.size() > longest_body || !receive(why))
                break;
        }
        if (!why.empty())
            return why;
        if (!chunked)
            body = received_;
        return expected_->matches(body) ? "" : answer_ + ", but nothing in it matches \"" + arguments_.expect + "\"";
    }

    const Arguments& arguments_;
    const Regex* expected_;
    CheckUrl url_;
    Instant end_;
    std::vector<os::InternetAddress> addresses_;
    Fd socket_;
    std::string received_, head_, answer_;
};

struct Checked {
    std::string url, message;
    bool healthy = false;
    static void fields(auto& self, auto&& visit) {
        visit("url", self.url);
        visit("healthy", self.healthy);
        visit("message", self.message);
    }
};

} // namespace

int check_addresses(Context& context) {
    const Arguments& arguments = context.arguments;
    std::optional<Regex> expected;
    if (!arguments.expect.empty()) {
        auto compiled = Regex::compile(arguments.expect, REG_NEWLINE);
        if (!compiled)
            return context.fail(harmless("\"" + arguments.expect + "\" is no regular expression: " + compiled.error()));
        expected = std::move(*compiled);
    }
    int code = done;
    for (const std::string& word : arguments.words) {
        Checked checked{.url = word};
        if (auto url = parse_check_url(word); !url) {
            checked.message = url.error().what + (url.error().cure.empty() ? "" : "; " + url.error().cure);
        } else {
            Check check(arguments, expected ? &*expected : nullptr, std::move(*url));
            checked.message = check.run();
            checked.healthy = checked.message.empty();
            if (checked.healthy)
                checked.message = check.answer();
        }
        code = checked.healthy ? code : failed;
        if (arguments.quiet && checked.healthy)
            continue;
        const int printed = arguments.json ? context.print_json(checked)
                                           : context.print(harmless(word + ": " + checked.message) + "\n");
        code = std::max(code, printed);
    }
    return code;
}

} // namespace mi::ctl
