// The table of systemd's directives: what each of them becomes here. The conversion follows it, and miniinit-convert(7) is
// checked against it. A directive that has one equal is one row; nothing else has to be written for it but its line in the
// manual page, which a test asks for.
#pragma once

#include "convert/toml.hpp"

#include <cstddef>
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
    // Done by a step of its own, because it depends on other directives. `why` is for the manual page alone.
    step,
    // One key, made by convert_rows(). `why` is for the manual page alone.
    text,
    words,                // a list, with specifiers resolved
    flag,                 // written where it is yes
    flag_or_disconnected, // "disconnected" is yes as well
    flag_or_words,        // any list of words is yes, which comes near
    integer,              // from `low` to `high`
    mode,                 // octal, up to `high`
    bytes,                // a size, or "infinity"
    percent,
    weight, // from `low` to `high`, where `scale` is what 100 is here
    signal,
    account,
    accounts,
    variables, // names of variables
    environment_files,
    path,
    processors,
    limit, // SOFT or SOFT:HARD
    limit_in_bytes,
    limit_in_seconds,
    limit_in_microseconds,
    limit_of_nice,
    // One key, made by the step that the table or key belongs to. `why` is how it differs, and is said.
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
    std::string_view section;    // "Service"
    std::string_view directives; // with blanks between them: spellings of one thing, or several that are treated alike
    Form form;
    Table table;               // where the key is, or the remark
    std::string_view keys;     // ours, with blanks between them
    std::string_view why = {}; // how it differs, or why there is no equal
    std::string_view usual = {};
    std::int64_t low = 0, high = 0, scale = 0;
};

[[nodiscard]] std::span<const Row> rows();
// The row of one directive; null: there is none.
[[nodiscard]] const Row* row_of(std::string_view section, std::string_view directive);
// Where a key stands among the others of its table: in the order of the rows.
[[nodiscard]] std::size_t rank_of(Table table, std::string_view key);

} // namespace mi::convert
