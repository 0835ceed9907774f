#pragma once
// The formatting of messages that remains of printf(3) in the static program (small_printf.cpp).

#include <cstdarg>
#include <cstddef>

namespace mi::link {

/// Writes what vsnprintf(3) would: at most `room` bytes with the NUL that ends them, and returns the size of the whole text
/// without it. Knows the flags `-`, `0` and `+`, width, precision, the sizes hh, h, l, ll, z, j, t, and the conversions
/// d i u x X o c s p %; any other conversion is written as it stands, and ends the text, as the type of its value is not known.
int format_message(char* out, std::size_t room, const char* format, va_list values) noexcept;

} // namespace mi::link
