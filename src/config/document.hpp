// A TOML text as a tree with the place of everything in it. The reader works on this tree, so that only document.cpp
// sees toml++. This file also merges drop-ins and fills in ${name}; keys.hpp gives keys their meaning.
#pragma once

#include "base/hash.hpp"
#include "config/load.hpp"
#include "config/problem.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mi::config {

// A place: the index of a file in Reading, line and column from 1; line 0: the file as a whole.
struct Place {
    std::uint16_t file = 0;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

// A value, with its key if it is in a table.
struct Node {
    enum class Kind : std::uint8_t { text, integer, real, boolean, date, array, table };
    Kind kind = Kind::table;
    bool truth = false;   // boolean
    bool in_line = false; // a table in braces
    Place place;          // of the value; of the header for a table
    Place key_place;
    std::int64_t integer = 0;
    double real = 0;
    std::string key;
    std::string text;        // text; a date as it was written
    std::vector<Node> items; // of an array in order, or of a table in any order

    [[nodiscard]] const Node* find(std::string_view name) const;
    [[nodiscard]] bool is_table_array() const; // [[…]]: not empty, and every item a table
};

// [] or "": the key is present but has no content.
[[nodiscard]] bool is_empty(const Node& node);

// The problems of the files of one unit, or of one bundle, and the texts to quote from.
class Reading {
public:
    // Problems quote from the text when they are reported, so `text` must exist as long as the Reading is used.
    std::uint16_t add_file(std::string path, std::string_view text);
    void error(Place place, std::string message, std::string suggestion = {});
    void warning(Place place, std::string message, std::string suggestion = {});

    // Sorted by file (in the order of addition) and place.
    [[nodiscard]] std::vector<Problem> take_problems();
    [[nodiscard]] bool failed() const { return failed_; }
    // There are so many problems that no more are collected: this file is not meant for us.
    [[nodiscard]] bool full() const { return found_.size() >= most_problems; }
    // The first error, from which `Unit::fault` is made. Only valid after failed().
    [[nodiscard]] const Problem& first_error();
    [[nodiscard]] const std::string& path(std::uint16_t file) const { return files_[file].path; }

    // A syntax error has removed part of the text: a missing key may have been there.
    bool incomplete = false;

private:
    static constexpr std::size_t most_problems = 100;
    struct File {
        std::string path;
        std::string_view text;
    };
    struct Found {
        Place place;
        std::size_t number; // order of discovery
        Problem problem;
    };
    void report(Place place, Severity severity, std::string&& message, std::string&& suggestion);
    void sort();

    std::vector<File> files_;
    std::vector<Found> found_;
    bool failed_ = false;
};

// The tree of `text`, file number `file` of `reading`. Reports every syntax error; the tree has the content of the
// other lines.
[[nodiscard]] Node parse_document(Reading& reading, std::uint16_t file, std::string_view text);
// The same with the TOML library alone, which knows the whole language; parse_document() uses it only for text that is
// not plain.
[[nodiscard]] Node parse_whole_toml(Reading& reading, std::uint16_t file, std::string_view text);

// Merges `over` into `base`, key by key: tables merge, but an inline {} empties the table; arrays and scalars replace.
// Arrays of tables append, but an item with the `name` of an earlier one merges into it.
void merge(Node& base, Node&& over);

// Replaces `${name}`, `${instance}` and `${instance-path}` (the instance with a '/' for each '-') in every string below
// `node`; `$${name}` means a literal `${name}`. If `instance` is empty, only ${name} is replaced. Any other ${…} stays,
// because a shell may use it.
void expand(Node& node, std::string_view name, std::string_view instance);

// The node as TOML on one line, as `minictl show` prints it.
[[nodiscard]] std::string toml_text(const Node& node);

// A hash of the node's content without its places.
[[nodiscard]] std::uint64_t digest(const Node& node, std::uint64_t seed = fnv_basis);

} // namespace mi::config
