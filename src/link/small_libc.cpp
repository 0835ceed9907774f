// Replaces parts of the static C library that this program never uses, because it speaks English and ASCII, and loads no
// shared library: catalogues of translated messages, other locales than "C", conversions between character sets (strerror(),
// wide streams and regular expressions refer to them), the look-up of shared libraries, and printf(3) of what we do not
// print (small_printf.hpp). Because the names are defined here, the library's own functions and their dependencies are not
// linked: 150 KB. The names are glibc's; another C library does not call them. Each group has all names of one file of the
// library that something still refers to: were one missing, the linker would report the others as defined twice.
//
// Compiled without link-time optimization, which makes calls of these names after it has decided who defines them.
#include "link/small_printf.hpp"

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cwchar>

using mi::link::format_message;

// A function that only what is never called calls.
#define NEVER(name)                                                                                                    \
    [[noreturn]] void name() noexcept { __builtin_trap(); }

// Another name that the library has for a function of ours.
#define ALSO(name, of) extern __typeof__(of) name __attribute__((alias(#of), copy(of)))

extern "C" {

// Translations.
char* dcgettext(const char*, const char* message, int) noexcept { return const_cast<char*>(message); }
ALSO(__dcgettext, dcgettext);
char* bindtextdomain(const char*, const char*) noexcept { return nullptr; }
char* bind_textdomain_codeset(const char*, const char*) noexcept { return nullptr; }

// Other locales: each that is asked for is "C".
extern char _nl_C_locobj[];
char* setlocale(int, const char*) noexcept {
    static char name[] = "C";
    return name;
}
void* newlocale(int, const char*, void*) noexcept { return _nl_C_locobj; }
ALSO(__newlocale, newlocale);
void* __duplocale(void*) noexcept { return _nl_C_locobj; }
void freelocale(void*) noexcept {}
ALSO(__freelocale, freelocale);
NEVER(__strftime_l)
NEVER(__wcsftime_l)

// Conversions between character sets.
NEVER(iconv_open)
NEVER(iconv)
NEVER(iconv_close)

// Where shared libraries are looked for. The program's start works it out, with memory for each directory.
void _dl_init_paths(const char*, const char*, const char*, const char*) noexcept {}

// Wide characters: in the locale "C" a byte is a character.
std::wint_t btowc(int byte) noexcept { return byte == EOF ? WEOF : static_cast<unsigned char>(byte); }
ALSO(__btowc, btowc);
std::size_t mbrtowc(wchar_t* wide, const char* bytes, std::size_t size, std::mbstate_t*) noexcept {
    if (bytes == nullptr)
        return 0;
    if (size == 0)
        return static_cast<std::size_t>(-2);
    if (wide != nullptr)
        *wide = static_cast<unsigned char>(*bytes);
    return *bytes == '\0' ? 0 : 1;
}
ALSO(__mbrtowc, mbrtowc);
std::size_t wcrtomb(char* bytes, wchar_t wide, std::mbstate_t*) noexcept {
    if (bytes != nullptr)
        *bytes = static_cast<char>(wide);
    return 1;
}
ALSO(__wcrtomb, wcrtomb);

std::size_t wcsrtombs(char*, const wchar_t**, std::size_t, std::mbstate_t*) noexcept { __builtin_trap(); }
NEVER(__wcsrtombs)
extern const void* const __wcsmbs_gconv_fcts_c[4];
const void* const __wcsmbs_gconv_fcts_c[4] = {}; // the locale refers to it
NEVER(__wcsmbs_load_conv)
NEVER(__wcsmbs_named_conv) // fopen(3) with "ccs="
NEVER(__wcsmbs_clone_conv)
NEVER(_nl_cleanup_ctype)    // of a locale that was loaded
NEVER(__gconv_release_step) // of a wide stream
int __gconv_lock = 0;

// Our streams never become wide: asked for its direction, each says that it is one of bytes.
int _IO_fwide(FILE*, int) noexcept { return -1; }
NEVER(__libio_codecvt_encoding)
NEVER(__libio_codecvt_in)
NEVER(__libio_codecvt_length)
NEVER(__libio_codecvt_out)

// printf(3) and its relatives.
int vsnprintf(char* out, std::size_t room, const char* format, va_list values) noexcept {
    return format_message(out, room, format, values);
}
int snprintf(char* out, std::size_t room, const char* format, ...) noexcept {
    va_list values;
    va_start(values, format);
    const int size = format_message(out, room, format, values);
    va_end(values);
    return size;
}
ALSO(__snprintf, snprintf);
int sprintf(char* out, const char* format, ...) noexcept {
    va_list values;
    va_start(values, format);
    const int size = format_message(out, SIZE_MAX, format, values);
    va_end(values);
    return size;
}
int __asprintf(char** out, const char* format, ...) noexcept {
    va_list values;
    va_start(values, format);
    const int size = format_message(nullptr, 0, format, values);
    *out = static_cast<char*>(std::malloc(static_cast<std::size_t>(size) + 1));
    if (*out != nullptr)
        format_message(*out, SIZE_MAX, format, values);
    va_end(values);
    return *out != nullptr ? size : -1;
}
int vfprintf(FILE* to, const char* format, va_list values) {
    char usual[1024];
    char* text = usual;
    const int size = format_message(usual, sizeof usual, format, values);
    auto length = static_cast<std::size_t>(size);
    if (length >= sizeof usual) {
        text = static_cast<char*>(std::malloc(length + 1));
        if (text != nullptr) {
            format_message(text, length + 1, format, values);
        } else { // the beginning is better than nothing
            text = usual;
            length = sizeof usual - 1;
        }
    }
    const bool written = std::fwrite(text, 1, length, to) == length;
    if (text != usual)
        std::free(text);
    return written ? size : -1;
}
int fprintf(FILE* to, const char* format, ...) {
    va_list values;
    va_start(values, format);
    const int written = vfprintf(to, format, values);
    va_end(values);
    return written;
}

// The library's own messages (assertions, perror, getopt) to `to`, or the standard error output.
int __vfxprintf(FILE* to, const char* format, va_list values, unsigned) {
    return vfprintf(to != nullptr ? to : stderr, format, values);
}
int __fxprintf(FILE* to, const char* format, ...) {
    va_list values;
    va_start(values, format);
    const int written = __vfxprintf(to, format, values, 0);
    va_end(values);
    return written;
}
int __fxprintf_nocancel(FILE* to, const char* format, ...) {
    va_list values;
    va_start(values, format);
    const int written = __vfxprintf(to, format, values, 0);
    va_end(values);
    return written;
}
}
