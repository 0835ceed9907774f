// The numbers in messages between PID 1 and the log collector, and in the collector's shared memory. The two programs
// may have different versions: a running collector continues when PID 1 restarts after a crash, and the program on the
// disk may have been replaced by then. See wire/numbers.hpp for the rules.
#pragma once

#include "wire/log_protocol.hpp"
#include "wire/numbers.hpp"

#include <cstdint>

namespace mi::wire {

// A stream with an unknown source cannot be read: see LogLink::go_on() and Collector::attach().
template <>
struct Numbers<logs::Source> {
    using enum logs::Source;
    static constexpr std::string_view name = "source";
    static constexpr logs::Source fallback = out; // only for the pipe of a service: its bytes are lines in any case
    static constexpr Numbered<logs::Source> rows[] = {{out, 0},    {err, 1},    {init, 2},
                                                      {syslog, 3}, {kernel, 4}, {health, 5}};
};

template <>
struct Numbers<logs::ConsoleFormat> {
    using enum logs::ConsoleFormat;
    static constexpr std::string_view name = "console format";
    static constexpr logs::ConsoleFormat fallback = brief; // is read by people in any case
    static constexpr Numbered<logs::ConsoleFormat> rows[] = {{brief, 0}, {iso, 1}, {json, 2}};
};

// The numbers of syslog(3).
template <>
struct Numbers<logs::Priority> {
    using enum logs::Priority;
    static constexpr std::string_view name = "priority";
    static constexpr logs::Priority fallback = debug; // as the level of a unit: keeps everything
    static constexpr Numbered<logs::Priority> rows[] = {{emerg, 0},   {alert, 1},  {crit, 2}, {err, 3},
                                                        {warning, 4}, {notice, 5}, {info, 6}, {debug, 7}};
};

} // namespace mi::wire

namespace mi::wire::logs {

// The first byte of a message in either direction: its kind.
template <typename Message>
constexpr std::uint8_t message_number = Message::has_no_number; // a new message needs its number below

template <>
inline constexpr std::uint8_t message_number<Configure> = 0;
template <>
inline constexpr std::uint8_t message_number<Attach> = 1;
template <>
inline constexpr std::uint8_t message_number<Flush> = 2;
// 3 was Forget and is not used again.
template <>
inline constexpr std::uint8_t message_number<TryStorage> = 4;
template <>
inline constexpr std::uint8_t message_number<Finish> = 5;
template <>
inline constexpr std::uint8_t message_number<Ping> = 6;

template <>
inline constexpr std::uint8_t message_number<Expect> = 7;

template <>
inline constexpr std::uint8_t message_number<Hello> = 0;
template <>
inline constexpr std::uint8_t message_number<Ended> = 1;
template <>
inline constexpr std::uint8_t message_number<Refused> = 2;
template <>
inline constexpr std::uint8_t message_number<Flushed> = 3;
template <>
inline constexpr std::uint8_t message_number<StorageIs> = 4;
template <>
inline constexpr std::uint8_t message_number<Dropped> = 5;
template <>
inline constexpr std::uint8_t message_number<Trouble> = 6;
template <>
inline constexpr std::uint8_t message_number<Pong> = 7;
template <>
inline constexpr std::uint8_t message_number<Said> = 8;
template <>
inline constexpr std::uint8_t message_number<Counts> = 9;

} // namespace mi::wire::logs
