// The compact binary form of structs that name their fields (`static void fields(auto& self, auto&& visit)`, one call
// with all members); the saved state consists of it. Writing cannot fail; reading accepts any bytes and never reads
// past the end.
//
// A struct is its length and then its fields in order, so it can grow at its end: a reader that knows fewer fields
// skips the rest, and a reader that knows more keeps the defaults of the missing ones. Fields are never removed or
// reordered.
//
// An enumerator is encoded as the number in its table (numbers.hpp). A number that the reader does not know becomes
// unknown<E>, and is counted: the caller of the decoder decides what to drop.
//   integers and numbers of enumerators: LEB128, signed ones zigzag · bool: one byte · string, vector: count, then the elements ·
//   optional: bool, then the value · Span: nanoseconds
#pragma once

#include "base/time.hpp"
#include "wire/json.hpp"
#include "wire/numbers.hpp"

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mi::wire {

// A struct with all members in one visit.
template <typename T>
concept Recorded = requires(T& value) { T::fields(value, [](auto&...) {}); };

// The most bytes that the encoded value can take.
template <typename T>
[[nodiscard]] constexpr std::size_t most_bytes(const T& value) {
    constexpr std::size_t number = 10;
    if constexpr (std::same_as<T, bool>) {
        return 1;
    } else if constexpr (std::is_enum_v<T> || std::integral<T>) {
        return (sizeof(T) * 8 + 6) / 7;
    } else if constexpr (std::same_as<T, Span>) {
        return number;
    } else if constexpr (std::same_as<T, std::string>) {
        return number + value.size();
    } else if constexpr (is_optional<T>) {
        return 1 + (value ? most_bytes(*value) : 0);
    } else if constexpr (is_vector<T>) {
        std::size_t sum = number;
        for (const auto& one : value)
            sum += most_bytes(one);
        return sum;
    } else {
        static_assert(Recorded<T>, "this type has no binary form: give it fields()");
        std::size_t sum = number;
        T::fields(value, [&](const auto&... members) { sum += (most_bytes(members) + ...); });
        return sum;
    }
}

// Writes into memory that has room for most_bytes() of all values.
class Encoder {
public:
    explicit Encoder(char* to) : to_(to) {}

    template <typename T>
    void put(const T& value) {
        if constexpr (std::same_as<T, bool>) {
            *to_++ = value ? '\1' : '\0';
        } else if constexpr (std::is_enum_v<T>) {
            number(number_of(value));
        } else if constexpr (std::unsigned_integral<T>) {
            number(value);
        } else if constexpr (std::signed_integral<T>) {
            signed_number(value);
        } else if constexpr (std::same_as<T, Span>) {
            signed_number(value.count());
        } else if constexpr (std::same_as<T, std::string>) {
            number(value.size());
            to_ = std::copy_n(value.data(), value.size(), to_);
        } else if constexpr (is_optional<T>) {
            put(value.has_value());
            if (value)
                put(*value);
        } else if constexpr (is_vector<T>) {
            number(value.size());
            for (const auto& one : value)
                put(one);
        } else {
            // The length is known only at the end. Keep one byte free for it, which is almost always enough.
            char* const start = to_++;
            T::fields(value, [this](const auto&... members) { (this->put(members), ...); });
            const auto length = static_cast<std::size_t>(to_ - start - 1);
            std::size_t more = 0;
            for (std::size_t rest = length >> 7; rest > 0; rest >>= 7)
                ++more;
            if (more > 0)
                std::memmove(start + 1 + more, start + 1, length);
            to_ = start;
            number(length);
            to_ += length;
        }
    }
    // The end of the written bytes.
    [[nodiscard]] char* end() const { return to_; }

private:
    void number(std::uint64_t value) {
        if (value < 0x80)
            *to_++ = static_cast<char>(value); // most numbers
        else
            great_number(value);
    }
    void great_number(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7)
            *to_++ = static_cast<char>(value | 0x80);
        *to_++ = static_cast<char>(value);
    }
    void signed_number(std::int64_t value) {
        number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
    }

    char* to_;
};

class Decoder {
public:
    explicit Decoder(std::string_view bytes) : rest_(bytes) {}

    // False: the bytes do not have this form, and `value` must not be used.
    template <typename T>
    [[nodiscard]] bool get(T& value) {
        if constexpr (std::same_as<T, bool>) {
            if (rest_.empty() || static_cast<unsigned char>(rest_.front()) > 1)
                return false;
            value = rest_.front() != 0;
            rest_.remove_prefix(1);
            return true;
        } else if constexpr (std::is_enum_v<T>) {
            std::uint64_t raw = 0;
            if (!number(raw))
                return false;
            value = enumerator_of<T>(raw);
            if (value == unknown<T>)
                ++unknown_;
            return true;
        } else if constexpr (std::unsigned_integral<T>) {
            std::uint64_t raw = 0;
            if (!number(raw) || raw > std::numeric_limits<T>::max())
                return false;
            value = static_cast<T>(raw);
            return true;
        } else if constexpr (std::signed_integral<T>) {
            std::int64_t raw = 0;
            if (!signed_number(raw) || raw < std::numeric_limits<T>::min() || raw > std::numeric_limits<T>::max())
                return false;
            value = static_cast<T>(raw);
            return true;
        } else if constexpr (std::same_as<T, Span>) {
            std::int64_t raw = 0;
            if (!signed_number(raw))
                return false;
            value = Span(raw);
            return true;
        } else if constexpr (std::same_as<T, std::string>) {
            std::string_view bytes;
            if (!take(bytes))
                return false;
            value = bytes;
            return true;
        } else if constexpr (is_optional<T>) {
            bool present = false;
            value.reset();
            return get(present) && (!present || get(value.emplace()));
        } else if constexpr (is_vector<T>) {
            return elements(value);
        } else {
            static_assert(Recorded<T>, "this type has no binary form: give it fields()");
            return fields_of(value);
        }
    }

    // The bytes that are not read yet.
    [[nodiscard]] std::string_view rest() const { return rest_; }
    // The number of enumerators read so far that are unknown<E>.
    [[nodiscard]] std::size_t unknown_count() const { return unknown_; }

private:
    template <typename T>
    [[nodiscard]] bool elements(std::vector<T>& list) {
        // Each element takes at least one byte, so a false count cannot make us allocate more than was sent.
        std::uint64_t count = 0;
        if (!number(count) || count > rest_.size())
            return false;
        list.clear();
        for (; count > 0; --count)
            if (!get(list.emplace_back()))
                return false;
        return true;
    }
    template <Recorded T>
    [[nodiscard]] bool fields_of(T& record) {
        std::string_view bytes;
        if (!take(bytes))
            return false;
        Decoder inner(bytes);
        bool good = true;
        // Fields that an older writer did not know are missing at the end, and keep their defaults.
        T::fields(record,
                  [&](auto&... members) { ((good = good && (inner.rest_.empty() || inner.get(members))), ...); });
        unknown_ += inner.unknown_;
        return good;
    }
    [[nodiscard]] bool number(std::uint64_t& value) {
        value = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            if (shift == 63 && byte > 1)
                return false;
            value |= static_cast<std::uint64_t>(byte & 0x7fu) << shift;
            if (byte < 0x80)
                return true;
        }
        return false;
    }
    [[nodiscard]] bool signed_number(std::int64_t& value) {
        std::uint64_t raw = 0;
        if (!number(raw))
            return false;
        value = std::bit_cast<std::int64_t>((raw >> 1) ^ (~(raw & 1) + 1));
        return true;
    }
    // Reads a length and as many bytes.
    [[nodiscard]] bool take(std::string_view& bytes) {
        std::uint64_t length = 0;
        if (!number(length) || length > rest_.size())
            return false;
        bytes = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return true;
    }

    std::string_view rest_;
    std::size_t unknown_ = 0;
};

// Appends `value` to `out`.
template <typename T>
void encode(std::string& out, const T& value) {
    const std::size_t before = out.size();
    out.resize_and_overwrite(before + most_bytes(value), [&](char* bytes, std::size_t) {
        Encoder encoder(bytes + before);
        encoder.put(value);
        return static_cast<std::size_t>(encoder.end() - bytes);
    });
}

// Reads all of `bytes` as one T; false if they have another form, bytes are left over, or an enumerator is unknown.
template <typename T>
[[nodiscard]] bool decode(std::string_view bytes, T& value) {
    Decoder decoder(bytes);
    return decoder.get(value) && decoder.rest().empty() && decoder.unknown_count() == 0;
}

} // namespace mi::wire
