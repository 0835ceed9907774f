// printf(3) and its relatives for a program that prints no floating-point number, no wide character and no position in
// the format: the C library's own brings these along, 60 KB. Only the static program links this file (see
// small_libc.cpp). Defined are all names that the library's own files have and that other parts of it call.
//
// Compiled without link-time optimization, which makes calls of these names after it has decided who defines them.
#include "link/small_printf.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mi::link {

namespace {

class Text {
public:
    Text(char* out, std::size_t room) : out_{out}, room_{room} {}

    void put(char letter) {
        if (size_ + 1 < room_)
            out_[size_] = letter;
        ++size_;
    }
    void put(const char* text, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i)
            put(text[i]);
    }
    void fill(char letter, int times) {
        for (; times > 0; --times)
            put(letter);
    }
    int end() {
        if (room_ != 0)
            out_[size_ < room_ ? size_ : room_ - 1] = '\0';
        return static_cast<int>(size_);
    }

private:
    char* out_;
    std::size_t room_;
    std::size_t size_ = 0;
};

// One conversion: `%`, and what stands between it and its letter.
struct Conversion {
    bool left = false, zeros = false, sign = false;
    int width = 0;
    int precision = -1; // -1: none is given
    int longs = 0;      // -2 for hh, -1 for h, 1 for l, 2 for what is 64 bits wide
};

void pad_and_put(Text& text, const Conversion& how, const char* sign, const char* word, std::size_t size, int zeros) {
    const int rest = how.width - static_cast<int>(size + std::strlen(sign)) - (zeros > 0 ? zeros : 0);
    const bool with_zeros = how.zeros && !how.left && zeros < 0;
    if (!how.left && !with_zeros)
        text.fill(' ', rest);
    text.put(sign, std::strlen(sign));
    text.fill('0', with_zeros ? rest : zeros);
    text.put(word, size);
    if (how.left)
        text.fill(' ', rest);
}

void put_number(Text& text, const Conversion& how, const char* sign, std::uintmax_t value, unsigned base,
                bool capitals) {
    char digits[24]; // 64 bits in base 8 are 22
    std::size_t at = sizeof digits;
    for (; value != 0; value /= base)
        digits[--at] = (capitals ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
    if (at == sizeof digits && how.precision != 0)
        digits[--at] = '0';
    const std::size_t size = sizeof digits - at;
    const int zeros = how.precision < 0                        ? -1
                      : how.precision > static_cast<int>(size) ? how.precision - static_cast<int>(size)
                                                               : 0;
    pad_and_put(text, how, sign, digits + at, size, zeros);
}

// Reads a number or `*`; 0 if neither stands there.
int number_at(const char*& at, va_list& values) {
    if (*at == '*') {
        ++at;
        return va_arg(values, int);
    }
    int number = 0;
    for (; *at >= '0' && *at <= '9' && number < 100'000'000; ++at)
        number = number * 10 + (*at - '0');
    return number;
}

Conversion read_conversion(const char*& at, va_list& values) {
    Conversion how;
    for (;; ++at) {
        if (*at == '-')
            how.left = true;
        else if (*at == '0')
            how.zeros = true;
        else if (*at == '+')
            how.sign = true;
        else
            break;
    }
    how.width = number_at(at, values);
    if (how.width < 0) {
        how.left = true;
        how.width = -how.width;
    }
    if (*at == '.') {
        ++at;
        how.precision = number_at(at, values); // one below 0 counts as none
    }
    for (;; ++at) {
        if (*at == 'h')
            --how.longs;
        else if (*at == 'l')
            ++how.longs;
        else if (*at == 'z' || *at == 'j' || *at == 't')
            how.longs = sizeof(std::size_t) == sizeof(std::uintmax_t) || *at == 'j' ? 2 : 1;
        else
            break;
    }
    return how;
}

std::intmax_t signed_value(const Conversion& how, va_list& values) {
    switch (how.longs) {
    case -2: return static_cast<signed char>(va_arg(values, int));
    case -1: return static_cast<short>(va_arg(values, int));
    case 0: return va_arg(values, int);
    case 1: return va_arg(values, long);
    default: return va_arg(values, long long);
    }
}

std::uintmax_t unsigned_value(const Conversion& how, va_list& values) {
    switch (how.longs) {
    case -2: return static_cast<unsigned char>(va_arg(values, unsigned));
    case -1: return static_cast<unsigned short>(va_arg(values, unsigned));
    case 0: return va_arg(values, unsigned);
    case 1: return va_arg(values, unsigned long);
    default: return va_arg(values, unsigned long long);
    }
}

// Writes the value of the conversion whose letter is `letter`; false if that is not known.
bool put_value(Text& text, const Conversion& how, char letter, va_list& values) {
    switch (letter) {
    case 'd':
    case 'i': {
        const std::intmax_t value = signed_value(how, values);
        const auto size = static_cast<std::uintmax_t>(value);
        put_number(text, how, value < 0 ? "-" : how.sign ? "+" : "", value < 0 ? 0 - size : size, 10, false);
        return true;
    }
    case 'u': put_number(text, how, "", unsigned_value(how, values), 10, false); return true;
    case 'o': put_number(text, how, "", unsigned_value(how, values), 8, false); return true;
    case 'x':
    case 'X': put_number(text, how, "", unsigned_value(how, values), 16, letter == 'X'); return true;
    case 'p':
        put_number(text, how, "0x", reinterpret_cast<std::uintptr_t>(va_arg(values, void*)), 16, false);
        return true;
    case 'c': {
        const char byte = static_cast<char>(va_arg(values, int));
        pad_and_put(text, how, "", &byte, 1, 0);
        return true;
    }
    case 's': {
        const char* word = va_arg(values, const char*);
        if (word == nullptr)
            word = "(null)";
        pad_and_put(text, how, "", word,
                    how.precision < 0 ? std::strlen(word) : ::strnlen(word, static_cast<std::size_t>(how.precision)),
                    0);
        return true;
    }
    case '%': text.put('%'); return true;
    default: return false;
    }
}

} // namespace

int format_message(char* out, std::size_t room, const char* format, va_list given) noexcept {
    va_list values; // a parameter of this type may be a pointer, which cannot be passed on by reference
    va_copy(values, given);
    Text text{out, room};
    while (*format != '\0') {
        if (*format != '%') {
            text.put(*format++);
            continue;
        }
        const char* const begin = format++;
        const Conversion how = read_conversion(format, values);
        if (!put_value(text, how, *format, values)) {
            text.put(begin, std::strlen(begin));
            break;
        }
        ++format;
    }
    va_end(values);
    return text.end();
}

} // namespace mi::link
