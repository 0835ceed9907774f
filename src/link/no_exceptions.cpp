// Functions that the libraries call instead of throwing, in a program built without exceptions: they print a sentence
// and abort. Only the small build links this file; the test programs have exceptions, and end at the same places
// because no code catches them. PID 1 recovers from this as from any other crash (os/crash/crash.hpp).
//
// The names are those that compiled code of libstdc++, libgcc and Boost calls. Because they are defined here, the parts
// of the libraries behind them are not linked (tables, the unwinder, the demangler for the message, translations): a
// tenth of the binary.
#include "os/crash/crash.hpp"

#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

namespace {

[[noreturn]] void give_up(const char* why) {
    mi::os::note_reason(why);
    constexpr char preamble[] = "miniinit: cannot go on: ";
    (void)!::write(STDERR_FILENO, preamble, sizeof preamble - 1); // the crash is reported even if this fails
    (void)!::write(STDERR_FILENO, why, std::strlen(why));
    (void)!::write(STDERR_FILENO, "\n", 1);
    std::abort();
}

void* take(std::size_t size) {
    void* memory = std::malloc(size != 0 ? size : 1);
    if (memory == nullptr)
        give_up("out of memory");
    return memory;
}

} // namespace

void* operator new(std::size_t size) { return take(size); }
void* operator new[](std::size_t size) { return take(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size != 0 ? size : 1); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size != 0 ? size : 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    const auto unit = static_cast<std::size_t>(alignment);
    void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit);
    if (memory == nullptr)
        give_up("out of memory");
    return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace std {

void __throw_bad_exception() { give_up("bad exception"); }
void __throw_bad_alloc() { give_up("out of memory"); }
void __throw_bad_array_new_length() { give_up("more elements asked for than there can be"); }
void __throw_bad_cast() { give_up("bad cast"); }
void __throw_bad_typeid() { give_up("bad typeid"); }
void __throw_logic_error(const char* what) { give_up(what); }
void __throw_domain_error(const char* what) { give_up(what); }
void __throw_invalid_argument(const char* what) { give_up(what); }
void __throw_length_error(const char* what) { give_up(what); }
void __throw_out_of_range(const char* what) { give_up(what); }
void __throw_out_of_range_fmt(const char* what, ...) { give_up(what); }
void __throw_runtime_error(const char* what) { give_up(what); }
void __throw_range_error(const char* what) { give_up(what); }
void __throw_overflow_error(const char* what) { give_up(what); }
void __throw_underflow_error(const char* what) { give_up(what); }
void __throw_bad_function_call() { give_up("an empty function was called"); }

void terminate() noexcept { give_up("terminate"); }
bool uncaught_exception() noexcept { return false; }
int uncaught_exceptions() noexcept { return 0; }

} // namespace std

extern "C" {
[[noreturn]] void __cxa_throw(void*, void*, void (*)(void*)) { give_up("an exception"); }
[[noreturn]] void __cxa_rethrow() { give_up("an exception"); }
[[noreturn]] void __cxa_bad_cast() { give_up("bad cast"); }
[[noreturn]] void __cxa_bad_typeid() { give_up("bad typeid"); }
[[noreturn]] void __cxa_throw_bad_array_new_length() { give_up("more elements asked for than there can be"); }
[[noreturn]] void __cxa_pure_virtual() { give_up("a pure virtual function was called"); }
[[noreturn]] void __cxa_deleted_virtual() { give_up("a deleted virtual function was called"); }
[[noreturn]] void __cxa_call_terminate(void*) { give_up("terminate"); }
[[noreturn]] void __cxa_call_unexpected(void*) { give_up("terminate"); }
// These are never called; the linker only needs their names.
[[noreturn]] void* __cxa_allocate_exception(std::size_t) { give_up("an exception"); }
[[noreturn]] void __cxa_free_exception(void*) { give_up("an exception"); }
[[noreturn]] void* __cxa_begin_catch(void*) { give_up("an exception"); }
[[noreturn]] void __cxa_end_catch() { give_up("an exception"); }
[[noreturn]] void __gxx_personality_v0() { give_up("an exception"); }
[[noreturn]] void __gcc_personality_v0() { give_up("an exception"); }
[[noreturn]] void _Unwind_Resume(void*) { give_up("an exception"); }
#ifdef __arm__ // exception tables refer to these on ARM, and cleanups end in the last one
[[noreturn]] void __aeabi_unwind_cpp_pr0() { give_up("an exception"); }
[[noreturn]] void __aeabi_unwind_cpp_pr1() { give_up("an exception"); }
[[noreturn]] void __aeabi_unwind_cpp_pr2() { give_up("an exception"); }
[[noreturn]] void __cxa_end_cleanup() { give_up("an exception"); }
#endif
}

namespace boost {

struct source_location;
[[noreturn]] void throw_exception(const std::exception& what) { give_up(what.what()); }
[[noreturn]] void throw_exception(const std::exception& what, const source_location&) { give_up(what.what()); }

} // namespace boost
