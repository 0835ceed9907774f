// The table of systemd's directives and their equals here. The conversion follows the table, and a test compares it
// with miniinit-convert(7). To convert a directive that has one equal, add one row; the test then prints the item that
// the manual page lacks. The meaning of the directives is in systemd.unit(5), systemd.service(5), systemd.exec(5),
// systemd.kill(5), systemd.resource-control(5), systemd.socket(5) and systemd.timer(5).
#pragma once

#include "convert/toml.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace mi::convert {

// How the value of a directive is converted. `low`, `high`, `scale`, `usual` and `why` are members of Row.
enum class Form : std::uint8_t {
    // These make no key, but a remark with the words of `why`.
    no_equal,             // lost; the value `usual` changes nothing, and needs no remark
    no_equal_but_a_value, // lost; with the value `usual`, the remark is that it is not needed
    comes_near,
    not_needed,
    names_partner, // it names a unit that becomes part of this one; no remark
    step,          // a step in another file converts it, because it depends on other directives
    // These make one key. convert_rows() does it.
    text,
    path,
    account,
    flag,                 // the key is written if the value is yes
    flag_or_disconnected, // the same; "disconnected" counts as yes
    flag_or_words,        // the same; a list of words counts as yes, with a remark
    integer,              // from `low` to `high`
    bytes,                // a size in bytes or with a unit, or "infinity"
    mode,                 // octal, up to `high`
    signal,
    percent,
    weight, // from `low` to `high`; `scale` is the value that is 100 here
    words,  // this one and the next four are lists
    accounts,
    variables, // names of variables
    environment_files,
    processors,
    limit, // SOFT or SOFT:HARD, a number
    limit_in_bytes,
    limit_in_seconds,
    limit_in_microseconds,
    limit_of_nice,
    // These make one key, too, in the step of relations, conditions or timers. `why` says how the key differs.
    unit_names,
    condition_path,
    condition_pattern, // a path without wildcards
    condition_directory,
    condition_word,
    condition_capability,
    condition_container,
    condition_flag,
    delay, // the span of time after which a timer runs
};

// True if convert_rows() makes the key.
constexpr bool is_converted_by_row(Form form) { return form >= Form::text && form <= Form::limit_of_nice; }

struct Row {
    std::string_view directives; // one or several directives that are treated alike, separated by blanks
    Form form;
    Table table;                 // the table of the key, or of the remark
    std::string_view key = {};   // our key; `a.b` is the member `b` of the inline table `a`
    std::string_view why = {};   // the difference, or the reason why there is no equal
    std::string_view usual = {}; // a value for which no key is written
    std::int32_t low = 0, high = 0, scale = 0;
};

// The rows of a section such as "Service"; none if there is no such section.
[[nodiscard]] std::span<const Row> rows_of(std::string_view section);
// The row of one directive; null if there is none.
[[nodiscard]] const Row* row_of(std::string_view section, std::string_view directive);

} // namespace mi::convert
