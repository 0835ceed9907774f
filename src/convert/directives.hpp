// The table of systemd's directives: what each of them becomes here. The conversion follows it, and miniinit-convert(7) is
// checked against it. A directive that has one equal is one row; nothing else has to be written for it but its line in the
// manual page, which a test asks for.
#pragma once

#include "convert/toml.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace mi::convert {

// How the value of a directive is converted. `low`, `high`, `scale` and `usual` are members of Row.
enum class Form : std::uint8_t {
    // No key: a remark with `why` is made.
    no_equal,             // it is lost; the value `usual` asks for nothing, and is passed over
    no_equal_but_a_value, // it is lost; the value `usual` is not needed, and that is said
    comes_near,
    not_needed,
    names_partner, // it says which units become one here: no remark is made
    step,          // done by a step of its own, because it depends on other directives
    // One key, made by convert_rows().
    text,
    path,
    account,
    flag,                 // written where it is yes
    flag_or_disconnected, // "disconnected" is yes as well
    flag_or_words,        // any list of words is yes, and `why` is said of it
    integer,              // from `low` to `high`
    bytes,                // a size, or "infinity"
    mode,                 // octal, up to `high`
    signal,
    percent,
    weight, // from `low` to `high`, where `scale` is what 100 is here
    words,  // this and the next four are lists
    accounts,
    variables, // names of variables
    environment_files,
    processors,
    limit, // SOFT or SOFT:HARD
    limit_in_bytes,
    limit_in_seconds,
    limit_in_microseconds,
    limit_of_nice,
    // One key, made by the step that the table or key belongs to. `why`: how it differs.
    unit_names,
    condition_path,
    condition_pattern, // a path, where it is no pattern
    condition_directory,
    condition_word,
    condition_capability,
    condition_container,
    condition_flag,
    delay, // a span of time that a timer counts
};

// Whether convert_rows() makes the key.
constexpr bool is_converted_by_row(Form form) { return form >= Form::text && form <= Form::limit_of_nice; }

struct Row {
    std::string_view directives; // with blanks between them: spellings of one thing, or several that are treated alike
    Form form;
    Table table;                 // where the key is, or the remark
    std::string_view key = {};   // ours
    std::string_view why = {};   // how it differs, or why there is no equal
    std::string_view usual = {}; // a value that asks for nothing
    std::int64_t low = 0, high = 0, scale = 0;
};

// The rows of a section, "Service"; none where there is no such section.
[[nodiscard]] std::span<const Row> rows_of(std::string_view section);
// The row of one directive; null: there is none.
[[nodiscard]] const Row* row_of(std::string_view section, std::string_view directive);

} // namespace mi::convert
