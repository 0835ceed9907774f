// Stories about the real collector in a process of its own, driven by a fake PID 1.
#include <sys/mman.h>
#include <sys/resource.h>

#include <random>

#include "logd/harness.hpp"

using namespace mi;
using namespace mi::logd::test;
using logs::Priority;
using logs::Source;

TEST_CASE("a line of a service is in the file of its unit, with stamp, priority and stream") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    auto storage = init.expect<logs::StorageIs>();
    REQUIRE(storage);
    CHECK(storage->directory == 0);
    CHECK(storage->path == (scratch.path / "var").string());
    logs::StreamId out = 0, err = 0;
    Fd stdout_end = init.open_stream("web", Source::out, 0, &out);
    Fd stderr_end = init.open_stream("web", Source::err, 0, &err);
    put(stdout_end, "hello\n");
    put(stderr_end, "<3>oh\n");
    REQUIRE(init.flush({out, err}));
    auto entries = entries_of(scratch.path / "var", "web");
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].text == "hello");
    CHECK(entries[0].priority == Priority::info);
    CHECK(entries[0].source == Source::out);
    CHECK(entries[1].text == "oh");
    CHECK(entries[1].priority == Priority::err);
    CHECK(entries[1].source == Source::err);
    auto now =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    CHECK(entries[0].at.micros <= now);
    CHECK(entries[0].at.micros > now - 10'000'000);
    struct stat status{};
    REQUIRE(::stat((scratch.path / "var/web/current").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0640);
    REQUIRE(::stat((scratch.path / "var/web").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0755);
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("a silent unit has no file, and ends without one") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    Fd end = init.open_stream("quiet");
    end.reset();
    CHECK(init.expect_all_ended());
    CHECK(fs::is_empty(scratch.path / "var"));
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("what a service wrote survives byte for byte: NUL, invalid UTF-8, an unfinished end") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    std::string text("a\0b\n\xff\xfe\n\r\n\n  spaces \n", 20);
    text += "no end";
    Fd end = init.open_stream("raw");
    put(end, text);
    end.reset();
    REQUIRE(init.expect_all_ended());
    auto entries = entries_of(scratch.path / "var", "raw");
    CHECK(original(entries) == text);
    CHECK(entries.back().unended);
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("an unfinished line waits for its end, and is written at once when asked for") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    logs::StreamId id = 0, other = 0;
    Fd end = init.open_stream("web", Source::out, 0, &id);
    Fd other_end = init.open_stream("other", Source::out, 0, &other);
    put(end, "half");
    put(other_end, "x\n");
    REQUIRE(init.flush({other}));
    put(end, " and half\nPass");
    REQUIRE(wait_until([&] { return !files_of(scratch.path / "var", "web").empty(); }));
    CHECK(entries_of(scratch.path / "var", "web").size() == 1);
    REQUIRE(init.flush({id}));
    put(end, "word:\n");
    REQUIRE(init.flush({id}));
    auto entries = entries_of(scratch.path / "var", "web");
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].text == "half and half");
    CHECK(entries[1].text == "Pass");
    CHECK(entries[1].unended);
    CHECK(original(entries) == "half and half\nPassword:\n");
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("a long line arrives whole in marked pieces, through a large write into a pipe that is not empty, in "
          "packets, and in odd sizes") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    std::string text(200'000, ' ');
    std::mt19937 random(1);
    for (char& c : text)
        c = static_cast<char>('!' + random() % 90);
    text += "\nnext\n";
    SUBCASE("large write") {
        Fd end = init.open_stream("long");
        put(end, text.substr(0, 3));
        ::usleep(20'000); // the collector has seen the beginning: the case that edge-triggered waiting would miss
        put(end, text.substr(3));
    }
    SUBCASE("packets") {
        Fd end = init.open_stream("long", Source::out, O_DIRECT);
        for (std::size_t at = 0; at < text.size(); at += 701)
            put(end, text.substr(at, 701));
    }
    SUBCASE("writes that waste their pages") {
        Fd end = init.open_stream("long");
        for (std::size_t at = 0; at < text.size(); at += 2049)
            put(end, text.substr(at, 2049));
    }
    SUBCASE("a pipe of one page") {
        logs::StreamId id = 0;
        Fd end = init.open_stream("long", Source::out, 0, &id);
        REQUIRE(::fcntl(end.get(), F_SETPIPE_SZ, 4096) == 4096);
        put(end, text);
    }
    SUBCASE("a pipe of a megabyte") {
        logs::StreamId id = 0;
        Fd end = init.open_stream("long", Source::out, 0, &id);
        (void)::fcntl(end.get(), F_SETPIPE_SZ, 1 << 20);
        put(end, text);
    }
    REQUIRE(init.expect_all_ended());
    auto entries = entries_of(scratch.path / "var", "long");
    CHECK(original(entries) == text);
    CHECK(entries.size() == 6);
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("empty lines by the hundred thousand are more output than a buffer and still all there") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    Fd end = init.open_stream("empty");
    put(end, std::string(200'000, '\n'));
    end.reset();
    REQUIRE(init.expect_all_ended());
    CHECK(original(entries_of(scratch.path / "var", "empty")) == std::string(200'000, '\n'));
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("a flush answers once everything written before it is in the file, also under load from others") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    Fd loud = init.open_stream("loud");
    pid_t child = ::fork();
    if (child == 0) {
        std::string flood(1 << 16, 'x');
        for (std::size_t i = 99; i < flood.size(); i += 100)
            flood[i] = '\n';
        while (::write(loud.get(), flood.data(), flood.size()) > 0) {
        }
        ::_exit(0);
    }
    logs::StreamId id = 0;
    Fd end = init.open_stream("web", Source::out, 0, &id);
    std::string expected;
    for (int i = 0; i < 200; ++i) {
        std::string line = "line " + std::to_string(i) + "\n";
        put(end, line);
        expected += line;
        REQUIRE(init.flush({id, 4711}));
        REQUIRE(original(entries_of(scratch.path / "var", "web")) == expected);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("a file that gets too large is rotated, and only so many are kept") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"}, {.rotate_size = 20'000, .rotate_keep = 3});
    init.start();
    logs::StreamId id = 0;
    Fd end = init.open_stream("big", Source::out, 0, &id);
    std::string all;
    for (int i = 0; i < 2000; ++i) {
        std::string line = "line " + std::to_string(i) + " of a service that talks a lot\n";
        put(end, line);
        all += line;
        if (i % 20 == 19)
            REQUIRE(init.flush({id}));
    }
    auto files = files_of(scratch.path / "var", "big");
    CHECK(files.size() == 4);
    for (const fs::path& file : files)
        CHECK(fs::file_size(file) <= 20'000);
    CHECK(fs::file_size(files[0]) > 15'000);
    std::string kept = original(entries_of(scratch.path / "var", "big"));
    CHECK(kept.size() > 25'000);
    CHECK(all.ends_with(kept));
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("the line that tells of the start comes before all that services have said since, whatever is read first") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    logs::StreamId service = 0, id = 0;
    Fd web = init.open_stream("web", Source::out, 0, &service); // the collector is given our own lines last
    Fd own = init.open_stream("miniinit", Source::init, 0, &id);
    for (const std::string& line : logs::init_lines({}, Priority::info, logs::start_text("user") + ", 1 unit"))
        put(own, line);
    for (const std::string& line : logs::init_lines({}, Priority::notice, "the clock jumped"))
        put(own, line);
    put(web, "serving\n");
    init.start();
    REQUIRE(init.flush({service, id}));
    const std::vector<Entry> ours = entries_of(scratch.path / "var", "miniinit");
    const std::vector<Entry> theirs = entries_of(scratch.path / "var", "web");
    REQUIRE(ours.size() == 2);
    REQUIRE(theirs.size() == 1);
    CHECK(ours[0].at < theirs[0].at);
    CHECK(theirs[0].at <= ours[1].at);
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("lines of PID 1 go to the unit they are about") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    logs::StreamId id = 0;
    Fd own = init.open_stream("miniinit", Source::init, 0, &id);
    auto say = [&](const char* unit, Priority priority, const char* text) {
        for (const std::string& line : logs::init_lines(unit, priority, text))
            put(own, line);
    };
    say("", Priority::info, "up");
    say("web", Priority::info, "started");
    say("web", Priority::err, "failed\nfor two reasons");
    say("db", Priority::info, "started");
    say("", Priority::notice, "down");
    REQUIRE(init.flush({id}));
    auto texts = [&](const char* unit) {
        std::string all;
        for (const Entry& entry : entries_of(scratch.path / "var", unit)) {
            CHECK(entry.source == Source::init);
            all += std::string(logs::word_of(entry.priority)) + " " + entry.text + "; ";
        }
        return all;
    };
    CHECK(texts("miniinit") == "info up; notice down; ");
    CHECK(texts("web") == "info started; err failed; err for two reasons; ");
    CHECK(texts("db") == "info started; ");
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("without a directory lines are held in memory, survive a kill there, and move on when one can be made") {
    Scratch scratch;
    std::ofstream(scratch.path / "not-yet") << "";
    FakeInit init({scratch.path / "not-yet/var"});
    init.start();
    auto storage = init.expect<logs::StorageIs>();
    REQUIRE(storage);
    CHECK(storage->directory == -1);
    logs::StreamId id = 0;
    Fd end = init.open_stream("early", Source::out, 0, &id);
    std::string expected;
    for (int i = 0; i < 100; ++i) {
        put(end, "early " + std::to_string(i) + "\n");
        expected += "early " + std::to_string(i) + "\n";
        if (i % 10 == 0)
            REQUIRE(init.flush({id}));
        if (i % 30 == 0) {
            init.kill_collector();
            init.start();
        }
    }
    init.send(logs::TryStorage{});
    REQUIRE(init.flush({id}));
    fs::remove(scratch.path / "not-yet");
    init.send(logs::TryStorage{});
    put(end, "late\n");
    REQUIRE(init.flush({id}));
    CHECK(original(entries_of(scratch.path / "not-yet/var", "early")) == expected + "late\n");
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("memory keeps the youngest lines and says how many older ones are lost") {
    Scratch scratch;
    std::ofstream(scratch.path / "not-yet") << "";
    FakeInit init({scratch.path / "not-yet/var"});
    init.start();
    logs::StreamId id = 0, other = 0;
    Fd end = init.open_stream("chatty", Source::out, 0, &id);
    Fd other_end = init.open_stream("calm", Source::out, 0, &other);
    constexpr int lines = 100'000;
    std::string text;
    for (int i = 0; i < lines; ++i)
        text += std::to_string(i) + " " + std::string(60, 'x') + "\n";
    put(end, text);
    put(other_end, "still here\n");
    REQUIRE(init.flush({id, other}));
    auto dropped = init.expect<logs::Dropped>();
    REQUIRE(dropped);
    CHECK(dropped->unit == "chatty");
    fs::remove(scratch.path / "not-yet");
    init.send(logs::TryStorage{});
    REQUIRE(init.flush({}));
    auto entries = entries_of(scratch.path / "not-yet/var", "chatty");
    REQUIRE(entries.size() > 10'000);
    CHECK(entries[0].source == Source::init);
    CHECK(entries[0].priority == Priority::warning);
    int lost = std::stoi(entries[0].text);
    CHECK(lost + static_cast<int>(entries.size()) - 1 == lines);
    CHECK(text.ends_with(original(entries)));
    CHECK(original(entries_of(scratch.path / "not-yet/var", "calm")) == "still here\n");
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("what was kept in the second directory moves behind what the first one has, in order") {
    Scratch scratch;
    fs::path var = scratch.path / "blocked/var", run = scratch.path / "run";
    std::ofstream(scratch.path / "blocked") << "";
    FakeInit init({var, run}, {.rotate_size = 3000, .rotate_keep = 50});
    init.start();
    auto storage = init.expect<logs::StorageIs>();
    REQUIRE(storage);
    CHECK(storage->directory == 1);
    logs::StreamId id = 0;
    Fd end = init.open_stream("web", Source::out, 0, &id);
    std::string expected = "from before\n";
    for (int i = 0; i < 300; ++i) {
        put(end, "line " + std::to_string(i) + "\n");
        expected += "line " + std::to_string(i) + "\n";
        if (i % 10 == 0)
            REQUIRE(init.flush({id}));
    }
    REQUIRE(init.flush({id}));
    CHECK(files_of(run, "web").size() > 2);
    fs::remove(scratch.path / "blocked");
    fs::create_directories(var / "web");
    std::ofstream(var / "web/current") << "2001-01-01T00:00:00.000000Z info out: from before\n";
    SUBCASE("when told") { init.send(logs::TryStorage{}); }
    SUBCASE("when started again") {
        init.kill_collector();
        init.start();
    }
    put(end, "last\n");
    REQUIRE(init.flush({id}));
    CHECK(original(entries_of(var, "web")) == expected + "last\n");
    CHECK(fs::is_empty(run));
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("a full disk blocks nobody, loses nothing that is stored, and is over by itself") {
    // A file size limit is the full disk that needs no mount: write(2) gives part of the bytes, then EFBIG.
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    constexpr std::size_t limit = 50'000;
    init.before_run = [] {
        rlimit sizes{limit, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &sizes);
    };
    init.start();
    logs::StreamId id = 0, other = 0;
    Fd end = init.open_stream("full", Source::out, 0, &id);
    Fd other_end = init.open_stream("small", Source::out, 0, &other);
    constexpr int lines = 20'000;
    std::string text;
    for (int i = 0; i < lines; ++i)
        text += "line " + std::to_string(i) + " xxxxxxxxxxxxxxxxxxxxxxxx\n";
    put(end, text); // more than pipe and file take: blocks for ever if the collector does
    put(other_end, "not concerned\n");
    REQUIRE(init.flush({id, other}));
    CHECK(original(entries_of(scratch.path / "var", "small")) == "not concerned\n");
    auto before = entries_of(scratch.path / "var", "full");
    CHECK(fs::file_size(scratch.path / "var/full/current") > limit - 100);
    CHECK(text.starts_with(original(before)));
    auto dropped = init.expect<logs::Dropped>();
    REQUIRE(dropped);
    CHECK(dropped->unit == "full");
    CHECK(dropped->code == EFBIG);
    CHECK_FALSE(dropped->over);

    rlimit sizes{RLIM_INFINITY, RLIM_INFINITY};
    REQUIRE(::prlimit(init.pid, RLIMIT_FSIZE, &sizes, nullptr) == 0);
    SUBCASE("with the next line") {}
    SUBCASE("even if the unit stays silent") {
        auto over = init.expect<logs::Dropped>(5'000);
        REQUIRE(over);
        CHECK(over->over);
    }
    put(end, "afterwards\n");
    REQUIRE(init.flush({id}));
    auto after = entries_of(scratch.path / "var", "full");
    REQUIRE(after.size() == before.size() + 2);
    const Entry& said = after[before.size()];
    CHECK(said.source == Source::init);
    CHECK(static_cast<std::size_t>(std::stoi(said.text)) + before.size() == lines);
    CHECK(said.text.find("File too large") != said.text.npos);
    CHECK(after.back().text == "afterwards");
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("hostile names and links lead nowhere") {
    Scratch scratch;
    fs::create_directories(scratch.path / "var/filelink");
    fs::create_directories(scratch.path / "var/fifo");
    fs::create_directories(scratch.path / "precious");
    std::ofstream(scratch.path / "precious/current") << "mine\n";
    fs::create_directory_symlink(scratch.path / "precious", scratch.path / "var/linked");
    fs::create_symlink(scratch.path / "precious/current", scratch.path / "var/filelink/current");
    REQUIRE(::mkfifo((scratch.path / "var/fifo/current").c_str(), 0600) == 0);
    FakeInit init({scratch.path / "var"});
    init.start();
    std::vector<std::string> names{"linked", "filelink", "fifo", "../escaped", "a/b",
                                   "..",     ".",        "",     "new\nline",  std::string(logs::longest_unit, '/')};
    std::vector<Fd> ends;
    std::vector<logs::StreamId> ids(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        ends.push_back(init.open_stream(names[i], Source::out, 0, &ids[i]));
        put(ends.back(), "text of " + names[i].substr(0, 3) + "\n");
    }
    REQUIRE(init.flush(ids));
    CHECK(read_file(scratch.path / "precious/current") == "mine\n");
    CHECK(std::distance(fs::directory_iterator(scratch.path), {}) == 2);
    for (std::size_t i = 1; i < names.size(); ++i)
        CHECK(original(entries_of(scratch.path / "var", names[i])).starts_with("text of "));
    // The linked directory is refused, and works once it is one.
    fs::remove(scratch.path / "var/linked");
    put(ends[0], "now\n");
    REQUIRE(init.flush(ids));
    auto entries = entries_of(scratch.path / "var", "linked");
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].text.starts_with("1 line lost here"));
    CHECK(entries[1].text == "now");
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("messages that make no sense, and signals, do not disturb it") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    logs::StreamId id = 0;
    Fd end = init.open_stream("web", Source::out, 0, &id);
    int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    std::string attach = logs::encode(logs::ToCollector(logs::Attach{{{99, Source::out, "x", {}}}}));
    for (std::size_t size = 1; size < attach.size(); ++size)
        init.send_bytes(attach.substr(0, size), {null});
    init.send_bytes("\x66garbage");
    init.send_bytes(std::string(1000, '\xff'));
    init.send(logs::Attach{{{98, Source::out, "x", {}}, {97, Source::out, "y", {}}}}); // without descriptors
    auto refused = init.expect<logs::Refused>();
    REQUIRE(refused);
    CHECK(refused->streams == std::vector<logs::StreamId>{98, 97});
    init.send(logs::Attach{{{96, Source::out, "x", {}}}}, {null}); // not a pipe
    for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1})
        ::kill(init.pid, signal);
    put(end, "undisturbed\n");
    REQUIRE(init.flush({id, 1234}));
    CHECK(original(entries_of(scratch.path / "var", "web")) == "undisturbed\n");
    ::close(null);
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("when PID 1 is gone everything is written before it ends") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    REQUIRE(init.expect<logs::StorageIs>());
    Fd end = init.open_stream("web");
    put(end, "last words");
    init.hang_up();
    int status = 0;
    REQUIRE(::waitpid(init.pid, &status, 0) == init.pid);
    init.pid = 0;
    CHECK(WEXITSTATUS(status) == logd::exit_done);
    CHECK(original(entries_of(scratch.path / "var", "web")) == "last words");
}

TEST_CASE("a torn last line of a power loss is mended before the file goes on") {
    Scratch scratch;
    fs::create_directories(scratch.path / "var/web");
    const std::string whole = "2001-01-01T00:00:00.000000Z info out: whole\n";
    std::string expected = "whole\n", torn;
    SUBCASE("inside the text") {
        torn = "2001-01-01T00:00:01.000000Z info out: tor";
        expected += "tor"; // it has lost its end, and is marked so
    }
    SUBCASE("inside the stamp") { torn = "2001-01-01T00:0"; }
    SUBCASE("never written") { torn = std::string(3000, '\0'); }
    std::ofstream(scratch.path / "var/web/current", std::ios::binary) << whole << torn;
    FakeInit init({scratch.path / "var"});
    init.start();
    Fd end = init.open_stream("web");
    put(end, "next\n");
    end.reset();
    REQUIRE(init.expect_all_ended());
    CHECK(original(entries_of(scratch.path / "var", "web")) == expected + "next\n");
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("so is that of a file that was rotated shortly before the power loss") {
    Scratch scratch;
    fs::create_directories(scratch.path / "var/web");
    const std::string whole = "2001-01-01T00:00:00.000000Z info out: whole\n";
    const fs::path rotated = scratch.path / "var/web" / logs::rotated_name(WallTime{978307200000000});
    std::ofstream(rotated, std::ios::binary) << whole << std::string(630, '\0');
    FakeInit init({scratch.path / "var"});
    init.start();
    Fd end = init.open_stream("web");
    put(end, "next\n");
    end.reset();
    REQUIRE(init.expect_all_ended());
    std::ifstream file(rotated, std::ios::binary);
    CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == whole);
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("stamps never go back within a file, though the clock may") {
    Scratch scratch;
    auto now =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    auto later = [&](std::int64_t seconds) { return WallTime{now + seconds * 1'000'000}; };
    for (auto [unit, ahead] : {std::pair{"little", 30}, std::pair{"much", 7200}}) {
        fs::create_directories(scratch.path / "var" / unit);
        std::ofstream(scratch.path / "var" / unit / "current") << logs::stamp_of(later(ahead)) << " info out: future\n";
    }
    FakeInit init({scratch.path / "var"});
    init.start();
    Fd little = init.open_stream("little"), much = init.open_stream("much");
    put(little, "now\n");
    put(much, "now\n");
    little.reset();
    much.reset();
    REQUIRE(init.expect_all_ended());
    auto entries = entries_of(scratch.path / "var", "little");
    REQUIRE(entries.size() == 2);
    CHECK(entries[1].at == entries[0].at);
    entries = entries_of(scratch.path / "var", "much");
    REQUIRE(entries.size() == 3);
    CHECK(files_of(scratch.path / "var", "much").size() == 2);
    CHECK(entries[1].source == Source::init);
    CHECK(entries[1].text.find("behind the last line") != std::string::npos);
    CHECK(entries[2].at < entries[0].at);
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("more units than files kept open, and a file that somebody removes") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.before_run = [] {
        rlimit files{256, 256};
        ::setrlimit(RLIMIT_NOFILE, &files); // an eighth of it: 32 files
    };
    init.start();
    std::vector<Fd> ends;
    std::vector<logs::StreamId> ids(150);
    for (std::size_t i = 0; i < ids.size(); ++i)
        ends.push_back(init.open_stream("unit" + std::to_string(i), Source::out, 0, &ids[i]));
    for (int round = 0; round < 5; ++round) {
        for (std::size_t i = 0; i < ids.size(); ++i)
            put(ends[i], "round " + std::to_string(round) + "\n");
        REQUIRE(init.flush(ids));
    }
    for (std::size_t i = 0; i < ids.size(); ++i)
        REQUIRE(original(entries_of(scratch.path / "var", "unit" + std::to_string(i))) ==
                "round 0\nround 1\nround 2\nround 3\nround 4\n");
    fs::remove_all(scratch.path / "var/unit149");
    put(ends[149], "again\n");
    REQUIRE(init.flush({ids[149]}));
    CHECK(original(entries_of(scratch.path / "var", "unit149")) == "again\n");
    fs::remove_all(scratch.path / "var");
    put(ends[148], "gone\n");
    REQUIRE(init.flush({ids[148]}));
    REQUIRE(wait_until([&] { return fs::exists(scratch.path / "var/unit148/current"); }));
    put(ends[148], "back\n");
    REQUIRE(init.flush({ids[148]}));
    CHECK(original(entries_of(scratch.path / "var", "unit148")).ends_with("back\n"));
    // Beyond its limit of descriptors it refuses, and serves the others.
    std::vector<Fd> more;
    for (int i = 0; i < 150; ++i)
        more.push_back(init.open_stream("more" + std::to_string(i)));
    CHECK(init.expect<logs::Refused>());
    put(ends[0], "fine\n");
    REQUIRE(init.flush({ids[0]}));
    CHECK(init.finish() == logd::exit_done);
}

TEST_CASE("a thousand silent services cost a few hundred bytes each, and no wake-up") {
    Scratch scratch;
    FakeInit init({scratch.path / "var"});
    init.start();
    REQUIRE(init.flush({}));
    auto number = [&](const char* file, const char* key) {
        std::ifstream in("/proc/" + std::to_string(init.pid) + "/" + file);
        for (std::string word; in >> word;)
            if (word == key && in >> word)
                return std::stol(word);
        return -1L;
    };
    const long memory_before = number("smaps_rollup", "Private_Dirty:"), mapped = number("status", "RssFile:");
    std::vector<Fd> ends;
    for (int i = 0; i < 1000; ++i) {
        ends.push_back(init.open_stream("service-" + std::to_string(i), Source::out));
        ends.push_back(init.open_stream("service-" + std::to_string(i), Source::err));
    }
    REQUIRE(init.flush({}));
    const long memory = number("smaps_rollup", "Private_Dirty:") - memory_before;
    MESSAGE(memory << " KiB for 1,000 services");
#if !defined(__SANITIZE_ADDRESS__)
    CHECK(memory < 600);
#endif
    // It has answered, but going to sleep after that is a switch too.
    auto asleep = [&] {
        std::ifstream in("/proc/" + std::to_string(init.pid) + "/status");
        for (std::string word; in >> word;)
            if (word == "State:" && in >> word)
                return word == "S";
        return false;
    };
    // And soon it gives back what of the program was only needed for that.
    REQUIRE(wait_until([&] { return number("status", "RssFile:") < mapped && asleep(); }));
    const long before = number("status", "voluntary_ctxt_switches:");
    ::usleep(1'200'000);
    CHECK(number("status", "voluntary_ctxt_switches:") == before);
    CHECK(init.finish() == logd::exit_done);
}
