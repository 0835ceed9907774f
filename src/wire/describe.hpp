// Writes the Varlink interface definition (https://varlink.org/Interface-Definition) of the messages from their field
// lists.
#pragma once

#include "base/join.hpp"
#include "wire/json.hpp"
#include "wire/messages.hpp"

#include <algorithm>
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mi::wire {

// Collects the definitions of the types that are used, each once.
class Describer {
public:
    // The type T in Varlink: `?[]UnitStatus`. Adds the definitions of the types it uses.
    template <typename T>
    std::string type() {
        if constexpr (is_optional<T>) {
            return "?" + type<typename T::value_type>();
        } else if constexpr (is_vector<T>) {
            return "[]" + type<typename T::value_type>();
        } else if constexpr (std::is_enum_v<T>) {
            if (first_sight(Words<T>::type)) {
                std::string words;
                for (unsigned i = 0; i < Words<T>::count; ++i)
                    add(words, Words<T>::word(static_cast<T>(i)), {});
                define(Words<T>::type, Words<T>::about, words);
            }
            return std::string(Words<T>::type);
        } else if constexpr (std::same_as<T, bool>) {
            return "bool";
        } else if constexpr (std::integral<T>) {
            return "int";
        } else if constexpr (Raw<T>) {
            return std::string(T::json_type);
        } else if constexpr (Fielded<T>) {
            if (first_sight(T::type_name))
                define(T::type_name, T::about, list<T>(false));
            return std::string(T::type_name);
        } else {
            return "string";
        }
    }

    // `(name: type, …)`; `asked`: for a request, in which a bool may be left out.
    template <typename T>
    std::string fields(bool asked) {
        return "(" + list<T>(asked) + ")";
    }

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    template <typename T>
    std::string list(bool asked) {
        std::string text;
        T value{};
        T::fields(value, [&](std::string_view name, auto& member) {
            using Member = std::remove_cvref_t<decltype(member)>;
            add(text, name, (std::same_as<Member, bool> && asked ? ": ?" : ": ") + type<Member>());
        });
        return text;
    }
    static void add(std::string& list, std::string_view name, std::string_view rest) {
        join_to(list, name);
        list += rest;
    }
    void define(std::string_view name, std::string_view about, std::string_view list) {
        text_.append("# ").append(about).append("\ntype ").append(name).append(" (").append(list).append(")\n\n");
    }
    bool first_sight(std::string_view name) {
        if (std::ranges::find(seen_, name) != seen_.end())
            return false;
        seen_.push_back(name);
        return true;
    }

    std::vector<std::string_view> seen_;
    std::string text_;
};

// Appends several texts. One function, so that the templates below do not repeat its machine code.
inline void append_all(std::string& out, std::initializer_list<std::string_view> parts) {
    for (std::string_view part : parts)
        out += part;
}

template <typename R>
void describe_method(Describer& types, std::string& out) {
    constexpr std::string_view many = R::many == Many::demanded  ? " [needs more]"
                                      : R::many == Many::offered ? " [more: progress]"
                                                                 : "";
    append_all(out, {"# ", R::help, R::acts ? " [acts]" : "", many, "\nmethod ", R::method, types.fields<R>(true),
                     " -> ", types.fields<typename R::Reply>(false), "\n\n"});
}

template <typename E>
void describe_error(Describer& types, std::string& out) {
    if constexpr (E::interface == interface_name)
        append_all(out, {"# ", E::about, "\nerror ", E::error, " ", types.fields<E>(false), "\n\n"});
}

} // namespace mi::wire
