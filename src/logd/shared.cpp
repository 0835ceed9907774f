#include "logd/shared.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <bit>
#include <cerrno>
#include <type_traits>

namespace mi::logd {
namespace {

static_assert(std::is_trivially_copyable_v<Shared>);
static_assert(sizeof(Shared) == offsetof(Shared, carry) + most_slots * (overlap + carry_room));
constexpr std::size_t least_size = offsetof(Shared, carry);
constexpr std::uint32_t rooms_at_once = 16; // of Shared::carry, by which the memory grows

constexpr std::size_t size_with(std::uint32_t rooms) { return least_size + rooms * (overlap + carry_room); }
constexpr std::uint64_t magic = 0x6d69'6c6f'6764'0003; // "milogd", version

bool sane(std::uint64_t number, const Record& record) {
    auto progress = std::bit_cast<Progress>(number);
    return progress.from <= record.head + record.moved && progress.continuing <= 8;
}

// Nothing in the record may lead outside of its rooms. (A collector only ever writes such values; this is for the day
// that one scribbles over its memory before it crashes.)
bool sane(const Shared& shared) {
    const Record& r = shared.record;
    if (shared.slots_used > most_slots || shared.losses_used > most_losses || shared.ring.head < shared.ring.tail ||
        shared.ring.head - shared.ring.tail > ring_room || wire::enumerator_of<Step>(r.step) == wire::unknown<Step>)
        return false;
    // What the present step does not use may be half of one thing and half of the next.
    const auto step = wire::enumerator_of<Step>(r.step);
    if (step == Step::idle)
        return true;
    if (r.unit_size > sizeof r.unit || r.target_size > sizeof r.target || r.told > most_losses ||
        r.file_size > sizeof r.file)
        return false;
    if (step == Step::draining)
        return r.pending == 0 || (r.tail_after >= shared.ring.tail && r.tail_after <= shared.ring.head);
    return step == Step::copying || (wire::enumerator_of<Source>(r.source) != wire::unknown<Source> &&
                                     r.slot <= most_slots && r.head <= carry_room && r.moved <= input_room &&
                                     sane(r.progress, r) && (r.pending == 0 || sane(r.progress_after, r)));
}

} // namespace

Result<Estate> make_estate() {
    Estate estate;
    estate.memory = Fd(::memfd_create("miniinit-logd", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!estate.memory)
        return fault(errno, "create memory of the log collector");
    if (::ftruncate(estate.memory.get(), least_size) < 0 ||
        ::fcntl(estate.memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return fault(errno, "size memory of the log collector");
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return fault(errno, "create pipe of the log collector");
    estate.holding_read = Fd(ends[0]);
    estate.holding_write = Fd(ends[1]);
    // A batch moves at most what the holding pipe takes, so a small one is slow and nothing worse: a refusal is fine.
    (void)::fcntl(ends[1], F_SETPIPE_SZ, 1024 * 1024);
    return estate;
}

Result<Mapping> Mapping::open(int memory) {
    struct stat status{};
    if (::fstat(memory, &status) < 0)
        return fault(errno, "look at memory of the log collector");
    const auto size = static_cast<std::size_t>(status.st_size);
    if (status.st_size < 0 || size < least_size || size > sizeof(Shared))
        return fault(0, "use memory of the log collector: it is of another version");
    // What lies beyond the end of the file is not touched. With little address space there is less of it.
    const auto present = static_cast<std::uint32_t>((size - least_size) / (overlap + carry_room));
    std::uint32_t mapped = most_slots;
    void* at = MAP_FAILED;
    while ((at = ::mmap(nullptr, size_with(mapped), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0)) == MAP_FAILED) {
        if (errno != ENOMEM || mapped <= present)
            return fault(errno, "map memory of the log collector");
        mapped = std::max(present, mapped / 4);
    }
    Mapping mapping(memory, static_cast<Shared*>(at), mapped, present);
    Shared& shared = *mapping;
    if (shared.magic == 0) { // fresh: all zero, which is idle and empty
        shared.layout_size = sizeof(Shared);
        publish(shared.magic, magic);
    }
    if (shared.magic != magic || shared.layout_size != sizeof(Shared) || !sane(shared))
        return fault(0, "use memory of the log collector: it is damaged");
    return mapping;
}

Mapping::~Mapping() {
    if (shared_ != nullptr)
        ::munmap(shared_, size_with(mapped_));
}

bool Mapping::reserve(std::uint32_t count) {
    if (count <= reserved_)
        return true;
    const std::uint32_t more = std::min(mapped_, (count + rooms_at_once - 1) / rooms_at_once * rooms_at_once);
    if (count > more || ::ftruncate(memory_, static_cast<off_t>(size_with(more))) < 0)
        return false;
    reserved_ = more;
    return true;
}

} // namespace mi::logd
