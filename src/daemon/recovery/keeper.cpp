#include "daemon/recovery/keeper.hpp"

#include "os/crash/crash.hpp"
#ifdef MINIINIT_LATER_STATE
#include "state/later.hpp"
#endif

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>
#include <vector>

namespace mi::daemon {

namespace {

// Room, not use: pages are taken as they are written. Half a kilobyte a unit is usual.
constexpr std::size_t usual_size = sizeof(void*) >= 8 ? 256u << 20 : 32u << 20;
constexpr std::size_t least_size = 1u << 20;
constexpr std::size_t page_size = os::CrashPage::size;
constexpr std::size_t step = 16 << 10;

// How much room there may be: to the kernel all of it is a file, and an eighth of our addresses is enough.
std::size_t size_within_limits() {
    rlimit file{}, addresses{};
    if (::getrlimit(RLIMIT_FSIZE, &file) != 0 || ::getrlimit(RLIMIT_AS, &addresses) != 0)
        return usual_size;
    // RLIM_INFINITY is the largest number there is.
    const rlim_t most = std::min(file.rlim_cur, addresses.rlim_cur / 8);
    return static_cast<std::size_t>(std::min<rlim_t>(usual_size, most)) / step * step;
}

#ifdef MINIINIT_LATER_STATE // only in a program of the tests, which saves its state as a later version would
state::Later later;
std::string written_as(const std::string& frame, bool base) { return later.frame(frame, base); }
#else
const std::string& written_as(const std::string& frame, bool) { return frame; }
#endif

} // namespace

Result<Keeper> Keeper::on(int memory) {
    struct stat about{};
    if (::fstat(memory, &about) != 0)
        return fault(errno, "look at the memory of our state");
    // What has been written to is as large as it was: where things lie in it depends on that.
    const bool fresh = static_cast<std::size_t>(about.st_size) <= page_size;
    const std::size_t size = fresh ? size_within_limits() : static_cast<std::size_t>(about.st_size);
    if (size < least_size)
        return fault(EFBIG, "make room for our state within the limits of file size and address space");
    if (fresh && ::ftruncate(memory, static_cast<off_t>(size)) != 0)
        return fault(errno, "make room for our state");
    void* bytes = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory, 0);
    if (bytes == MAP_FAILED)
        return fault(errno, "map the memory of our state");
    Keeper keeper(memory, static_cast<char*>(bytes), size);
    if (auto begun = keeper.begin(); !begun)
        return std::unexpected(begun.error());
    return keeper;
}

Keeper::Keeper(Keeper&& other) noexcept
    : memory_(other.memory_), bytes_(std::exchange(other.bytes_, nullptr)), size_(other.size_),
      journal_(std::move(other.journal_)), format_(other.format_), frame_(std::move(other.frame_)),
      reserved_(std::move(other.reserved_)) {}

Keeper::~Keeper() {
    if (bytes_ != nullptr)
        ::munmap(bytes_, size_);
}

// Memory that is reserved cannot turn out not to be there when it is written to, which would be SIGBUS.
Result<> Keeper::begin() {
    reserved_ = std::make_unique<std::vector<bool>>(size_ / step);
    auto reserve = [fd = memory_, all = reserved_.get()](std::size_t from, std::size_t to) {
        std::vector<bool>& reserved = *all;
        for (std::size_t at = (page_size + from) / step; at * step < page_size + to; ++at) {
            if (at >= reserved.size())
                return false;
            if (reserved[at])
                continue;
            if (::fallocate(fd, 0, static_cast<off_t>(at * step), step) != 0)
                return false;
            reserved[at] = true;
        }
        return true;
    };
    if (::fallocate(memory_, 0, 0, step) != 0)
        return fault(errno, "reserve memory for our state");
    format_ = state::Journal::format_of({bytes_ + page_size, size_ - page_size});
    journal_ = state::Journal::make({bytes_ + page_size, size_ - page_size}, std::move(reserve));
    return {};
}

std::optional<state::Snapshot> Keeper::read() const {
    auto state = state::fold(state::Journal::read({bytes_ + page_size, size_ - page_size}));
#ifdef MINIINIT_LATER_STATE
    if (state)
        state->dropped.clear(); // to a later version nothing of it is new
#endif
    return state;
}

bool Keeper::append() { return !journal_.is_long() && journal_.append(written_as(frame_, false)); }

Result<> Keeper::rebase() {
    if (!journal_.rebase(written_as(frame_, true)))
        return fault(ENOMEM, "keep our state", std::to_string(frame_.size()) + " bytes");
    let_go();
    return {};
}

// What the state of before took goes back to the system.
void Keeper::let_go() {
    const state::Journal::Range idle = journal_.idle();
    const std::size_t first = (page_size + idle.from + step - 1) / step, end = (page_size + idle.to) / step;
    if (first >= end)
        return;
    (void)::fallocate(memory_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(first * step),
                      static_cast<off_t>((end - first) * step));
    std::fill(reserved_->begin() + static_cast<std::ptrdiff_t>(first),
              reserved_->begin() + static_cast<std::ptrdiff_t>(end), false);
}

} // namespace mi::daemon
