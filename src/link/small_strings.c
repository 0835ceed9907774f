/* The string functions of which the static C library brings six versions each, one for every generation of processors: 110 KB,
   and a relocation of each that is worked out at every start. Of those that nothing here depends on for speed one plain version
   does. Defined here, the library's own are not linked (see small_libc.cpp): so each has all names that the library gives it.
   Compiled without link-time optimization, which makes calls of these names after it has decided who defines them. */
#include <stddef.h>
#include <wchar.h>

#define ALSO(name, of) extern __typeof__(of) name __attribute__((alias(#of), copy(of)))

static int difference(unsigned char a, unsigned char b) { return (int)a - (int)b; }

static unsigned char lower(char letter) {
    return (unsigned char)(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
}

int strcmp(const char* a, const char* b) {
    while (*a != '\0' && *a == *b)
        ++a, ++b;
    return difference((unsigned char)*a, (unsigned char)*b);
}

int strncmp(const char* a, const char* b, size_t most) {
    for (; most != 0; ++a, ++b, --most)
        if (*a == '\0' || *a != *b)
            return difference((unsigned char)*a, (unsigned char)*b);
    return 0;
}

/* The locale is always "C": a program that calls no setlocale(3) has no other. */
int strncasecmp_l(const char* a, const char* b, size_t most, void* locale) {
    (void)locale;
    for (; most != 0; ++a, ++b, --most)
        if (*a == '\0' || lower(*a) != lower(*b))
            return difference(lower(*a), lower(*b));
    return 0;
}
ALSO(__strncasecmp_l, strncasecmp_l);

int strcasecmp_l(const char* a, const char* b, void* locale) { return strncasecmp_l(a, b, (size_t)-1, locale); }
ALSO(__strcasecmp_l, strcasecmp_l);

int strncasecmp(const char* a, const char* b, size_t most) { return strncasecmp_l(a, b, most, NULL); }
ALSO(__strncasecmp, strncasecmp);

int strcasecmp(const char* a, const char* b) { return strncasecmp_l(a, b, (size_t)-1, NULL); }
ALSO(__strcasecmp, strcasecmp);

char* stpcpy(char* to, const char* from) {
    while ((*to = *from) != '\0')
        ++to, ++from;
    return to;
}
ALSO(__stpcpy, stpcpy);

char* strcpy(char* to, const char* from) {
    stpcpy(to, from);
    return to;
}

/* Fills up with NUL, as the standard says; returns where that begins. */
char* stpncpy(char* to, const char* from, size_t room) {
    for (; room != 0 && *from != '\0'; --room)
        *to++ = *from++;
    for (size_t i = 0; i < room; ++i)
        to[i] = '\0';
    return to;
}
ALSO(__stpncpy, stpncpy);

char* strncpy(char* to, const char* from, size_t room) {
    stpncpy(to, from, room);
    return to;
}

/* Wide strings: stdio asks for them, and nobody here writes any. */
wchar_t* wmemchr(const wchar_t* text, wchar_t wanted, size_t length) {
    for (; length != 0; ++text, --length)
        if (*text == wanted)
            return (wchar_t*)text;
    return NULL;
}
ALSO(__wmemchr, wmemchr);

size_t wcsnlen(const wchar_t* text, size_t most) {
    size_t length = 0;
    while (length < most && text[length] != L'\0')
        ++length;
    return length;
}
ALSO(__wcsnlen, wcsnlen);

size_t wcslen(const wchar_t* text) { return wcsnlen(text, (size_t)-1); }
ALSO(__wcslen, wcslen);
