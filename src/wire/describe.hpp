// The Varlink interface definition (https://varlink.org/Interface-Definition) of the messages, from their field lists.
#pragma once

#include "wire/json.hpp"
#include "wire/messages.hpp"

#include <algorithm>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace mi::wire {

// Collects the definitions of the types that are named on the way, each once.
class Describer {
public:
    // The text of type T: `?[]UnitStatus`. Defines what it names.
    template <typename T>
    std::string type() {
        if constexpr (is_optional<T>) {
            return "?" + type<typename T::value_type>();
        } else if constexpr (is_vector<T>) {
            return "[]" + type<typename T::value_type>();
        } else if constexpr (std::is_enum_v<T>) {
            if (first_sight(Words<T>::type)) {
                std::string line = "type " + std::string(Words<T>::type) + " (";
                for (unsigned i = 0; i < Words<T>::count; ++i) {
                    line += i == 0 ? "" : ", ";
                    line += Words<T>::word(static_cast<T>(i));
                }
                text_ += line + ")\n\n";
            }
            return std::string(Words<T>::type);
        } else if constexpr (std::same_as<T, bool>) {
            return "bool";
        } else if constexpr (std::integral<T>) {
            return "int";
        } else if constexpr (Fielded<T>) {
            if (first_sight(T::type_name)) {
                std::string definition = "type " + std::string(T::type_name) + " " + fields<T>(false) + "\n\n";
                text_ += definition;
            }
            return std::string(T::type_name);
        } else {
            return "string";
        }
    }

    // `(name: type, …)`; `asked`: of a request, where a bool may be left out.
    template <typename T>
    std::string fields(bool asked) {
        std::string text = "(";
        T value{};
        T::fields(value, [&](std::string_view name, auto& member) {
            using Member = std::remove_cvref_t<decltype(member)>;
            text += text.size() > 1 ? ", " : "";
            text += name;
            text += ": ";
            text += std::same_as<Member, bool> && asked ? "?" : "";
            text += type<Member>();
        });
        return text + ")";
    }

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    bool first_sight(std::string_view name) {
        if (std::ranges::find(seen_, name) != seen_.end())
            return false;
        seen_.push_back(name);
        return true;
    }

    std::vector<std::string_view> seen_;
    std::string text_;
};

template <typename R>
void describe_method(Describer& types, std::string& out) {
    out += "# ";
    out += R::help;
    out += R::acts ? " [acts]" : "";
    out += R::many == Many::demanded ? " [needs more]" : R::many == Many::offered ? " [more: progress]" : "";
    out += "\nmethod ";
    out += R::method;
    out += types.fields<R>(true) + " -> " + types.fields<typename R::Reply>(false) + "\n\n";
}

template <typename E>
void describe_error(Describer& types, std::string& out) {
    if (E::interface != interface_name)
        return;
    out += "error ";
    out += E::error;
    out += " " + types.fields<E>(false) + "\n";
}

} // namespace mi::wire
