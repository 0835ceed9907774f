#include "wire/varlink.hpp"

#include <doctest/doctest.h>

using namespace mi;
using namespace mi::wire;

namespace {

// The message without its NUL.
std::string bare(std::string message) {
    REQUIRE(!message.empty());
    REQUIRE(message.back() == '\0');
    message.pop_back();
    return message;
}

std::string refused(std::string_view message) {
    auto call = parse_call(message);
    if (call)
        return "accepted";
    if (!call.error().error)
        return "not varlink";
    std::string out;
    append_error(out, *call.error().error);
    return bare(out);
}

template <typename R>
R request(std::string_view message) {
    auto call = parse_call(message);
    REQUIRE(call.has_value());
    REQUIRE(call->request.has_value());
    REQUIRE(std::holds_alternative<R>(*call->request));
    return std::get<R>(*call->request);
}

} // namespace

TEST_CASE("messages are cut at their NUL, in whatever pieces they come") {
    const std::string stream("one\0two\0\0three", 14);
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        Framer framer(16);
        std::string seen;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            REQUIRE(framer.append(std::string_view(stream).substr(at, piece)));
            while (auto message = framer.next())
                seen += std::string(*message) + "|";
        }
        CHECK(seen == "one|two||");
        CHECK(framer.held() == 5);
    }
}

TEST_CASE("a message longer than the limit is refused as soon as that is known") {
    Framer framer(8);
    CHECK(framer.append("1234567"));
    CHECK_FALSE(framer.append("8"));
    Framer whole(8);
    CHECK_FALSE(whole.append(std::string("123456789\0", 10)));
    Framer just(8);
    CHECK(just.append(std::string("1234567\0", 8)));
    CHECK(just.next() == "1234567");
}

TEST_CASE("a great message does not keep its memory") {
    Framer framer(1 << 20);
    CHECK(framer.append(std::string(1 << 19, 'x')));
    CHECK(framer.append(std::string(1, '\0')));
    CHECK(framer.next()->size() == 1 << 19);
    CHECK_FALSE(framer.next());
    CHECK(framer.memory() < 100);
}

TEST_CASE("every request comes back from its message as it was") {
    std::string out;
    append_call(out, Start{{{"a", "b\n\"\\\u00e4"}, false}}, true);
    auto call = parse_call(bare(out));
    REQUIRE(call.has_value());
    CHECK(call->more);
    const Start start = std::get<Start>(*call->request);
    CHECK(start.units == std::vector<std::string>{"a", "b\n\"\\\u00e4"});
    CHECK_FALSE(start.wait);

    out.clear();
    append_call(out, Signal{"web", 64, true}, false);
    const Signal signal = request<Signal>(bare(out));
    CHECK(signal.unit == "web");
    CHECK(signal.signal == 64);
    CHECK(signal.all);

    out.clear();
    append_call(out, Shutdown{Ending::halt}, false);
    CHECK(request<Shutdown>(bare(out)).how == Ending::halt);
}

TEST_CASE("flags and optional parameters may be left out, others not") {
    CHECK(request<List>(R"({"method":"org.miniinit.Manager.List"})").all == false);
    CHECK(request<List>(R"({"method":"org.miniinit.Manager.List","parameters":null})").all == false);
    CHECK(request<Start>(R"({"method":"org.miniinit.Manager.Start","parameters":{"units":["x"]}})").wait);
    CHECK(refused(R"({"method":"org.miniinit.Manager.Start","parameters":{}})") ==
          R"({"parameters":{"parameter":"units"},"error":"org.varlink.service.InvalidParameter"})");
    CHECK(refused(R"({"method":"org.miniinit.Manager.Start"})").find("InvalidParameter") != std::string::npos);
    CHECK(refused(R"({"method":"org.miniinit.Manager.Signal","parameters":{"unit":"x"}})").find("\"signal\"") !=
          std::string::npos);
}

TEST_CASE("unknown parameters are passed over") {
    CHECK(
        request<Explain>(R"({"method":"org.miniinit.Manager.Explain","parameters":{"unit":"x","later":[{}]},"new":1})")
            .unit == "x");
}

TEST_CASE("parameters of the wrong kind are named") {
    auto wrong = [](std::string_view parameters) {
        return refused(R"({"method":"org.miniinit.Manager.Signal","parameters":)" + std::string(parameters) + "}");
    };
    CHECK(wrong(R"({"unit":5,"signal":1})").find(R"({"parameter":"unit"})") != std::string::npos);
    CHECK(wrong(R"({"unit":"x","signal":"9"})").find(R"({"parameter":"signal"})") != std::string::npos);
    CHECK(wrong(R"({"unit":"x","signal":4294967296})").find(R"({"parameter":"signal"})") != std::string::npos);
    CHECK(wrong(R"({"unit":"x","signal":18446744073709551615})").find(R"({"parameter":"signal"})") !=
          std::string::npos);
    CHECK(wrong(R"({"unit":"x","signal":1.5})").find(R"({"parameter":"signal"})") != std::string::npos);
    CHECK(wrong(R"({"unit":"x","signal":1,"all":"yes"})").find(R"({"parameter":"all"})") != std::string::npos);
    CHECK(wrong("[]").find(R"({"parameter":"parameters"})") != std::string::npos);
    CHECK(refused(R"({"method":"org.miniinit.Manager.Wait","parameters":{"unit":"x","state":"happy"}})")
              .find(R"({"parameter":"state"})") != std::string::npos);
    CHECK(refused(R"({"method":"org.miniinit.Manager.Start","parameters":{"units":["x",null]}})").find("\"units\"") !=
          std::string::npos);
}

TEST_CASE("what is not Varlink is told from what is wrong Varlink") {
    for (std::string_view nonsense :
         {"", "GET / HTTP/1.1", "{", "[]", "{}", R"({"method":5})", R"({"method":"a.b"} x)", "null"})
        CHECK(refused(nonsense) == "not varlink");
    CHECK(refused(std::string(100, '[')) == "not varlink");
    CHECK(refused("{\"method\":\"a.\xff\"}") == "not varlink");
    CHECK(refused(R"({"method":"List"})") ==
          R"({"parameters":{"interface":"List"},"error":"org.varlink.service.InterfaceNotFound"})");
    CHECK(refused(R"({"method":"io.systemd.Manager.List"})") ==
          R"({"parameters":{"interface":"io.systemd.Manager"},"error":"org.varlink.service.InterfaceNotFound"})");
    CHECK(refused(R"({"method":"org.miniinit.Manager.Explode"})") ==
          R"({"parameters":{"method":"org.miniinit.Manager.Explode"},"error":"org.varlink.service.MethodNotFound"})");
    CHECK(refused(R"({"method":"org.miniinit.Manager.Events"})") ==
          R"({"parameters":{},"error":"org.varlink.service.ExpectedMore"})");
}

TEST_CASE("a service says what it is, by Varlink's own interface") {
    auto info = parse_call(R"({"method":"org.varlink.service.GetInfo","parameters":{}})");
    REQUIRE(info.has_value());
    CHECK_FALSE(info->request);
    CHECK(info->answer.find(R"("interfaces":["org.varlink.service","org.miniinit.Manager","io.systemd.Metrics"])") !=
          std::string::npos);
    auto described = parse_call(
        R"({"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"org.miniinit.Manager"}})");
    REQUIRE(described.has_value());
    CHECK(described->answer.find(
              "method Start(units: []string, wait: ?bool, arm: ?bool) -> (event: ?Event, results: []JobResult)") !=
          std::string::npos);
    CHECK(refused(R"({"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"x.y"}})") ==
          R"({"parameters":{"interface":"x.y"},"error":"org.varlink.service.InterfaceNotFound"})");
    CHECK(refused(R"({"method":"org.varlink.service.Nope"})").find("MethodNotFound") != std::string::npos);
}

TEST_CASE("the interface description defines each type once and names every method and error") {
    const std::string text = interface_description();
    auto count = [&](std::string_view what) {
        std::size_t found = 0;
        for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
            ++found;
        return found;
    };
    for (std::string_view type :
         {"type State (", "type UnitStatus (", "type Exit (", "type Event (", "type Relation ("})
        CHECK(count(type) == 1);
    CHECK(count("\nmethod ") == std::variant_size_v<Request> - 2); // those of io.systemd.Metrics
    const std::string metrics = metrics_description();
    for (std::string_view part : {"interface io.systemd.Metrics\n", "type MetricFamilyType (counter, gauge, string)\n",
                                  "method List() -> (name: string, value: object, object: ?string, fields: "
                                  "?[string]object)\n",
                                  "method Describe() -> (name: string, description: string, type: MetricFamilyType)\n"})
        CHECK(metrics.find(part) != std::string::npos);
    CHECK(count("\nerror ") == 8);
    CHECK(
        count(
            "type State (down, waiting, starting, up, reloading, stopping, backoff, done, skipped, failed, invalid)") ==
        1);
    // Varlink's field names and enumerators have no hyphens, and underscores only between letters.
    for (std::size_t line = 0, end; line < text.size(); line = end + 1) {
        end = text.find('\n', line);
        const std::string_view one = std::string_view(text).substr(line, end - line);
        if (one.starts_with('#'))
            continue;
        for (std::size_t i = 0; i + 1 < one.size(); ++i)
            CHECK_MESSAGE(!(one[i] == '-' && one[i + 1] != '>'), one);
    }
}

TEST_CASE("a reply comes back from its message as it was") {
    UnitStatus unit;
    unit.name = "web";
    unit.state = core::Phase::backoff;
    unit.stage = core::Stage::pre_start;
    unit.reason = "it exited with code 1";
    unit.last_exit = told(core::ExitStatus::signal(11, true));
    unit.left_ms = 1500;
    unit.dependencies = Dependencies{{"db"}, {}, {}, {}, {}, {}, {}, {"multi-user"}};
    std::string out;
    append_reply(out, Units{{unit, UnitStatus{}}}, true);
    auto answer = read_answer<Units>(bare(out));
    REQUIRE(answer.has_value());
    CHECK(answer->continues);
    REQUIRE(answer->value.units.size() == 2);
    CHECK(json_of(answer->value.units[0]) == json_of(unit));
    CHECK(answer->value.units[0].last_exit->text == "signal SIGSEGV, core dumped");
    CHECK_FALSE(answer->value.units[1].dependencies.has_value());
}

TEST_CASE("an error comes back with its parameters, an unknown one with its name") {
    std::string out;
    append_error(out, NoSuchUnit{"wbe", "web"});
    auto answer = read_answer<Units>(bare(out));
    REQUIRE(!answer.has_value());
    CHECK(answer.error().name == "org.miniinit.Manager.NoSuchUnit");
    REQUIRE(answer.error().known.has_value());
    CHECK(std::get<NoSuchUnit>(*answer.error().known).nearest == "web");
    auto other = read_answer<Units>(R"({"error":"com.example.Strange","parameters":{}})");
    REQUIRE(!other.has_value());
    CHECK(other.error().name == "com.example.Strange");
    CHECK_FALSE(other.error().known.has_value());
    CHECK(read_answer<Units>("rubbish").error().name.empty());
}

TEST_CASE("a reply of a later version, with words and fields of its own, is still read") {
    auto answer = read_answer<Units>(R"({"parameters":{"units":[{"name":"a","state":"hibernating","colour":"red"}]}})");
    REQUIRE(answer.has_value());
    CHECK(answer->value.units[0].name == "a");
    CHECK(answer->value.units[0].state == core::Phase::down);
}

TEST_CASE("text that is not UTF-8 is still sent as JSON") {
    UnitStatus unit;
    unit.status_text = "a\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf\xe2\x82\x01\x7f";
    std::string out;
    append_reply(out, UnitReply{unit}, false);
    auto answer = read_answer<UnitReply>(bare(out));
    REQUIRE(answer.has_value());
    const std::string text = *answer->value.unit.status_text;
    CHECK(text.starts_with("a\ufffd\ufffd("));
    CHECK(text.ends_with("\x01\x7f"));
}

TEST_CASE("a printed status has every field, absent ones as null") {
    const std::string text = json_of(UnitStatus{});
    CHECK(text.starts_with(R"({"name":"","kind":"service","description":"","state":"down","stage":null,)"));
    CHECK(text.find(R"("main_pid":null)") != std::string::npos);
    CHECK(text.find(R"("dependencies":null)") != std::string::npos);
}

TEST_CASE("every enumerator has a word of its own that Varlink accepts") {
    auto check = []<typename E>(E) {
        for (unsigned i = 0; i < Words<E>::count; ++i) {
            const std::string_view text = word(static_cast<E>(i));
            E back{};
            CHECK(from_word(text, back));
            CHECK(static_cast<unsigned>(back) == i);
            CHECK(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
        }
    };
    check(core::Phase{});
    check(core::Stage{});
    check(core::Role{});
    check(core::Reason{});
    check(core::Relation{});
    check(Mode{});
}

// A word that a program compares is never another one. New ones come at the end.
TEST_CASE("the words that are told to programs are these") {
    auto words = []<typename E>(E) {
        std::string all;
        for (unsigned i = 0; i < Words<E>::count; ++i)
            all.append(i == 0 ? "" : " ").append(word(static_cast<E>(i)));
        return all;
    };
    CHECK(
        words(core::Reason{}) ==
        "none asked unneeded dependency_failed dependency_stopped conflict condition spawn_failed exited start_timeout "
        "stop_timeout pre_start_failed post_start_failed protocol restart_limit restarting watchdog leaving "
        "trigger_limit shutdown file sockets_failed conditions_unknown unhealthy await_timeout await_lost "
        "whole_stopped");
    CHECK(words(core::Health{}) == "none starting healthy unhealthy");
    CHECK(words(core::ExitStatus::Kind{}) == "none code signal");
    CHECK(words(core::Phase{}) == "down waiting starting up reloading stopping backoff done skipped failed invalid");
    CHECK(words(core::Stage{}) ==
          "none conditions sockets idle pre_start main pid_file health post_start stop terminate "
          "kill sweep post_stop last_sweep");
    CHECK(words(core::Role{}) == "none pre_start main post_start reload stop post_stop connection probe");
    CHECK(words(core::Kind{}) == "service target");
    CHECK(words(core::Relation{}) == "requires wants milestones after before conflicts required_by wanted_by "
                                     "on_failure on_success part_of reload_with");
    CHECK(words(JobOutcome{}) == "reached failed superseded reload_failed gone");
    CHECK(words(EventKind{}) == "state status manager health");
    CHECK(words(ManagerState{}) == "starting running degraded stopping caretaker");
    CHECK(words(Mode{}) == "system container user");
    CHECK(words(Ending{}) == "poweroff reboot halt kexec");
}

TEST_CASE("what a terminal obeys is escaped in JSON, and has the same value when it is read again") {
    const std::string text = "a\x1b[2J\x7f\u0080\u009b\u202e\u2066\t\n\"\\ Gr\xc3\xbc\xc3\x9f"
                             "e \U000e0041";
    std::string encoded;
    append_call(encoded, Explain{text}, false);
    for (char letter : bare(encoded))
        CHECK((static_cast<unsigned char>(letter) >= 0x20 && letter != 0x7f));
    CHECK(encoded.find("\\u007f\\u0080\\u009b\\u202e\\u2066") != std::string::npos);
    CHECK(encoded.find("\xc2\x80") == std::string::npos);
    CHECK(encoded.find("Gr\xc3\xbc\xc3\x9f"
                       "e") != std::string::npos);
    CHECK(request<Explain>(bare(encoded)).unit == text);
}

TEST_CASE("a reply that is written piece by piece is the same bytes as one that is written at once") {
    wire::Branches branches{{"a", "b"}, {{"a", core::Phase::up, {}, {}}, {"b", core::Phase::down, {}, {}}}};
    std::string whole, pieces;
    wire::append_reply(whole, branches, false);
    pieces = wire::list_head(wire::Branches{branches.roots, {}});
    wire::append_element(pieces, branches.nodes[0]);
    pieces += ',';
    wire::append_element(pieces, branches.nodes[1]);
    pieces += std::string("]}}\0", 4);
    CHECK(pieces == whole);
}
