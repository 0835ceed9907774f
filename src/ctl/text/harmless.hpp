// Makes the replies of an init safe to show: every text in every field. A view calls this first, so that no field can
// be forgotten, not even a new one.
#pragma once

#include "ctl/text/terminal.hpp"
#include "wire/json.hpp"

#include <concepts>
#include <string>
#include <utility>

namespace mi::ctl {

template <typename T>
void make_harmless(T& value) {
    if constexpr (wire::is_optional<T>) {
        if (value)
            make_harmless(*value);
    } else if constexpr (wire::is_vector<T>) {
        for (auto& one : value)
            make_harmless(one);
    } else if constexpr (std::same_as<T, std::string>) {
        value = harmless(value);
    } else if constexpr (wire::Fielded<T>) {
        T::fields(value, [](std::string_view, auto& member) { make_harmless(member); });
    }
}

template <typename T>
    requires wire::Fielded<T> || wire::is_vector<T>
[[nodiscard]] T harmless(T value) {
    make_harmless(value);
    return value;
}

} // namespace mi::ctl
