// The formatting that the static program has in place of the C library's, held to the library's own.
#include "link/small_printf.hpp"

#include <doctest/doctest.h>

#include <climits>
#include <cstdint>
#include <cstdio>
#include <string>

namespace {

std::string ours(std::size_t room, const char* format, ...) {
    std::string text(room + 1, '#');
    va_list values;
    va_start(values, format);
    const int size = mi::link::format_message(text.data(), room, format, values);
    va_end(values);
    return text + std::to_string(size);
}

// NOLINTBEGIN(cert-err33-c): both results are compared
template <typename... Values>
void same(const char* format, Values... values) {
    for (const std::size_t room : {200, 5, 1, 0}) {
        std::string expected(room + 1, '#');
        const int size =
            std::snprintf(expected.data(), room, format, values...); // NOLINT(clang-diagnostic-format-security)
        CAPTURE(format);
        CHECK(ours(room, format, values...) == expected + std::to_string(size));
    }
}
// NOLINTEND(cert-err33-c)

} // namespace

#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

TEST_CASE("numbers of every size and sign are formatted as by the C library") {
    same("%d|%i|%u", -1, INT_MAX, UINT_MAX);
    same("%d", INT_MIN);
    same("%hhd %hd %hhu %hu", 300, 70000, 300, 70000);
    same("%ld %lu %lld %llu", LONG_MIN, ULONG_MAX, LLONG_MIN, ULLONG_MAX);
    same("%zu %jd %td", SIZE_MAX, INTMAX_MIN, PTRDIFF_MIN);
    same("%x %X %o %lx", 0xBEEFU, 0xBEEFU, 0755U, 0xFEDCBA9876543210UL);
    same("%p", reinterpret_cast<void*>(0x1000));
}

TEST_CASE("flags, width and precision are those of the C library") {
    same("[%5d|%-5d|%05d|%+d|%+05d]", 42, 42, 42, 42, 42);
    same("[%5d|%-5d|%05d]", -42, -42, -42);
    same("[%.3d|%6.3d|%06.3d|%.0d]", 7, 7, 7, 0);
    same("[%*d|%-*d|%*d]", 4, 1, 4, 1, -4, 1);
    same("%lld.%03lld", 1LL, 5LL);
    same("[%8s|%-8s|%.2s|%8.2s|%.*s]", "word", "word", "word", "word", 3, "word");
    same("[%c|%3c|%-3c]", 'a', 'b', 'c');
    same("100%%");
    same("%.*s", -1, "all of it");
}

TEST_CASE("a text that is longer than its room is cut and its whole size told") {
    same("%s and %s", "one", "another");
    same("nothing to format");
    same("%s", "");
}

TEST_CASE("a conversion that is not known is written as it stands") {
    CHECK(ours(40, "%d %g %d", 1, 2.0, 3).starts_with(std::string_view{"1 %g %d\0", 8}));
    CHECK(ours(40, "at the end %").starts_with(std::string_view{"at the end %\0", 13}));
    CHECK(ours(40, "%s", static_cast<const char*>(nullptr)).starts_with(std::string_view{"(null)\0", 7}));
}
