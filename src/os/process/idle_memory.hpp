// Gives memory back that a process needs only while it has something to do.
#pragma once

namespace mi::os {

// Unmaps the pages of our own program (its code and what is only read) and gives the free pages of the heap back to the kernel.
//
// What starts up touches most of the program once, and the kernel maps sixteen pages around each that is touched; then they count as
// ours for ever, though little of them is used again. What is used after this is mapped again from the page cache, without a
// read. Call it when nothing is to be done: it costs some tens of microseconds, and the next work as many again.
void give_back_idle_memory();

} // namespace mi::os
