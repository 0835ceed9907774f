// Feeds any bytes to what reads messages of syslog(3) and of the kernel. The first byte chooses. What comes out is a part of
// what came in, is written as lines that are read back, and nothing crashes or hangs.
#include "logd/syslog.hpp"
#include "logd/kernel_record.hpp"
#include "logd/letters.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

using namespace mi;
using namespace mi::logd;

namespace {

void must(bool truth) {
    if (!truth)
        std::abort();
}

void must_be_lines(std::string_view letters, Source source, std::size_t most, bool ours = true) {
    static std::vector<char> out(256 * 1024);
    std::size_t lines = 0;
    while (!letters.empty()) {
        const LetterCut cut = format_letters(letters, {.source = source}, {}, {1}, out);
        must(cut.taken > 0 && cut.taken <= letters.size());
        letters.remove_prefix(cut.taken);
        // Only of a collector that went wild are there letters of more than a line.
        for (std::string_view text(out.data(), ours ? cut.written : 0); !text.empty(); ++lines) {
            const std::size_t end = text.find('\n');
            must(end != text.npos && wire::logs::parse_line(text.substr(0, end)).has_value());
            text.remove_prefix(end + 1);
        }
    }
    must(lines <= most);
}

void message(std::string_view bytes) {
    static std::vector<char> room(64 * 1024);
    const SyslogMessage parsed = parse_syslog(bytes, "host");
    must(parsed.facility < wire::logs::facilities && parsed.text.size() <= bytes.size());
    const Letter letter{.unit = "unit", .priority = parsed.priority, .facility = parsed.facility, .text = {}};
    std::size_t from = 0;
    for (bool all = false; !all;) {
        std::size_t used = 0;
        const std::size_t before = from;
        all = put_message(room, used, letter, {parsed.tag, "[", parsed.pid, "]: ", parsed.text}, false, from);
        must(all || from > before);
        must_be_lines({room.data(), used}, Source::syslog, bytes.size() + 6);
    }
}

void kernel(std::string_view bytes) {
    if (const auto record = parse_kernel_record(bytes)) {
        std::vector<char> plain(record->text.size());
        must(unescape_kernel(record->text, plain).size() <= record->text.size());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
    case 0: message(bytes); break;
    case 1: kernel(bytes); break;
    case 2: must_be_lines(bytes, Source::kernel, bytes.size(), false); break;
    }
    return 0;
}
