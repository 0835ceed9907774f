// The values of [await]: what has to be there.
#include "config/readers.hpp"

#include <arpa/inet.h>

namespace mi::config::read {

using core::Awaited;

core::Await& part(core::Unit& unit, core::Await*) {
    if (!unit.await)
        unit.await = std::make_unique<core::Await>();
    return *unit.await;
}

namespace {

bool is_address(const std::string& text) {
    unsigned char parsed[16];
    return ::inet_pton(AF_INET, text.c_str(), parsed) == 1 || ::inet_pton(AF_INET6, text.c_str(), parsed) == 1;
}

bool has_dots(std::string_view path) {
    for (std::string_view part : {"/./", "/../", "//"})
        if ((std::string(path) + '/').find(part) != std::string::npos)
            return true;
    return false;
}

// Whether `name` can be one; reports at `value` if not, with what was probably meant.
bool is_name_of(const Value& value, Awaited::Kind kind, std::string& name) {
    constexpr std::size_t longest_interface = 15,
                          longest_path = 4095; // bytes: IFNAMSIZ and PATH_MAX, without their NUL
    switch (kind) {
    case Awaited::Kind::interface:
        if (!name.empty() && name.size() <= longest_interface && name.find_first_of("/: \t\n") == std::string::npos)
            return true;
        value.expected("the name of a network interface, such as \"eth0\"",
                       name.starts_with("/sys/class/net/") ? "write \"" + name.substr(15) + '"' : "");
        return false;
    case Awaited::Kind::address:
        if (name == "any" || is_address(name))
            return true;
        value.expected("an IPv4 or IPv6 address, or \"any\"", is_address(name.substr(0, name.find_first_of("/%")))
                                                                  ? "write it without what comes after the address"
                                                                  : "");
        return false;
    case Awaited::Kind::device:
    case Awaited::Kind::mounted:
    case Awaited::Kind::path: break;
    }
    const bool absolute = name.starts_with('/') && name.size() <= longest_path;
    while (absolute && name.size() > 1 && name.ends_with('/'))
        name.pop_back();
    const bool bent = kind == Awaited::Kind::mounted && has_dots(name); // the mount table has none
    if (absolute && !bent)
        return true;
    value.expected(bent ? "a path without `.`, `..` and double slashes" : "an absolute path",
                   kind == Awaited::Kind::device && !name.starts_with('/') ? "write \"/dev/" + name + '"' : "");
    return false;
}

} // namespace

void await_into(const Value& value, core::Unit& unit, Awaited::Kind kind) {
    core::Await& await = part(unit, static_cast<core::Await*>(nullptr));
    std::span<const Node> items(&value.node(), 1);
    if (value.node().kind == Node::Kind::array)
        items = value.node().items;
    for (const Node& item : items) {
        const Value one = value.of(item);
        const std::string* text = one.text("a string or an array of strings");
        if (text == nullptr)
            continue;
        if (std::string name = *text; is_name_of(one, kind, name))
            await.things.push_back({kind, std::move(name)});
    }
}

} // namespace mi::config::read
