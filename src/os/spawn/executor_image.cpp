#include "os/spawn/executor_image.hpp"

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
    constexpr unsigned executable = 0x10; // MFD_EXEC, Linux 6.3; older kernels make every memfd executable
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
    if (count < 3 || !std::string_view(arguments[count - 1]).starts_with(orders_mark))
        return;
    std::vector<std::uint64_t> block(most_orders / sizeof(std::uint64_t)); // as words, for alignment
    execute_orders(count, arguments, environment, reinterpret_cast<char*>(block.data()));
}

} // namespace mi::os
