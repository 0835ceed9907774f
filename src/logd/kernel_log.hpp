// The kernel's messages: out of /dev/kmsg into letters. The kernel numbers them and keeps them in a buffer, from which
// every reader may read again. So a collector begins at the oldest one there is and passes over those that
// Shared::kernel_next says are in files already: none is lost or doubled when one is killed. What the kernel had to
// overwrite before we read it shows in the numbers, and is said.
#pragma once

#include "logd/courier.hpp"

namespace mi::logd {

class KernelLog {
public:
    KernelLog(Shared& shared, Courier& courier) : shared_(shared), courier_(courier) {}

    // Reads what there is, about a batch at most, and writes it.
    Courier::Took move(Stream& stream);

private:
    struct Batch;
    void put(Batch& batch, std::string_view record);
    void put(Batch& batch, const Letter& letter, std::string_view text);

    Shared& shared_;
    Courier& courier_;
    bool begun_ = false;
};

} // namespace mi::logd
