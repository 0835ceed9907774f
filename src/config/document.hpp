// One TOML text as a tree that knows where everything stood: the reader works on this, so that document.cpp is the only
// file that sees toml++. Merging drop-ins and filling in ${name} happen here; what keys mean is keys.hpp's.
#pragma once

#include "config/load.hpp"
#include "config/problem.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mi::config {

// Where something stood: the index of a file in Reading, line and column from 1; line 0: the file as a whole.
struct Place {
    std::uint16_t file = 0;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

// A value, with its key if it stands in a table.
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
    std::vector<Node> items; // of an array, or of a table in no particular order

    [[nodiscard]] const Node* find(std::string_view name) const;
    [[nodiscard]] bool is_table_array() const; // [[…]]: not empty, and every item a table
};

// [] or "": nothing is said, but that in so many words.
[[nodiscard]] bool is_empty(const Node& node);

// What is wrong with the files that make up one unit, or one bundle, and the texts to quote from.
class Reading {
public:
    // Texts are quoted from while problems are found, so `text` has to outlive the Reading's use.
    std::uint16_t add_file(std::string path, std::string_view text);
    void error(Place place, std::string message, std::string suggestion = {});
    void warning(Place place, std::string message, std::string suggestion = {});

    // Sorted by file (in the order they were added) and place.
    [[nodiscard]] std::vector<Problem> take_problems();
    [[nodiscard]] bool failed() const { return failed_; }
    // So many problems that no more are taken: a file that is not meant for us.
    [[nodiscard]] bool full() const { return found_.size() >= most_problems; }
    // The first error, of which `Unit::fault` is made. Only where failed().
    [[nodiscard]] const Problem& first_error();
    [[nodiscard]] const std::string& path(std::uint16_t file) const { return files_[file].path; }

    // A syntax error has taken something out of the text: what seems to be missing may have been there.
    bool incomplete = false;

private:
    static constexpr std::size_t most_problems = 100;
    struct File {
        std::string path;
        std::string_view text;
    };
    struct Found {
        Place place;
        std::size_t number; // in the order of finding
        Problem problem;
    };
    void report(Place place, Severity severity, std::string&& message, std::string&& suggestion);
    void sort();

    std::vector<File> files_;
    std::vector<Found> found_;
    bool failed_ = false;
};

// The tree of `text`, file number `file` of `reading`. Every syntax error is reported; what stands on the other lines
// is in the tree.
[[nodiscard]] Node parse_document(Reading& reading, std::uint16_t file, std::string_view text);
// The same by the library alone, which knows the whole language; parse_document() spares it what is plain.
[[nodiscard]] Node parse_whole_toml(Reading& reading, std::uint16_t file, std::string_view text);

// Lays `over` over `base`, key by key: tables merge, but {} in one line empties; arrays and scalars replace. Arrays of tables
// append, but an item with the `name` of an earlier one merges into it.
void merge(Node& base, Node&& over);

// Fills in `${name}` and `${instance}` in every string below `node`; `$${name}` stands for a literal `${name}`. Where
// `instance` is empty only ${name} is known. Any other ${…} stays as it is: it is the shell's.
void expand(Node& node, std::string_view name, std::string_view instance);

// The node as TOML on one line, as `minictl show` prints it.
[[nodiscard]] std::string toml_text(const Node& node);

// A number that differs when anything the node says differs (not where it says it).
[[nodiscard]] std::uint64_t digest(const Node& node, std::uint64_t seed = 0xcbf29ce484222325);

} // namespace mi::config
