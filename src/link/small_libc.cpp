// Replaces parts of the static C library that this program never uses, because it speaks English and ASCII: catalogues
// of translated messages, and conversions between character sets in shared libraries (strerror() and wide streams refer
// to them; a static program cannot use either). Because the names are defined here, the library's own functions and
// their dependencies are not linked. The names are glibc's; another C library does not call them.
//
// Our streams never become wide: the library's messages (assertions, perror) are printed as bytes.
#include <cstdarg>
#include <cstddef>
#include <cstdio>

extern "C" {
char* dcgettext(const char*, const char* message, int) noexcept { return const_cast<char*>(message); }
char* __dcgettext(const char*, const char* message, int) noexcept { return const_cast<char*>(message); }
void* __gconv_find_shlib(const char*) noexcept { return nullptr; } // as if the file were missing
void __gconv_release_shlib(void*) noexcept {}

int __vfxprintf(FILE* to, const char* format, va_list values, unsigned) {
    return std::vfprintf(to != nullptr ? to : stderr, format, values);
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
