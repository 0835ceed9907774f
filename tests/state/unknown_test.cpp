// State of a later version: what this one does not know is dropped, or counts as what changes the least, and is said.
#include "state/later.hpp"
#include "state/snapshot.hpp"

#include <doctest/doctest.h>

using namespace mi;
using namespace mi::state;
using core::Phase;
using core::Role;
using core::Stage;

namespace {

// An enumeration of a later version is one of ours with an enumerator whose number we do not know.
constexpr char later = Later::number;

// What is read of an item in which the only byte `mark` was replaced by a later number.
Snapshot with_later(std::string frame, char mark) {
    const std::size_t at = frame.find(mark);
    REQUIRE(at != frame.npos);
    REQUIRE(frame.find(mark, at + 1) == frame.npos);
    frame[at] = later;
    auto state = fold({frame});
    REQUIRE(state);
    return *state;
}

// The record of a unit whose saved phase is of a later version.
core::Record with_later_phase(core::Record record) {
    record.phase = Phase::up;
    std::string base;
    put_item(base, Tag::unit, UnitImage{.id = 1, .name = "web", .record = record});
    auto state = fold({Later().frame(base, true)});
    REQUIRE(state);
    return state->units.at(1).record;
}

// And of one whose saved stage is.
core::Record with_later_stage(core::Record record) {
    record.stage = Stage::last_sweep;
    std::string frame;
    put_item(frame, Tag::unit, UnitImage{.id = 1, .name = "web", .record = record});
    return with_later(frame, static_cast<char>(wire::number_of(Stage::last_sweep))).units.at(1).record;
}

bool said(const Snapshot& state, std::string_view words) {
    for (const std::string& sentence : state.dropped)
        if (sentence.find(words) != sentence.npos)
            return true;
    return false;
}

enum class Weather : std::uint8_t { dry, rain, snow };

} // namespace

template <>
struct mi::wire::Numbers<Weather> {
    using enum Weather;
    static constexpr std::string_view name = "weather";
    static constexpr std::array<std::uint8_t, 1> retired{2};
    static constexpr Numbered<Weather> rows[] = {{dry, 0}, {snow, 5}, {rain, 1}};
};

TEST_CASE("an enumerator has the number of its table, wherever it stands in the enumeration") {
    CHECK(wire::number_of(Weather::snow) == 5);
    CHECK(wire::enumerator_of<Weather>(5) == Weather::snow);
    CHECK(wire::enumerator_of<Weather>(2) == wire::unknown<Weather>);
    CHECK(wire::enumerator_of<Weather>(1000) == wire::unknown<Weather>);
}

TEST_CASE("an effect of a later version is dropped, and the end of the machine is not what it becomes") {
    std::string frame;
    put_item(frame, Tag::unit, UnitImage{.id = 3, .name = "web"});
    put_item(frame, Tag::effect, EffectImage{.kind = core::Effect::Kind::halt, .unit = 3});
    Snapshot state = with_later(frame, static_cast<char>(wire::number_of(core::Effect::Kind::halt)));
    CHECK(state.effects.empty());
    CHECK(said(state, "web: something that was to be done for it"));
}

TEST_CASE("what is done of the effects is counted with those that are dropped") {
    std::string base, rest;
    for (std::int32_t number : {1, 2, 3})
        put_item(base, Tag::effect, EffectImage{.unit = 3, .number = number});
    put_item(rest, Tag::done, DoneImage{1, 0});
    Later writer;
    const std::string first = writer.frame(base, true), second = writer.frame(rest, false);
    auto state = fold({first, second});
    REQUIRE(state);
    REQUIRE(state->effects.size() == 2);
    CHECK(state->effects[0].number == 2);
    auto before = fold({first});
    REQUIRE(before);
    CHECK(before->effects.size() == 3);
    CHECK(said(*before, "to be done"));
}

TEST_CASE("one more effect, phase, tag and field: the rest is read as it was") {
    std::string base;
    put_item(base, Tag::manager, ManagerImage{.target = "multi-user", .control = 9});
    UnitImage unit{.id = 3, .name = "web", .status = "serving"};
    unit.record.phase = Phase::up;
    unit.record.main_pid = 42;
    unit.sessions = {42};
    put_item(base, Tag::unit, unit);
    put_item(base, Tag::process, ProcessImage{.pid = 42, .unit = 3, .role = Role::main});
    put_item(base, Tag::stream, StreamImage{.id = 7, .fd = 20, .unit = "web"});
    const std::string frame = Later().frame(base, true);
    auto state = fold({frame});
    REQUIRE(state);
    CHECK(state->manager.target == "multi-user");
    CHECK(state->units.at(3).record == unit.record);
    CHECK(state->units.at(3).status == "serving");
    CHECK(state->processes.at(42).role == Role::main);
    CHECK(state->streams.at(7).fd == 20);
    CHECK(state->effects.empty());
    CHECK(said(*state, "web: its phase is of a later version; by its processes it counts as up"));
    CHECK(said(*state, "of kind 77"));
}

TEST_CASE("an unknown phase counts as what the processes of the unit say") {
    CHECK(with_later_phase({.main_pid = 42}).phase == Phase::up);
    CHECK(with_later_phase({.main_pid = 42, .deadline = Instant{}}).deadline == never);
    CHECK(with_later_phase({.main_pid = core::pid_pending}).phase == Phase::starting);
    CHECK(with_later_phase({.main_pid = core::pid_pending}).stage == Stage::main);
    CHECK(with_later_phase({.hook = Role::stop, .main_pid = 42, .hook_pid = 43}).phase == Phase::stopping);
    CHECK(with_later_phase({.hook = Role::pre_start, .hook_pid = 43}).stage == Stage::pre_start);
    CHECK(with_later_phase({.armed = true}).stage == Stage::idle);
    CHECK(with_later_phase({.own_end = core::OwnEnd::failure}).phase == Phase::waiting);
    CHECK(with_later_phase({.own_end = core::OwnEnd::success, .next = core::Next::rest}).phase == Phase::down);
    CHECK(with_later_phase({.next = core::Next::restart}).phase == Phase::waiting);
    CHECK(with_later_phase({.came_up = true}).phase == Phase::up);
    CHECK(with_later_phase({.came_up = true, .last_exit = core::ExitStatus::code(0)}).phase == Phase::done);
    CHECK(with_later_phase({}).phase == Phase::down);
}

TEST_CASE("what does not go with the phase that a unit counts as in is dropped") {
    const core::Record thawed = with_later_phase(
        {.hook = Role::stop, .next = core::Next::keep, .frozen = true, .main_pid = 42, .hook_pid = 43});
    CHECK(thawed.phase == Phase::stopping);
    CHECK_FALSE(thawed.frozen);
    CHECK(thawed.next == core::Next::as_wanted);
    CHECK(with_later_phase({.next = core::Next::rest, .main_pid = 42}).next == core::Next::as_wanted);
    CHECK(with_later_phase({.frozen = true, .main_pid = 42}).frozen);
}

TEST_CASE("an unknown stage leads to where the unit cannot wait for ever") {
    CHECK(with_later_stage({.phase = Phase::starting, .main_pid = 42}).stage == Stage::main);
    CHECK(with_later_stage({.phase = Phase::starting}).phase == Phase::waiting);
    const core::Record stopping = with_later_stage({.phase = Phase::stopping, .main_pid = 42});
    CHECK(stopping.phase == Phase::stopping);
    CHECK(stopping.stage == Stage::stop);
    CHECK(stopping.deadline == Instant{});
    CHECK(with_later_stage({.phase = Phase::up, .main_pid = 42}).stage == Stage::none);
}

TEST_CASE("an unknown request leaves a unit as it is") {
    for (auto [phase, asked] :
         {std::pair{Phase::up, core::Asked::up}, std::pair{Phase::failed, core::Asked::nothing}}) {
        std::string frame;
        // Of the record, the second byte is the request: behind the phase.
        put_item(frame, Tag::unit, UnitImage{.id = 1, .name = "w", .record = core::Record{.phase = phase}});
        frame[frame.find('w') + 3] = later;
        auto state = fold({frame});
        REQUIRE(state);
        CHECK(state->units.at(1).record.phase == phase);
        CHECK(state->units.at(1).record.asked == asked);
    }
}

TEST_CASE("a way down of a later version is gone on with only as far as it is known to be one") {
    using Halt = core::Engine::Halt;
    auto manager = [](core::Ending ending, Halt halt, bool ending_is_later, bool halt_is_later) {
        std::string frame;
        ManagerImage image{.ending = ending, .halt = halt};
        put_item(frame, Tag::manager, image);
        // Three texts and lists, and three moments, all empty, are before the ending; two numbers are before the halt.
        const std::size_t start = 1 + (static_cast<unsigned char>(frame[1]) >= 0x80 ? 2 : 1);
        if (ending_is_later)
            frame[start + 6] = later;
        if (halt_is_later)
            frame[start + 9] = later;
        auto state = fold({frame});
        REQUIRE(state);
        return std::pair{state->manager.ending, state->manager.halt};
    };
    using core::Ending;
    CHECK(manager(Ending::poweroff, Halt::last, false, false) == std::pair{Ending::poweroff, Halt::last});
    CHECK(manager(Ending::poweroff, Halt::last, false, true) == std::pair{Ending::poweroff, Halt::stopping});
    CHECK(manager(Ending::none, Halt::last, false, true) == std::pair{Ending::none, Halt::no});
    CHECK(manager(Ending::kexec, Halt::stopping, true, false) == std::pair{Ending::reboot, Halt::stopping});
    CHECK(manager(Ending::kexec, Halt::no, true, true) == std::pair{Ending::none, Halt::no});
}

TEST_CASE("of what cannot be understood nothing is left: processes, sources, exits, clients") {
    std::string frame;
    UnitImage unit{.id = 3, .name = "web"};
    unit.record.main_pid = 42;
    put_item(frame, Tag::unit, unit);
    auto put_later = [&](Tag tag, const auto& image, char mark) {
        std::string item;
        put_item(item, tag, image);
        const std::size_t at = item.find(mark, 2);
        REQUIRE(at != item.npos);
        item[at] = later;
        frame += item;
    };
    put_later(Tag::process, ProcessImage{.pid = 50, .unit = 3, .role = Role::connection}, 7);
    put_later(Tag::process, ProcessImage{.pid = 42, .unit = 3, .role = Role::connection, .out = 11}, 7);
    put_later(Tag::stream, StreamImage{.id = 11, .fd = 20, .unit = "web", .source = wire::logs::Source::kernel}, 4);
    put_later(Tag::stream, StreamImage{.id = 12, .fd = 21, .unit = "web", .source = wire::logs::Source::kernel}, 4);
    put_later(Tag::client, ClientImage{.fd = 30, .open = true, .call = 5, .goal = Goal::switch_root}, 9);
    put_later(Tag::exit, ExitImage{.pid = 60, .kind = core::ExitStatus::Kind::signal}, 2);
    auto state = fold({frame});
    REQUIRE(state);
    CHECK_FALSE(state->processes.contains(50));
    CHECK(state->processes.at(42).role == Role::main);              // its number says it
    CHECK(state->streams.at(11).source == wire::logs::Source::out); // a pipe of a process
    CHECK_FALSE(state->streams.contains(12));
    CHECK(state->clients.at(30).asks_unknown);
    CHECK(state->exits.empty());
}
