// The numbers of enumerations in saved state (state/numbers.hpp) and in messages to the log collector
// (wire/log_numbers.hpp). Another version of the program reads the number from the table; the enumerator's place in its
// declaration does not matter.
//
// Rules for the tables: a number never changes, and is never given to another enumerator. The number of a removed
// enumerator moves to `retired`. A table that lacks an enumerator, or has a number twice, does not compile.
//
// A reader may meet a number of a later version. It never treats it as another enumerator: it gets `unknown<E>`,
// decides what can safely be dropped or assumed, and reports that.
#pragma once

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace mi::wire {

template <typename E>
struct Numbered {
    E value;
    std::uint8_t number;
};

// A table: specialise it with
//   name      the name of the enumeration in messages,
//   rows      Numbered<E>[], one for each enumerator,
//   fallback  (optional) the meaning of an unknown number in a record that must be kept; say why it is safe,
//   retired   (optional) an array of numbers that are not used any more.
template <typename E>
struct Numbers;

// Whether `value` is an enumerator: compilers print other values as a number with a cast. Used to check tables against
// enumerations.
template <auto value>
consteval bool is_enumerator() {
    constexpr std::string_view text = __PRETTY_FUNCTION__;
    return text.find(')', text.rfind("value = ") + 1) == std::string_view::npos;
}

// Stands for a number that this version does not know. It is no enumerator, and must not leave the reading code.
template <typename E>
    requires std::is_enum_v<E>
constexpr E unknown = static_cast<E>(static_cast<std::underlying_type_t<E>>(~std::underlying_type_t<E>{0}));

namespace detail {

template <typename E>
consteval std::size_t row_count() {
    return sizeof Numbers<E>::rows / sizeof Numbers<E>::rows[0];
}

// No two rows share a number, no row has a retired one, and all fit into one byte.
template <typename E>
consteval bool distinct_numbers() {
    for (std::size_t i = 0; i < row_count<E>(); ++i) {
        if (Numbers<E>::rows[i].number > 127)
            return false;
        for (std::size_t other = 0; other < i; ++other)
            if (Numbers<E>::rows[i].number == Numbers<E>::rows[other].number)
                return false;
        if constexpr (requires { Numbers<E>::retired; })
            for (std::uint8_t gone : Numbers<E>::retired)
                if (Numbers<E>::rows[i].number == gone)
                    return false;
    }
    return true;
}

// Each enumerator has exactly one row. Enumerators count from 0 without a gap, so if there are as many distinct rows as
// enumerators, all have one.
template <typename E>
consteval bool one_row_each() {
    constexpr std::size_t count = row_count<E>();
    for (std::size_t i = 0; i < count; ++i) {
        if (static_cast<std::size_t>(Numbers<E>::rows[i].value) >= count)
            return false;
        for (std::size_t other = 0; other < i; ++other)
            if (Numbers<E>::rows[i].value == Numbers<E>::rows[other].value)
                return false;
    }
    return is_enumerator<static_cast<E>(count - 1)>() && !is_enumerator<static_cast<E>(count)>();
}

template <typename E>
consteval auto numbers_by_value() {
    std::array<std::uint8_t, row_count<E>()> numbers{};
    for (const Numbered<E>& row : Numbers<E>::rows)
        numbers[static_cast<std::size_t>(row.value)] = row.number;
    return numbers;
}

template <typename E>
consteval auto values_by_number() {
    std::array<E, 128> values{};
    values.fill(unknown<E>);
    for (const Numbered<E>& row : Numbers<E>::rows)
        values[row.number] = row.value;
    return values;
}

template <typename E>
consteval bool numbers_are_places() {
    for (const Numbered<E>& row : Numbers<E>::rows)
        if (static_cast<std::size_t>(row.value) != row.number)
            return false;
    return true;
}

template <typename E>
constexpr auto number_table = numbers_by_value<E>();
template <typename E>
constexpr auto value_table = values_by_number<E>();

} // namespace detail

template <typename E>
concept HasNumbers =
    std::is_enum_v<E> && std::unsigned_integral<std::underlying_type_t<E>> && requires { Numbers<E>::rows; };

template <typename E>
consteval bool well_numbered() {
    static_assert(HasNumbers<E>, "this enumeration is written down: it needs a table of numbers, and an unsigned type");
    static_assert(detail::one_row_each<E>(), "an enumerator has no number, or two");
    static_assert(detail::distinct_numbers<E>(), "two enumerators share a number, or one has a retired one");
    return true;
}

// The number of an enumerator, which must not be unknown<E>.
template <typename E>
[[nodiscard]] constexpr std::uint8_t number_of(E value) {
    static_assert(well_numbered<E>());
    assert(static_cast<std::size_t>(value) < detail::number_table<E>.size());
    if constexpr (detail::numbers_are_places<E>()) // no table is needed while numbers equal places
        return static_cast<std::uint8_t>(value);
    else
        return detail::number_table<E>[static_cast<std::size_t>(value)];
}

// The enumerator of a number, or unknown<E>.
template <typename E>
[[nodiscard]] constexpr E enumerator_of(std::uint64_t number) {
    static_assert(well_numbered<E>());
    return number < detail::value_table<E>.size() ? detail::value_table<E>[number] : unknown<E>;
}

} // namespace mi::wire
