// The numbers on the socket between PID 1 and the log collector, and in the collector's shared memory. The two may be of
// different versions: a collector that runs is left alone when PID 1 goes on after a crash, and the program on the disk may
// be another one by then. See wire/numbers.hpp for the rules.
#pragma once

#include "wire/log_protocol.hpp"
#include "wire/numbers.hpp"

#include <cstdint>

namespace mi::wire {

// A stream without a source that is known is one that we cannot read: see LogLink::go_on() and Collector::attach().
template <>
struct Numbers<logs::Source> {
    using enum logs::Source;
    static constexpr std::string_view name = "source";
    static constexpr logs::Source fallback = out; // of a pipe of a service, and only there: lines are lines
    static constexpr Numbered<logs::Source> rows[] = {{out, 0}, {err, 1}, {init, 2}, {syslog, 3}, {kernel, 4}};
};

// syslog(3) gives these numbers.
template <>
struct Numbers<logs::Priority> {
    using enum logs::Priority;
    static constexpr std::string_view name = "priority";
    static constexpr logs::Priority fallback = debug; // as a level: everything is kept
    static constexpr Numbered<logs::Priority> rows[] = {{emerg, 0},   {alert, 1},  {crit, 2}, {err, 3},
                                                        {warning, 4}, {notice, 5}, {info, 6}, {debug, 7}};
};

} // namespace mi::wire

namespace mi::wire::logs {

// The first byte of a message: its kind, in either direction.
template <typename Message>
constexpr std::uint8_t message_number = Message::has_no_number; // give it one here

template <>
inline constexpr std::uint8_t message_number<Configure> = 0;
template <>
inline constexpr std::uint8_t message_number<Attach> = 1;
template <>
inline constexpr std::uint8_t message_number<Flush> = 2;
// 3 was Forget: it is not given again.
template <>
inline constexpr std::uint8_t message_number<TryStorage> = 4;
template <>
inline constexpr std::uint8_t message_number<Finish> = 5;
template <>
inline constexpr std::uint8_t message_number<Ping> = 6;

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

} // namespace mi::wire::logs
