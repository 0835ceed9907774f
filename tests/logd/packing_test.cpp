// Rotated files are compressed: by the collector, and each exactly once wherever that is killed.
#include <sys/ptrace.h>

#include "logd/directory.hpp"
#include "logd/harness.hpp"
#include "logd/packing.hpp"
#include "wire/log_pack.hpp"

using namespace mi;
using namespace mi::logd::test;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr long stride = 7;
#else
constexpr long stride = 1;
#endif

// What a program prints; with its exit code behind.
std::string output_of(const std::string& command) {
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string text;
    char buffer[4096];
    for (std::size_t n = 0; (n = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
        text.append(buffer, n);
    return text + " " + std::to_string(WEXITSTATUS(::pclose(pipe)));
}

std::vector<fs::path> packed_files(const fs::path& unit) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(unit))
        if (logs::parse_packed_name(entry.path().filename().string()))
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

std::vector<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

std::string unpack_all(const std::string& bytes) {
    bool whole = false;
    std::string text;
    for (const logs::PackFrame& frame : logs::find_pack_frames(bytes, whole)) {
        auto some = logs::unpack(std::string_view(bytes).substr(frame.at, frame.size), frame.text_size);
        REQUIRE(some);
        text += *some;
    }
    CHECK(whole);
    return text;
}

} // namespace

TEST_CASE("rotated files are compressed behind the collector's back, and zstd reads them") {
    Scratch scratch;
    const fs::path unit = scratch.path / "var/web";
    FakeInit init({scratch.path / "var"}, {.rotate_size = 1'000'000, .rotate_keep = 100, .compress = true});
    init.start();
    logs::StreamId id = 0;
    Fd end = init.open_stream("web", logs::Source::out, 0, &id);
    std::string all;
    for (int i = 0; i < 40'000; ++i) {
        const std::string line =
            "line " + std::to_string(i) + (i % 1000 == 0 ? std::string(40'000, 'x') : " of the log\n");
        put(end, line);
        all += line;
    }
    put(end, "end\n");
    all += "end\n";
    REQUIRE(init.flush({id}));
    REQUIRE(wait_until(
        [&] { return packed_files(unit).size() >= 2 && files_of(scratch.path / "var", "web").size() == 1; }, 120));
    // One that was rotated when nobody compressed is found by the next collector.
    init.kill_collector();
    const fs::path old = unit / logs::rotated_name({1});
    std::ofstream(old) << logs::stamp_of({0}) << " info out: old\n";
    fs::permissions(old, fs::perms(0640));
    std::ofstream(unit / (".packing-" + logs::rotated_name({1}) + ".1")) << "torn";
    init.start();
    put(end, "more\n");
    REQUIRE(init.flush({id}));
    REQUIRE(wait_until([&] { return !fs::exists(old); }, 120));
    CHECK(init.finish() == logd::exit_done);
    const auto files = packed_files(unit);
    CHECK(names_in(unit).size() == files.size() + 1);
    std::string text;
    for (const fs::path& file : files) {
        const std::string bytes = read_file(file);
        CHECK(logs::inode_of_pack(bytes) != 0);
        const std::string plain = unpack_all(bytes);
        CHECK((plain.size() < 1000 || plain.size() > 3 * bytes.size()));
        text += plain;
        struct stat status{};
        REQUIRE(::stat(file.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0640);
        const std::string name = "'" + file.string() + "'";
        if (output_of("command -v zstd") != " 127") {
            CHECK(output_of("zstd -dc " + name) == plain + " 0");
            CHECK(output_of("zstd -tq " + name) == " 0");
        }
    }
    Scratch again;
    fs::create_directories(again.path / "web");
    std::ofstream(again.path / "web/current", std::ios::binary) << text << read_file(unit / "current");
    CHECK(original(entries_of(again.path, "web")) == "old\n" + all + "more\n");
}

TEST_CASE("killed before or after any one of its system calls, and done again, a file is there once and whole") {
    long calls = 1;
    for (bool more = true; more; calls += stride) {
        Scratch scratch;
        std::string text[2];
        for (int i = 0; i < 2; ++i) {
            for (int line = 0; line < 4000; ++line)
                text[i] += logs::stamp_of({line}) + " info out: line " + std::to_string(line * 7919) + "\n";
            std::ofstream(scratch.path / logs::rotated_name({1000 + i}), std::ios::binary) << text[i];
        }
        Fd directory(::open(scratch.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const pid_t child = ::fork();
        if (child == 0) {
            ::ptrace(PTRACE_TRACEME, 0, 0, 0);
            ::raise(SIGSTOP);
            logd::pack_rotated(directory.get());
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        for (long left = calls; left > 0 && more; --left) {
            ::ptrace(PTRACE_SYSCALL, child, 0, 0);
            ::waitpid(child, &status, 0);
            more = WIFSTOPPED(status);
        }
        if (more) {
            // What is there now can be read: each file in one form that is whole, or in two.
            for (int i = 0; i < 2; ++i) {
                const fs::path plain = scratch.path / logs::rotated_name({1000 + i});
                const fs::path packed = scratch.path / logs::packed_name(logs::rotated_name({1000 + i}));
                if (fs::exists(plain))
                    CHECK(read_file(plain) == text[i]);
                if (fs::exists(packed))
                    CHECK(unpack_all(read_file(packed)) == text[i]);
                CHECK((fs::exists(plain) || fs::exists(packed)));
            }
            ::kill(child, SIGKILL);
            ::waitpid(child, &status, 0);
        }
        logd::pack_rotated(directory.get());
        CHECK(names_in(scratch.path) == std::vector<std::string>{logs::packed_name(logs::rotated_name({1000})),
                                                                 logs::packed_name(logs::rotated_name({1001}))});
        for (int i = 0; i < 2; ++i)
            CHECK(unpack_all(read_file(scratch.path / logs::packed_name(logs::rotated_name({1000 + i})))) == text[i]);
    }
    CHECK(calls > 30);
}

TEST_CASE("compressed files count among those that are kept, and the process ends with the collector") {
    Scratch scratch;
    const fs::path unit = scratch.path / "var/web";
    FakeInit init({scratch.path / "var"}, {.rotate_size = 20'000, .rotate_keep = 3, .compress = true});
    init.start();
    logs::StreamId id = 0;
    Fd end = init.open_stream("web", logs::Source::out, 0, &id);
    for (int i = 0; i < 5000; ++i)
        put(end, "line " + std::to_string(i) + " " + std::string(60, 'x') + "\n");
    REQUIRE(init.flush({id}));
    REQUIRE(wait_until(
        [&] { return packed_files(unit).size() == 3 && files_of(scratch.path / "var", "web").size() == 1; }, 120));
    CHECK(init.finish() == logd::exit_done);
    CHECK(names_in(unit).size() == 4);
}
