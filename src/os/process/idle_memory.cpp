#include "os/process/idle_memory.hpp"

#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace mi::os {

void give_back_idle_memory() {
    ::malloc_trim(0);
    const auto* headers =
        reinterpret_cast<const ElfW(Phdr)*>(::getauxval(AT_PHDR)); // NOLINT(performance-no-int-to-ptr)
    const std::size_t count = ::getauxval(AT_PHNUM);
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    if (headers == nullptr)
        return;
    // Where a program lies that may lie anywhere: its headers say where they are themselves.
    std::uintptr_t moved = 0;
    for (std::size_t i = 0; i < count; ++i)
        if (headers[i].p_type == PT_PHDR)
            moved = reinterpret_cast<std::uintptr_t>(headers) - headers[i].p_vaddr;
    for (std::size_t i = 0; i < count; ++i) {
        if (headers[i].p_type != PT_LOAD || (headers[i].p_flags & PF_W) != 0)
            continue;
        const std::uintptr_t begin = (moved + headers[i].p_vaddr) & ~(page - 1);
        const std::uintptr_t end = moved + headers[i].p_vaddr + headers[i].p_memsz;
        // What fails leaves the pages as they are.
        (void)::madvise(reinterpret_cast<void*>(begin), end - begin,
                        MADV_DONTNEED); // NOLINT(performance-no-int-to-ptr)
    }
}

} // namespace mi::os
