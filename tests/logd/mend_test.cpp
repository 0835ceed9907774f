// What is left of log files after a loss of power, made up, and what becomes of it.
#include <random>

#include "logd/directory.hpp"
#include "logd/harness.hpp"
#include "logd/mend.hpp"

using namespace mi;
using namespace mi::logd::test;

namespace {

// 2001-01-01
constexpr std::int64_t start = 978'307'200'000'000;

std::string line(int number, std::size_t length) {
    return logs::stamp_of({start + number}) + " info out: " + std::to_string(number) + " " + std::string(length, 'x') +
           "\n";
}

// A file of lines of many lengths, and where each begins.
struct Made {
    std::string text;
    std::vector<std::size_t> begins;
};

Made lines(std::mt19937& chance, std::size_t size) {
    Made made;
    for (int number = 0; made.text.size() < size; ++number) {
        made.begins.push_back(made.text.size());
        made.text += line(number, chance() % 20 == 0 ? chance() % 9000 : chance() % 150);
    }
    return made;
}

void write_file(const fs::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

// `text` as it is after mending.
std::string mended(const Scratch& scratch, std::string_view text) {
    write_file(scratch.path / "current", text);
    Fd directory(::open(scratch.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto current = logd::open_current(directory.get());
    REQUIRE(current);
    logd::mend_gaps(directory.get(), logd::current_name, current->last);
    return read_file(scratch.path / "current");
}

std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> all;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        REQUIRE(end != text.npos);
        all.push_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return all;
}

// Every line can be read, none goes back in time, there is no NUL.
void check_readable(std::string_view text) {
    CHECK(text.find('\0') == text.npos);
    WallTime last{};
    for (std::string_view one : split_lines(text)) {
        auto parsed = logs::parse_line(one);
        CHECK_MESSAGE(parsed, one);
        if (parsed)
            CHECK_MESSAGE(parsed->at >= last, one);
        last = parsed ? parsed->at : last;
    }
}

// All lines of `made` that the gap does not touch are still there, in order.
void check_rest(const Made& made, std::size_t begin, std::size_t end, std::string_view text) {
    std::size_t from = 0;
    for (std::size_t i = 0; i < made.begins.size(); ++i) {
        const std::size_t next = i + 1 < made.begins.size() ? made.begins[i + 1] : made.text.size();
        if (next > begin && made.begins[i] < end)
            continue;
        const std::size_t found = text.find(made.text.substr(made.begins[i], next - 1 - made.begins[i]), from);
        REQUIRE(found != text.npos);
        from = found;
    }
}

} // namespace

TEST_CASE("a torn last line is ended, and marked as one that has lost its end") {
    Scratch scratch;
    const std::string whole = line(1, 10), prefix = logs::stamp_of({start + 2});
    CHECK(mended(scratch, whole + prefix + " info out: half a li") == whole + prefix + " info out+: half a li\n");
    CHECK(mended(scratch, whole + prefix + " info out+: half: a li") == whole + prefix + " info out+: half: a li\n");
    CHECK(mended(scratch, whole + prefix + " err syslog.auth: sshd[1]: A") ==
          whole + prefix + " err syslog.auth+: sshd[1]: A\n");
    CHECK(mended(scratch, whole + prefix + " info out: ") == whole + prefix + " info out+: \n");
    CHECK(mended(scratch, prefix + " info out: half") == prefix + " info out+: half\n");
    CHECK(mended(scratch, whole + prefix + " info o") == whole);
    CHECK(mended(scratch, "none of ours") == "none of ours\n");
    CHECK(mended(scratch, whole) == whole);
}

TEST_CASE("NULs in place of lines, up to the end of a block, become a line that says how many bytes are lost") {
    Scratch scratch;
    std::mt19937 chance(1);
    for (int round = 0; round < 100; ++round) {
        const Made made = lines(chance, 64 * 1024);
        const std::size_t begin = made.begins[chance() % (made.begins.size() / 2)];
        const std::size_t end = (begin / 4096 + 1 + chance() % 3) * 4096;
        std::string text = made.text;
        std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(begin), end - begin, '\0');
        const std::string after = mended(scratch, text);
        CHECK(after.size() == text.size());
        check_readable(after);
        check_rest(made, begin, end, after);
        if (end - begin > 200)
            CHECK(after.find(std::to_string(end - begin) + " bytes are lost here") != after.npos);
        CHECK(mended(scratch, after) == after);
    }
}

TEST_CASE("so do sectors inside of lines") {
    Scratch scratch;
    std::mt19937 chance(2);
    for (int round = 0; round < 100; ++round) {
        const Made made = lines(chance, 64 * 1024);
        const std::size_t begin = chance() % 70 * 512, end = begin + (1 + chance() % 16) * 512;
        std::string text = made.text;
        std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(begin), end - begin, '\0');
        const std::string after = mended(scratch, text);
        CHECK(after.size() == text.size());
        check_readable(after);
        check_rest(made, begin, end, after);
        CHECK(after.find(" lost here") != after.npos);
    }
}

TEST_CASE("a gap that is too short for a line goes to the line before") {
    Scratch scratch;
    const std::string before = line(1, 20), behind = line(2, 20);
    for (std::size_t size = 1; size < 300; ++size) {
        for (const std::string& rest : {std::string(), std::string("the rest\n")}) {
            const std::string after = mended(scratch, before + std::string(size, '\0') + rest + behind);
            CHECK(after.size() == before.size() + size + rest.size() + behind.size());
            check_readable(after);
            CHECK(after.starts_with(before.substr(0, before.size() - 1)));
            CHECK(after.ends_with(rest + behind));
        }
    }
}

TEST_CASE("several gaps, one at the beginning and one at the end, of many blocks") {
    Scratch scratch;
    std::mt19937 chance(3);
    const Made made = lines(chance, 700 * 1024);
    std::string text = made.text;
    std::fill_n(text.begin(), 300 * 1024, '\0');
    std::fill_n(text.begin() + 400 * 1024, 512, '\0');
    std::fill_n(text.begin() + 400 * 1024 + 1024, 512, '\0');
    const std::string after = mended(scratch, text + std::string(200 * 1024, '\0'));
    CHECK(after.size() == text.size());
    check_readable(after);
    CHECK(after.find(std::to_string(300 * 1024) + " bytes are lost here") != after.npos);
    CHECK(mended(scratch, std::string(200 * 1024, '\0')).empty());
}

TEST_CASE("mending that was itself cut off, in any of its sectors, is done again") {
    Scratch scratch;
    std::mt19937 chance(4);
    for (int round = 0; round < 100; ++round) {
        const Made made = lines(chance, 64 * 1024);
        const std::size_t begin = made.begins[chance() % (made.begins.size() / 2)];
        const std::size_t end = (begin / 4096 + 1 + chance() % 3) * 4096;
        std::string text = made.text;
        std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(begin), end - begin, '\0');
        const std::string whole = mended(scratch, text);
        for (std::size_t at = 0; at + 512 <= text.size(); at += 512)
            if (chance() % 2 == 0)
                text.replace(at, 512, whole, at, 512);
        const std::string after = mended(scratch, text);
        CHECK(after.size() == text.size());
        check_readable(after);
        check_rest(made, begin, end, after);
    }
}

TEST_CASE("the NULs of a service stay, and what is long on the disk is not looked at") {
    Scratch scratch;
    std::string text;
    for (int number = 0; text.size() < 300 * 1024; ++number) {
        text += line(number, 10);
        text += logs::stamp_of({start + number}) +
                " info out: " + std::string(static_cast<std::size_t>(number) * 7, '\0') + "behind\n";
        text += logs::stamp_of({start + number}) + " info out: " + std::string(40, '\0') + "\n";
    }
    CHECK(mended(scratch, text) == text);

    std::string old = line(1, 10);
    old.resize(4096, '\0');
    while (old.size() < 100 * 1024)
        old += line(2, 100);
    std::string late = old;
    while (late.size() < 2200 * 1024)
        late += logs::stamp_of({start + 200'000'000}) + " info out: later\n";
    CHECK(mended(scratch, late) == late);
    CHECK(mended(scratch, old) != old);
}

TEST_CASE("a collector fills gaps in what is written to and in what was rotated shortly before, once") {
    Scratch scratch;
    const fs::path unit = scratch.path / "var/web";
    fs::create_directories(unit);
    const std::string gap = line(1, 10) + std::string(4096 - line(1, 10).size(), '\0') + "torn\n" + line(2, 10);
    write_file(unit / logs::rotated_name({start + 1000}), gap);
    write_file(unit / logs::rotated_name({start + 1001}), gap);
    write_file(unit / "current", gap);
    // The directory can only be made later; meanwhile the unit has a log elsewhere.
    fs::rename(scratch.path / "var", scratch.path / "later");
    write_file(scratch.path / "var", "");
    FakeInit init({scratch.path / "var", scratch.path / "run"});
    init.start();
    logs::StreamId id = 0;
    Fd end = init.open_stream("web", logs::Source::out, 0, &id);
    put(end, "first\n");
    REQUIRE(init.flush({id}));
    REQUIRE(files_of(scratch.path / "run", "web").size() == 1);
    fs::remove(scratch.path / "var");
    fs::rename(scratch.path / "later", scratch.path / "var");
    init.send(logs::TryStorage{});
    put(end, "next\n");
    REQUIRE(init.flush({id}));
    auto entries = entries_of(scratch.path / "var", "web"); // it checks that each line can be read
    CHECK(std::count_if(entries.begin(), entries.end(), [](const Entry& entry) {
              return entry.source == logs::Source::init && entry.text.find(" bytes are lost here") != entry.text.npos;
          }) == 3);
    for (const fs::path& file : files_of(scratch.path / "var", "web"))
        CHECK(read_file(file).find('\0') == std::string::npos);
    CHECK(original(entries).ends_with("first\nnext\n"));
    CHECK(init.finish() == logd::exit_done);
}
