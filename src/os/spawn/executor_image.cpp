#include "os/spawn/executor_image.hpp"

#include "os/spawn/orders_text.hpp"
#include "os/spawn/steps.hpp"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

extern "C" {
extern const char mi_executor_begin[];
extern const char mi_executor_end[];
}

namespace mi::os {

Result<Fd> make_executor_image() {
    constexpr unsigned executable = 0x10; // MFD_EXEC, Linux 6.3; where it is unknown all are
    Fd image(::memfd_create("miniinit-executor", MFD_CLOEXEC | MFD_ALLOW_SEALING | executable));
    if (!image && errno == EINVAL)
        image = Fd(::memfd_create("miniinit-executor", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!image)
        return fault(errno, "make memory for the executor");
    const std::string_view bytes(mi_executor_begin, static_cast<std::size_t>(mi_executor_end - mi_executor_begin));
    for (std::size_t written = 0; written < bytes.size();) {
        const ssize_t more = ::write(image.get(), bytes.data() + written, bytes.size() - written);
        if (more < 0)
            return fault(errno, "write the executor");
        written += static_cast<std::size_t>(more);
    }
    if (::fcntl(image.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return fault(errno, "seal the executor");
    return image;
}

Result<Fd> open_own_binary() {
    Fd own(::open("/proc/self/exe", O_PATH | O_CLOEXEC));
    if (!own)
        if (const auto* path = reinterpret_cast<const char*>(::getauxval(AT_EXECFN)); path != nullptr)
            own = Fd(::open(path, O_PATH | O_CLOEXEC));
    if (!own)
        return fault(errno, "open", "our own program");
    return own;
}

void enter_executor(int count, char** arguments, char** environment) {
    constexpr std::string_view mark = orders_mark;
    if (count < 3 || !std::string_view(arguments[count - 1]).starts_with(mark))
        return;
    const std::string_view number = std::string_view(arguments[count - 1]).substr(mark.size());
    if (number.size() != 1 || number.front() < '1' || number.front() > '9' || number.front() - '0' > count - 2)
        ::_exit(127);
    const int pieces = number.front() - '0';
    std::vector<std::uint64_t> room(most_orders / sizeof(std::uint64_t)); // as they are aligned
    char* block = reinterpret_cast<char*>(room.data());
    std::size_t got = 0;
    for (int i = count - 1 - pieces; i < count - 1; ++i) {
        const long more = unstuff(arguments[i], block + got, most_orders - got);
        if (more < 0)
            ::_exit(127);
        got += static_cast<std::size_t>(more);
    }
    arguments[count - 1 - pieces] = nullptr;
    auto* orders = reinterpret_cast<Orders*>(block);
    if (got < sizeof(Orders) || orders->size != got)
        ::_exit(127);
    std::vector<char*> words(1); // one before the first, for a shell
    words.insert(words.end(), arguments, arguments + count - pieces);
    Report report;
    carry_out({.orders = orders,
               .arguments = words.data() + 1,
               .environment = environment,
               .report = &report,
               .tells_progress = orders->progress >= 0});
    if (orders->report >= 0)
        call(SYS_write, orders->report, &report, sizeof report);
    leave(127);
}

} // namespace mi::os
