// A line that somebody waits for.
#include "logd/expectation.hpp"
#include "logd/harness.hpp"
#include "logd/shared.hpp"

using namespace mi;
using namespace mi::logd;
using namespace mi::logd::test;

namespace {

const std::string half(30'000, 'x');

// The texts of one stream, each with what the text before left of an unfinished line.
bool matches(const std::string& pattern, const std::vector<std::string>& texts, bool in_pieces = false) {
    Expectation expectation(pattern);
    std::string before;
    for (const std::string& text : texts) {
        if (expectation.look(text, false, in_pieces, before))
            return true;
        const std::string rest = text.substr(text.rfind('\n') + 1);
        in_pieces = rest.size() > logs::longest_text || (in_pieces && rest.size() == text.size());
        if (rest.size() > logs::longest_text)
            before = rest.substr(logs::longest_text - overlap, overlap);
    }
    return false;
}

} // namespace

TEST_CASE("whole lines are matched, without their priority") {
    CHECK(matches("^ready$", {"no\nready\n"}));
    CHECK(matches("^ready$", {"<5>ready\n"}));
    CHECK_FALSE(matches("^ready$", {"not ready\nready now\n"}));
    CHECK_FALSE(matches("ready", {"ready"})); // the rest of the line may be to come
    CHECK(matches("ready", {"rea", "ready\n"}));
    CHECK(matches("b", {std::string("a\0b\n", 4)}));
    Expectation last("ready");
    CHECK(last.look("ready", true, false, {}));
    CHECK(last.line == "ready");
}

TEST_CASE("a line that is written in pieces is matched over their bounds") {
    CHECK(matches("ready", {half + half + "rea"}) == false);
    const std::string carried = (half + half).substr(48 * 1024) + "rea";
    CHECK(matches("x+ready$", {half + half + "rea", carried + "dy\n"}));
    std::string at_the_bound(48 * 1024 - 2, 'x');
    CHECK(matches("ready", {at_the_bound + "ready and more", "ady and more\n"}));
    CHECK(matches("ready", {at_the_bound + "rea", "ady\n"}));
    CHECK_FALSE(matches("^ready", {at_the_bound + "xxxxx", "ready\n"}));
    CHECK_FALSE(matches("^dy", {"dy\n"}, true)); // it was begun before
    CHECK(matches("dy$", {"dy\n"}, true));
}

TEST_CASE("the last line of what a probe has printed") {
    CHECK(last_line("one\ntwo\n") == "two");
    CHECK(last_line("one\ntwo") == "two");
    CHECK(last_line("").empty());
}

TEST_CASE("the collector tells of the line, once, and again where another collector is asked") {
    Scratch scratch;
    FakeInit init({(scratch.path / "log").string()});
    init.start();
    logs::StreamId id = 0;
    Fd end = init.open_stream("web", logs::Source::out, 0, &id);
    init.send(logs::Expect{id, "^ready$"});
    CHECK(::write(end.get(), "not yet\nrea", 11) == 11);
    REQUIRE(init.flush({}));
    init.kill_collector();
    init.start();
    init.send(logs::Expect{id, "^(not )?ready$"});
    CHECK(::write(end.get(), "dy\nready\n", 9) == 9);
    auto said = init.expect<logs::Said>();
    REQUIRE(said);
    CHECK(said->stream == id);
    CHECK(said->text == "ready");
    init.kill_collector(); // PID 1 may not have heard it
    init.start();
    init.send(logs::Expect{id, "^ready$"});
    said = init.expect<logs::Said>();
    REQUIRE(said);
    CHECK(said->stream == id);
}

TEST_CASE("a line that is longer than a piece matches over its bounds, though the collector was killed there") {
    for (const std::string& text :
         {std::string(48 * 1024 - 2, 'x') + "ready", std::string(48 * 1024 - 4, 'x') + "\u00e4\u20acready"}) {
        for (const std::size_t cut : {std::size_t{48 * 1024 + 1}, text.size() - 1, text.size()}) {
            Scratch scratch;
            FakeInit init({(scratch.path / "log").string()});
            init.start();
            logs::StreamId id = 0;
            Fd end = init.open_stream("web", logs::Source::out, 0, &id);
            init.send(logs::Expect{id, "(x|\u00e4\u20ac)ready$"});
            for (std::size_t done = 0; done < cut;) { // in two writes, as the pipe may be small
                const ssize_t n = ::write(end.get(), text.data() + done, std::min<std::size_t>(cut - done, 32 * 1024));
                REQUIRE(n > 0);
                done += static_cast<std::size_t>(n);
                REQUIRE(init.flush({}));
            }
            init.kill_collector();
            init.start();
            init.send(logs::Expect{id, "(x|\u00e4\u20ac)ready$"});
            const std::string rest = text.substr(cut) + "\n";
            CHECK(::write(end.get(), rest.data(), rest.size()) == static_cast<ssize_t>(rest.size()));
            auto said = init.expect<logs::Said>();
            REQUIRE(said);
            CHECK(said->stream == id);
        }
    }
}
