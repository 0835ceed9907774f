// How fast lines are collected, against `cat > file`: the floor of reading a pipe and writing a file. Same writer,
// same disk, alternating runs, the best of each. MINIINIT_LOG_BYTES sets the size of a run (20 MB; `scripts/bench`
// uses 200).
#include <cstdlib>

#include "logd/harness.hpp"

using namespace mi;
using namespace mi::logd::test;

namespace {

constexpr unsigned long line_size = 100;
const std::string writer_program = BINARY_DIR "/programs/log_writer";

pid_t start(std::vector<const char*> argv, int in, int out) {
    pid_t child = ::fork();
    if (child == 0) {
        ::dup2(in, 0);
        ::dup2(out, 1);
        argv.push_back(nullptr);
        ::execvp(argv[0], const_cast<char**>(argv.data()));
        ::_exit(127);
    }
    return child;
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

} // namespace

TEST_CASE("collecting lines takes at most three times as long as `cat > file`") {
    REQUIRE_MESSAGE(::access(writer_program.c_str(), X_OK) == 0, "build the target log_writer");
    const char* wanted = std::getenv("MINIINIT_LOG_BYTES");
    const unsigned long bytes = wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 20'000'000;
    const std::string lines = std::to_string(bytes / line_size);
    for (const char* mode : {"block", "line"}) {
        double best[2] = {1e9, 1e9};
        for (int round = 0; round < 5; ++round) {
            Scratch scratch(true);
            {
                int ends[2];
                REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
                Fd from(ends[0]), to(ends[1]);
                Fd file(::open((scratch.path / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
                auto begin = Clock::now();
                pid_t cat = start({"cat"}, from.get(), file.get());
                pid_t writer = start({writer_program.c_str(), "cat", lines.c_str(), "100", mode}, 0, to.get());
                to.reset();
                ::waitpid(writer, nullptr, 0);
                ::waitpid(cat, nullptr, 0);
                best[0] = std::min(best[0], seconds_since(begin));
                REQUIRE(fs::file_size(scratch.path / "file") == bytes);
            }
            {
                FakeInit init({scratch.path / "var"}, {.rotate_size = 0});
                init.start();
                REQUIRE(init.expect<logs::StorageIs>());
                Fd to = init.open_stream("flood");
                auto begin = Clock::now();
                pid_t writer = start({writer_program.c_str(), "log", lines.c_str(), "100", mode}, 0, to.get());
                to.reset();
                ::waitpid(writer, nullptr, 0);
                REQUIRE(init.expect_all_ended(60'000));
                best[1] = std::min(best[1], seconds_since(begin));
                REQUIRE(fs::file_size(scratch.path / "var/flood/current") == bytes / line_size * (line_size + 38));
                CHECK(init.finish() == logd::exit_done);
            }
        }
        MESSAGE(std::string(mode) << ": cat " << best[0] * 1000 << " ms, collector " << best[1] * 1000 << " ms, "
                                  << best[1] / best[0] << " times");
#if !defined(__SANITIZE_ADDRESS__)
        CHECK(best[1] < 3 * best[0]);
#endif
    }
}
