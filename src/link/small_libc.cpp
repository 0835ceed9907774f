// What the static C library would bring along, and a program that speaks English and ASCII never reaches: catalogues of
// translated messages, and conversions between character sets that are loaded as shared libraries (strerror() asks for the one,
// wide streams for the other; a static program has no use for either). Defined here, the library's own are not linked, nor what
// they need. The names are glibc's; with another C library nobody calls them.
//
// Nor does a stream of ours turn wide: the library's own messages (assertions, perror) are printed as all others.
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
