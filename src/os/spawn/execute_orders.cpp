// The executor's own code, for the image and for our own binary: it reads the orders from the arguments, and performs
// the steps.
#include "os/spawn/orders_text.hpp"
#include "os/spawn/steps.hpp"

namespace mi::os {
namespace {

// The number in the mark; 0: the word is no mark.
BARE unsigned pieces_said_by(const char* word) {
    unsigned i = 0;
    for (; orders_mark[i] != '\0'; ++i)
        if (word[i] != orders_mark[i])
            return 0;
    const unsigned number = static_cast<unsigned char>(word[i]) - '0';
    return number <= most_pieces && word[i + 1] == '\0' ? number : 0;
}

// Unpacks the orders, and removes them from the arguments. Null: there are none, or they are damaged.
BARE Orders* unpack(long count, char** arguments, char* block) {
    const unsigned pieces = count < 2 ? 0 : pieces_said_by(arguments[count - 1]);
    if (pieces == 0 || static_cast<long>(pieces) + 1 >= count)
        return nullptr;
    char** first = arguments + count - 1 - pieces;
    unsigned long got = 0;
    for (char** piece = first; piece < arguments + count - 1; ++piece) {
        const long more = unstuff(*piece, block + got, most_orders - got);
        if (more < 0)
            return nullptr;
        got += static_cast<unsigned long>(more);
    }
    for (char** word = first; word < arguments + count; ++word)
        for (unsigned length = length_of(*word), i = 0; i < length; ++i)
            (*word)[i] = '\0';
    *first = nullptr;
    auto* orders = reinterpret_cast<Orders*>(block);
    return got >= sizeof(Orders) && orders->size == got ? orders : nullptr;
}

} // namespace

BARE void execute_orders(long count, char** arguments, char** environment, char* block) {
    Orders* orders = unpack(count, arguments, block);
    if (orders == nullptr)
        leave(127);
    Report report;
    carry_out({.orders = orders,
               .arguments = arguments,
               .environment = environment,
               .report = &report,
               .tells_progress = orders->progress >= 0});
    if (orders->report >= 0)
        call(SYS_write, orders->report, &report, sizeof report);
    leave(127);
}

} // namespace mi::os
