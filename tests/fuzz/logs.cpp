// Log files as `minictl logs` reads them: whatever is in them, whole, torn, damaged or somebody else's, plain and compressed.
// The first byte says what the rest is. Besides not crashing and not hanging: reading backwards gives the same lines as reading
// forwards; all text comes out once; a range gives the lines that are in it, and all of them where stamps are in order; what is
// shown on a terminal is printable.
#include "ctl/logs/logs.hpp"
#include "base/printable.hpp"
#include "base/utf8.hpp"
#include "ctl/logs/log_reader.hpp"
#include "wire/log_pack.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace mi;
namespace wl = wire::logs;

namespace {

constexpr WallTime rotated{1'764'000'000'000'000};

void must(bool truth) {
    if (!truth)
        std::abort();
}

// The directory of one unit, in memory, and gone with this: libFuzzer ends without calling anybody.
class Place {
public:
    Place() { must(::mkdir(root().c_str(), 0700) == 0 && ::mkdir(place().c_str(), 0700) == 0); }
    ~Place() {
        for (const std::string& name : names_)
            ::unlink((place() + "/" + name).c_str());
        ::rmdir(place().c_str());
        ::rmdir(root().c_str());
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    static const std::string& root() {
        static const std::string path = "/dev/shm/fuzz-logs-" + std::to_string(::getpid());
        return path;
    }
    void write(const std::string& name, std::string_view bytes) {
        Fd file(::open((place() + "/" + name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        must(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
        names_.push_back(name);
    }

private:
    static std::string place() { return root() + "/unit"; }
    std::vector<std::string> names_;
};

struct Told {
    WallTime at;
    std::string text;
    bool operator==(const Told&) const = default;
};

std::vector<Told> read(const ctl::Range& range, bool backwards) {
    std::vector<std::string> complaints;
    std::vector<ctl::UnitLog> logs = ctl::open_logs({Place::root()}, {}, complaints);
    must(complaints.empty());
    ctl::Merge merge(logs, range, backwards);
    std::vector<Told> lines;
    while (auto line = merge.next()) {
        must(line->unit == "unit" && line->line.text.find('\n') == std::string_view::npos);
        lines.push_back({line->line.at, std::string(line->line.text)});
        if (range.since || backwards || line->line.text.size() > 2000)
            continue;
        const ctl::Style terminal{.terminal = true};
        for (ctl::LogOutput output : {ctl::LogOutput::brief, ctl::LogOutput::cat}) {
            const std::string shown = ctl::show_line(terminal, output, line->unit, line->line);
            must(printable(shown, Keep::lines) == shown);
        }
        const std::string json = ctl::show_line({}, ctl::LogOutput::json, line->unit, line->line);
        must(valid_utf8(json) == json.size() && printable(json, Keep::lines) == json);
    }
    return lines;
}

// All of a file's text, in pieces of that size.
std::string text_of(ctl::LogFile& file, std::size_t piece) {
    std::string text, buffer(piece, '\0');
    for (std::size_t got = 0; (got = file.read(buffer.data(), piece, static_cast<std::int64_t>(text.size()))) > 0;)
        text.append(buffer, 0, got);
    return text;
}

void check_files(WallTime moment) {
    std::vector<std::string> complaints;
    std::vector<ctl::UnitLog> logs = ctl::open_logs({Place::root()}, {}, complaints);
    for (ctl::UnitLog& log : logs)
        for (ctl::LogFile& file : log.files) {
            if (!file.current() && !file.open())
                continue;
            const std::string text = text_of(file, 4096);
            must(text_of(file, 977) == text);
            must(file.size <= static_cast<std::int64_t>(text.size()));
            must(file.size == 0 || text[static_cast<std::size_t>(file.size) - 1] == '\n');
            std::string lines;
            ctl::Lines forwards(file, 0, file.size);
            while (auto line = forwards.next())
                (lines += *line) += '\n';
            must(lines == std::string_view(text).substr(0, static_cast<std::size_t>(file.size)));
            const ctl::Around around = ctl::find_moment(file, moment);
            must(0 <= around.before && around.before <= around.behind && around.behind <= file.size);
            for (std::int64_t at : {around.before, around.behind})
                must(at == 0 || text[static_cast<std::size_t>(at) - 1] == '\n');
        }
}

void check(WallTime since, WallTime until) {
    const std::vector<Told> all = read({}, false);
    std::vector<Told> backwards = read({}, true);
    std::ranges::reverse(backwards);
    // What is not in our format has the stamp of the neighbour that was read before.
    must(std::ranges::equal(all, backwards, {}, &Told::text, &Told::text));
    for (bool reverse : {false, true}) {
        std::vector<Told> some = read({since, until}, reverse);
        if (reverse)
            std::ranges::reverse(some);
        for (const Told& line : some)
            must(since <= line.at && line.at <= until);
        if (all == backwards && std::ranges::is_sorted(all, {}, &Told::at) &&
            std::ranges::none_of(all, [](const Told& line) { return line.at.micros == 0 || line.at > rotated; })) {
            std::vector<Told> wanted;
            std::ranges::copy_if(all, std::back_inserter(wanted),
                                 [&](const Told& line) { return since <= line.at && line.at <= until; });
            must(some == wanted);
        }
    }
}

// Lines of our own, of what the input has between its line ends; a byte says how much later each is.
std::string ours(std::string_view bytes) {
    std::string log;
    WallTime at{rotated.micros - 86'400'000'000};
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        const std::string_view line = bytes.substr(0, end);
        bytes.remove_prefix(std::min(bytes.size(), end + 1));
        const auto first = line.empty() ? 0u : static_cast<unsigned char>(line.front());
        at.micros += first * 1000;
        char prefix[wl::longest_prefix];
        const std::string stamp = wl::stamp_of(at);
        log.append(prefix, wl::write_prefix(stamp, static_cast<wl::Priority>(first % 8), wl::Source::out,
                                            first % 16 == 9, prefix));
        // One is longer than what is read at once.
        const std::size_t times = first > 250 && log.size() < 16 * 1024 ? 33 * 1024 / line.size() : 1;
        for (std::size_t i = 0; i < times; ++i)
            log += line;
        log += '\n';
    }
    return log;
}

std::string packed(std::string_view text, std::size_t piece) {
    wl::Packer packer;
    std::string bytes = packer.head(1);
    while (!text.empty()) {
        std::size_t size = std::min({piece, text.size(), wl::pack_frame_text});
        if (const std::size_t end = text.substr(0, size).rfind('\n'); end != std::string_view::npos)
            size = end + 1;
        bytes += packer.frame(text.substr(0, size));
        text.remove_prefix(size);
    }
    return bytes + packer.foot();
}

// Changes `bytes` as the input says: bytes are turned, taken out, put in, the end is cut off.
void damage(std::string& bytes, std::string_view how) {
    for (; how.size() >= 4; how.remove_prefix(4)) {
        const auto part = [&](std::size_t i) { return static_cast<unsigned char>(how[i]); };
        const std::size_t from_end = part(1) % 2 * bytes.size(); // the table is there
        const std::size_t offset = (part(1) / 2 * 256 + part(2)) % (bytes.size() + 1);
        const std::size_t at = from_end != 0 ? bytes.size() - offset : offset;
        if (part(0) % 4 == 0)
            bytes.resize(at);
        else if (part(0) % 4 == 1)
            bytes.erase(at, part(3));
        else if (part(0) % 4 == 2)
            bytes.insert(at, 1 + part(0) / 4, how[3]);
        else if (at < bytes.size())
            bytes[at] = how[3];
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4)
        return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 4, size - 4);
    const WallTime since{rotated.micros - 86'400'000'000 + data[1] * 10'000};
    const WallTime until{since.micros + data[2] * 10'000};
    const std::string old = wl::rotated_name(rotated), old_packed = wl::packed_name(old);
    const std::size_t half = bytes.find('\xff');
    const std::string_view first = bytes.substr(0, half);
    const std::string_view second = half == std::string_view::npos ? std::string_view() : bytes.substr(half + 1);
    Place place;
    switch (data[0] % 6) {
    case 0: place.write("current", bytes); break;
    case 1: place.write(old_packed, bytes); break;
    case 2: place.write("current", ours(bytes)); break;
    case 3:
        place.write(old, ours(first));
        place.write("current", second);
        break;
    case 4: place.write(old_packed, packed(ours(bytes), 512 + data[3] * 512u)); break;
    case 5: {
        std::string pack = packed(ours(first), 512 + data[3] * 512u);
        damage(pack, second);
        place.write(old_packed, pack);
        place.write("current", ours(second));
        break;
    }
    }
    check_files(since);
    check(since, until);
    return 0;
}
