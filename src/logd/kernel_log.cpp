#include "logd/kernel_log.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/clock.hpp"
#include "logd/kernel_record.hpp"

namespace mi::logd {
namespace {

// The kernel gives no record that is longer (PRINTKRB_RECORD_MAX and its escapes; 8192 in older ones).
constexpr std::size_t longest_record = 16 * 1024;
constexpr std::size_t enough = 32 * 1024; // on the desk, for one batch
constexpr int most_records = 1024;        // looked at, of which some are known

} // namespace

struct KernelLog::Batch {
    Stream& stream;
    std::int64_t boot;  // when the kernel's clock was 0, by the wall clock as it is now
    std::uint64_t next; // the first number that is not on the desk, nor in files
    std::size_t used = 0;
};

Courier::Took KernelLog::move(Stream& stream) {
    // An earlier reader has moved the position of the descriptor.
    if (!std::exchange(begun_, true))
        (void)::lseek(stream.pipe.get(), 0, SEEK_SET);
    // The kernel stamps its messages with the monotonic clock.
    Batch batch{stream, courier_.present().micros - micros(monotonic_now()), shared_.kernel_next};
    std::array<char, longest_record> record;
    std::size_t bytes = 0;
    bool end = false;
    for (int i = 0; i < most_records && batch.used < enough; ++i) {
        const ssize_t size = ::read(stream.pipe.get(), record.data(), record.size());
        if (size < 0 && (errno == EPIPE || errno == EINVAL)) // overwritten, or too long: the next one is another
            continue;
        if (size <= 0) {
            end = size == 0 || (errno != EAGAIN && errno != EINTR);
            break;
        }
        bytes += static_cast<std::size_t>(size);
        put(batch, {record.data(), static_cast<std::size_t>(size)});
    }
    if (batch.used > 0)
        courier_.deliver(stream, batch.used, batch.next);
    return {bytes, end && bytes == 0};
}

void KernelLog::put(Batch& batch, std::string_view bytes) {
    const auto record = parse_kernel_record(bytes);
    if (!record || record->sequence < batch.next)
        return;
    Letter letter{.unit = batch.stream.unit->name,
                  .at = {batch.boot + record->micros},
                  .priority = Priority::warning,
                  .facility = wire::logs::facility_kern};
    if (const std::uint64_t lost = record->sequence - batch.next; lost > 0) {
        char text[120];
        const int size =
            std::snprintf(text, sizeof text, "%llu messages of the kernel are lost here: it had to overwrite them",
                          static_cast<unsigned long long>(lost));
        put(batch, letter, {text, static_cast<std::size_t>(size)});
    }
    letter.priority = record->priority;
    letter.facility = record->facility;
    std::array<char, longest_record> plain;
    put(batch, letter, unescape_kernel(record->text, plain));
    batch.next = record->sequence + 1;
}

void KernelLog::put(Batch& batch, const Letter& letter, std::string_view text) {
    while (text.ends_with('\n'))
        text.remove_suffix(1);
    std::size_t from = 0;
    while (!put_message(courier_.desk(), batch.used, letter, {text}, false, from)) {
        courier_.deliver(batch.stream, batch.used, batch.next); // it is done with when its last line is
        batch.used = 0;
    }
}

} // namespace mi::logd
