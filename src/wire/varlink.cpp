#include "wire/varlink.hpp"

#include "wire/describe.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

namespace mi::wire {

// ---- framing ------------------------------------------------------------------------------------------------------------

bool Framer::append(std::string_view bytes) {
    if (begin_ != 0) {
        buffer_.erase(0, begin_);
        scanned_ -= begin_;
        begin_ = 0;
    }
    buffer_ += bytes;
    (void)ready();
    return scanned_ < limit_;
}

bool Framer::ready() {
    const void* found = std::memchr(buffer_.data() + scanned_, 0, buffer_.size() - scanned_);
    scanned_ =
        found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) : buffer_.size();
    return found != nullptr;
}

std::optional<std::string_view> Framer::next() {
    if (ready()) {
        std::string_view message = std::string_view(buffer_).substr(begin_, scanned_ - begin_);
        begin_ = ++scanned_;
        return message;
    }
    if (begin_ == buffer_.size()) {
        // All bytes are used: free the memory of a large request now, because the connection may last long.
        constexpr std::size_t worth_keeping = 4096;
        if (buffer_.capacity() > worth_keeping)
            std::string().swap(buffer_); // an assignment would keep the memory
        else
            buffer_.clear();
        begin_ = scanned_ = 0;
    }
    return std::nullopt;
}

// ---- calls --------------------------------------------------------------------------------------------------------------

namespace {

// The parameters of the reply to org.varlink.service.GetInfo.
struct Info {
    std::string vendor = "miniinit", product = "miniinit", version = MINIINIT_VERSION, url = "https://varlink.org";
    std::vector<std::string> interfaces{std::string(service_interface), std::string(interface_name),
                                        std::string(metrics_interface)};
    static void fields(auto& self, auto&& visit) {
        visit("vendor", self.vendor);
        visit("product", self.product);
        visit("version", self.version);
        visit("url", self.url);
        visit("interfaces", self.interfaces);
    }
};
struct Description {
    std::string description;
    static void fields(auto& self, auto&& visit) { visit("description", self.description); }
};
struct InterfaceName {
    std::string interface;
    static void fields(auto& self, auto&& visit) { visit("interface", self.interface); }
};

constexpr std::string_view service_description = R"(# Introspection of a Varlink service.
interface org.varlink.service

method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: []string)
method GetInterfaceDescription(interface: string) -> (description: string)

error InterfaceNotFound (interface: string)
error MethodNotFound (method: string)
error MethodNotImplemented (method: string)
error InvalidParameter (parameter: string)
error PermissionDenied ()
error ExpectedMore ()
)";

// Reads `parameters` (an object, or missing) into `value`.
template <typename T>
std::string_view read_parameters(JsonView parameters, T& value) {
    const JsonView::Kind kind = parameters.kind();
    if (kind != JsonView::Kind::object && kind != JsonView::Kind::missing && kind != JsonView::Kind::null)
        return "parameters";
    // Without an object every member is missing; the first one that must be present is reported.
    std::string_view wrong;
    T::fields(value, [&](std::string_view field, auto& member) {
        using Member = std::remove_cvref_t<decltype(member)>;
        if (!wrong.empty())
            return;
        JsonView found = parameters.member(field);
        if (found.kind() == JsonView::Kind::missing || found.kind() == JsonView::Kind::null) {
            if (!is_optional<Member> && !std::same_as<Member, bool>)
                wrong = field;
            return;
        }
        wrong = read_json(found, member, true, field);
    });
    return wrong;
}

// `nulls`: absent values are null. All replies use this, so that a program always finds every field.
template <typename T>
void append_object(std::string& out, const T& parameters, std::string_view rest, bool nulls) {
    out += "{\"parameters\":";
    JsonWriter writer(out, nulls);
    write_json(writer, parameters);
    out += rest;
    out += "}";
    out += '\0';
}

// The reader of each method; one row for each alternative of Request.
struct Method {
    std::string_view interface, name;
    std::string_view (*read)(JsonView parameters, std::optional<Request>& to); // returns the name of the wrong member
};
template <typename R>
std::string_view read_request(JsonView parameters, std::optional<Request>& to) {
    return read_parameters(parameters, std::get<R>(to.emplace(std::in_place_type<R>)));
}
template <typename... R>
constexpr std::array<Method, sizeof...(R)> methods_of(const std::variant<R...>*) {
    return {{{interface_of<R>, R::method, read_request<R>}...}};
}
constexpr auto methods = methods_of(static_cast<const Request*>(nullptr));

// The same for errors.
struct ErrorReader {
    std::string_view interface, name;
    void (*read)(JsonView parameters, CallFailure& to);
};
template <typename E>
void read_error(JsonView parameters, CallFailure& to) {
    E error;
    if (parameters.kind() == JsonView::Kind::object)
        (void)read_json(parameters, error, false); // an unreadable member keeps its default
    to.parameters = json_of(error);
    to.known = std::move(error);
}
template <typename... E>
constexpr std::array<ErrorReader, sizeof...(E)> errors_of(const std::variant<E...>*) {
    return {{{E::interface, E::error, read_error<E>}...}};
}
constexpr auto errors = errors_of(static_cast<const Error*>(nullptr));

template <typename R>
void describe_if_of(std::string_view interface, Describer& types, std::string& out) {
    if (interface_of<R> == interface)
        describe_method<R>(types, out);
}
template <typename... R>
void describe_methods(std::string_view interface, Describer& types, std::string& out, const std::variant<R...>*) {
    (describe_if_of<R>(interface, types, out), ...);
}
template <typename... E>
void describe_errors(Describer& types, std::string& out, const std::variant<E...>*) {
    (describe_error<E>(types, out), ...);
}

std::expected<Call, Refusal> parse_introspection(Call call, std::string_view method, std::string_view full,
                                                 JsonView parameters) {
    if (method == "GetInfo") {
        append_object(call.answer, Info{}, {}, true);
        return call;
    }
    if (method != "GetInterfaceDescription")
        return std::unexpected(Refusal{MethodNotFound{std::string(full)}, call.oneway});
    InterfaceName wanted;
    if (std::string_view wrong = read_parameters(parameters, wanted); !wrong.empty())
        return std::unexpected(Refusal{InvalidParameter{std::string(wrong)}, call.oneway});
    if (wanted.interface == interface_name)
        append_object(call.answer, Description{interface_description()}, {}, true);
    else if (wanted.interface == metrics_interface)
        append_object(call.answer, Description{metrics_description()}, {}, true);
    else if (wanted.interface == service_interface)
        append_object(call.answer, Description{std::string(service_description)}, {}, true);
    else
        return std::unexpected(Refusal{InterfaceNotFound{wanted.interface}, call.oneway});
    return call;
}

} // namespace

std::expected<Call, Refusal> parse_call(std::string_view message) {
    std::optional<JsonDocument> document = JsonDocument::parse(message);
    if (!document)
        return std::unexpected(Refusal{});
    const JsonView root = document->root(), full = root.member("method"), parameters = root.member("parameters");
    if (full.kind() != JsonView::Kind::text)
        return std::unexpected(Refusal{});
    auto flag = [&](std::string_view name) {
        JsonView view = root.member(name);
        return view.kind() == JsonView::Kind::boolean && view.boolean();
    };
    Call call;
    call.more = flag("more");
    call.oneway = flag("oneway");
    const std::size_t dot = full.text().rfind('.');
    if (dot == std::string_view::npos)
        return std::unexpected(Refusal{InterfaceNotFound{std::string(full.text())}, call.oneway});
    const std::string_view interface = full.text().substr(0, dot), method = full.text().substr(dot + 1);
    if (interface == service_interface)
        return parse_introspection(std::move(call), method, full.text(), parameters);
    if (interface != interface_name && interface != metrics_interface)
        return std::unexpected(Refusal{InterfaceNotFound{std::string(interface)}, call.oneway});
    const auto known = std::ranges::find_if(
        methods, [&](const Method& one) { return one.interface == interface && one.name == method; });
    if (known == methods.end())
        return std::unexpected(Refusal{MethodNotFound{std::string(full.text())}, call.oneway});
    if (std::string_view wrong = known->read(parameters, call.request); !wrong.empty())
        return std::unexpected(Refusal{InvalidParameter{std::string(wrong)}, call.oneway});
    if (answers_many(*call.request) == Many::demanded && !call.more)
        return std::unexpected(Refusal{ExpectedMore{}, call.oneway});
    return call;
}

bool acts(const Request& request) {
    return std::visit([](const auto& one) { return one.acts; }, request);
}

Many answers_many(const Request& request) {
    return std::visit([](const auto& one) { return one.many; }, request);
}

std::string method_name(const Request& request) {
    return std::visit(
        [](const auto& one) {
            std::string name(interface_of<std::remove_cvref_t<decltype(one)>>);
            return name.append(".").append(one.method);
        },
        request);
}

// ---- replies ------------------------------------------------------------------------------------------------------------

void append_reply(std::string& out, const Reply& reply, bool continues) {
    const std::string_view rest = continues ? R"(,"continues":true)" : std::string_view{};
    std::visit([&](const auto& parameters) { append_object(out, parameters, rest, true); }, reply);
}

void append_error(std::string& out, const Error& error) {
    std::visit(
        [&](const auto& one) {
            std::string rest = ",\"error\":\"";
            rest += one.interface;
            rest += '.';
            rest += one.error;
            rest += '"';
            append_object(out, one, rest, true);
        },
        error);
}

std::string list_head(const Reply& empty) {
    std::string text;
    append_reply(text, empty, false);
    constexpr std::string_view end("]}}\0", 4);
    assert(text.ends_with(end) && text[text.size() - end.size() - 1] == '[');
    text.resize(text.size() - end.size());
    return text;
}

void append_call(std::string& out, const Request& request, bool more) {
    std::string rest = ",\"method\":\"" + method_name(request) + '"';
    if (more)
        rest += ",\"more\":true";
    std::visit([&](const auto& parameters) { append_object(out, parameters, rest, false); }, request);
}

std::optional<RawAnswer> parse_answer(std::string_view message) {
    std::optional<JsonDocument> document = JsonDocument::parse(message);
    if (!document)
        return std::nullopt;
    const JsonView root = document->root();
    if (root.kind() != JsonView::Kind::object)
        return std::nullopt;
    const JsonView continues = root.member("continues"), error = root.member("error");
    RawAnswer answer{std::move(*document), root.member("parameters"), false, {}};
    answer.continues = continues.kind() == JsonView::Kind::boolean && continues.boolean();
    if (error.kind() == JsonView::Kind::text)
        answer.error = error.text();
    return answer;
}

CallFailure failure_of(const RawAnswer& answer) {
    CallFailure failure{answer.error, {}, {}};
    const std::size_t dot = answer.error.rfind('.');
    if (dot == std::string::npos)
        return failure;
    const std::string_view interface = std::string_view(answer.error).substr(0, dot);
    const std::string_view name = std::string_view(answer.error).substr(dot + 1);
    for (const ErrorReader& one : errors)
        if (one.interface == interface && one.name == name)
            one.read(answer.parameters, failure);
    return failure;
}

// ---- description --------------------------------------------------------------------------------------------------------

std::string interface_description() {
    std::string methods_text, errors_text;
    Describer types;
    describe_methods(interface_name, types, methods_text, static_cast<const Request*>(nullptr));
    describe_errors(types, errors_text, static_cast<const Error*>(nullptr));
    std::string text =
        "# Looking at and steering the units of a machine or container. Times are microseconds, `*_realtime` "
        "since 1970 (UTC),\n# `*_monotonic` since boot. Reading is for everyone; methods marked [acts] are for "
        "root and the control group.\ninterface ";
    text += interface_name;
    text += "\n\n";
    return text + types.text() + methods_text + errors_text;
}

std::string metrics_description() {
    std::string methods_text, text = "# What the manager and its units do and use, in numbers.\ninterface ";
    Describer types;
    describe_methods(metrics_interface, types, methods_text, static_cast<const Request*>(nullptr));
    return text.append(metrics_interface).append("\n\n") + types.text() + methods_text;
}

} // namespace mi::wire
