#include "wire/json.hpp"

#include "base/printable.hpp"

// The only file that compiles Boost.JSON; only its parser and value types are used.
#include <boost/json/src.hpp>

#include <charconv>
#include <utility>

namespace mi::wire {

namespace {

const boost::json::value& value_at(const void* node) { return *static_cast<const boost::json::value*>(node); }

} // namespace

void JsonWriter::open(char bracket) {
    out_ += bracket;
    first_ = true;
}

void JsonWriter::close(char bracket) {
    out_ += bracket;
    first_ = false;
}

void JsonWriter::element() {
    if (!std::exchange(first_, false))
        out_ += ',';
}

void JsonWriter::key(std::string_view name) {
    element();
    out_ += '"';
    out_ += name;
    out_ += "\":";
}

void JsonWriter::text(std::string_view value) { (void)append_quoted(out_, value, Quoting::json); }

void JsonWriter::number(std::int64_t value) {
    char digits[24];
    auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    out_.append(digits, end);
}

void JsonWriter::boolean(bool value) { out_ += value ? "true" : "false"; }

void JsonWriter::null() { out_ += "null"; }

JsonView::Kind JsonView::kind() const {
    if (node_ == nullptr)
        return Kind::missing;
    const boost::json::value& value = value_at(node_);
    switch (value.kind()) {
    case boost::json::kind::null: return Kind::null;
    case boost::json::kind::bool_: return Kind::boolean;
    case boost::json::kind::int64: return Kind::number;
    case boost::json::kind::uint64: // only for numbers above the range of int64
    case boost::json::kind::double_: return Kind::other;
    case boost::json::kind::string: return Kind::text;
    case boost::json::kind::array: return Kind::array;
    case boost::json::kind::object: return Kind::object;
    }
    return Kind::other;
}

bool JsonView::boolean() const { return value_at(node_).get_bool(); }

std::int64_t JsonView::number() const { return value_at(node_).get_int64(); }

std::string_view JsonView::text() const {
    const boost::json::string& text = value_at(node_).get_string();
    return {text.data(), text.size()};
}

std::size_t JsonView::size() const { return value_at(node_).get_array().size(); }

JsonView JsonView::at(std::size_t index) const { return JsonView(&value_at(node_).get_array()[index]); }

std::vector<std::string> JsonView::names() const {
    std::vector<std::string> names;
    if (kind() == Kind::object)
        for (const auto& member : value_at(node_).get_object())
            names.emplace_back(member.key().data(), member.key().size());
    return names;
}

JsonView JsonView::member(std::string_view name) const {
    if (node_ == nullptr)
        return {};
    const boost::json::object* object = value_at(node_).if_object();
    return JsonView(object != nullptr ? object->if_contains({name.data(), name.size()}) : nullptr);
}

// Most messages fit into the memory inside this object.
struct JsonDocument::State {
    unsigned char memory[2048];
    boost::json::monotonic_resource resource{memory, sizeof memory};
    std::optional<boost::json::value> root;
};

JsonDocument::JsonDocument(std::unique_ptr<State> state) : state_(std::move(state)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

std::optional<JsonDocument> JsonDocument::parse(std::string_view text) {
    unsigned char stack[1024];
    boost::json::parse_options options;
    options.max_depth = 16;
    auto state = std::make_unique<State>();
    boost::json::parser parser({}, options, stack, sizeof stack);
    parser.reset(&state->resource);
    boost::json::error_code error;
    parser.write(text.data(), text.size(), error);
    if (error)
        return std::nullopt;
    state->root.emplace(parser.release());
    return JsonDocument(std::move(state));
}

JsonView JsonDocument::root() const { return JsonView(&*state_->root); }

} // namespace mi::wire
