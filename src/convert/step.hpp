// What the steps of the conversion have in common: they read directives of a Source, and write an Output.
#pragma once

#include "convert/output.hpp"
#include "convert/source.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

inline constexpr std::string_view not_a_truth = "the value is neither yes nor no";

class Step {
protected:
    // `here`: the table that keys and remarks belong to where nothing else is said.
    Step(const Source& source, Table here) : source_(source), here_(here) {}

    // All assignments of a directive since it was last set to nothing. They count as taken.
    std::vector<const Assignment*> all(const SystemdUnit& unit, std::string_view section, std::string_view key);
    // The assignment in force; null where there is none or it is empty. All count as taken.
    const Assignment* last(const SystemdUnit& unit, std::string_view section, std::string_view key);
    // The same for [Service] of the main unit.
    std::vector<const Assignment*> all(std::string_view key) { return all(source_.main(), "Service", key); }
    const Assignment* last(std::string_view key) { return last(source_.main(), "Service", key); }

    // Remarks about a directive. About none (null), they say nothing.
    void say(const Assignment* about, Weight weight, std::string_view why);
    void lost(const Assignment* about, std::string_view why) { say(about, Weight::lost, why); }
    void near(const Assignment* about, std::string_view why) { say(about, Weight::near, why); }
    void note(const Assignment* about, std::string_view why) { say(about, Weight::note, why); }

    // Each of these says what is wrong with the value, and then returns nothing.
    // The value with its specifiers resolved, ready for a TOML string.
    std::optional<std::string> text(const Assignment& of);
    // The value in words: quotes taken off, specifiers resolved. A word that is wrong is left out.
    std::vector<std::string> words(const Assignment& of);
    std::optional<bool> truth(const Assignment& of);
    std::optional<std::string> absolute_path(const Assignment& of);
    std::optional<std::int64_t> whole_number(const Assignment& of, std::int64_t low, std::int64_t high);
    // Whether a directive is set to yes.
    bool is_yes(const Assignment* of) { return of != nullptr && truth(*of) == true; }

    void set(std::string_view key, std::string value) { out_.toml.set(here_, key, std::move(value)); }
    void set_text(std::string_view key, std::string_view text) { set(key, quoted(text)); }
    // Sets the key to a list, unless that is empty.
    void set_list(std::string_view key, const std::vector<std::string>& texts);

    const Source& source_;
    Output out_;

private:
    const Table here_;
};

} // namespace mi::convert
