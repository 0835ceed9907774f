// The steps of the conversion. Each step reads the source and the results of earlier steps, and returns its output; no
// step changes the output of another one. convert.cpp calls them in order. This file declares their common base, and
// the input and output of each step.
#pragma once

#include "base/join.hpp"
#include "convert/convert.hpp"
#include "convert/directives.hpp"
#include "convert/source.hpp"
#include "convert/toml.hpp"
#include "convert/values.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// The output of a step: keys, remarks, and the directives that it has read.
struct StepOutput {
    struct Said {
        Table table; // the table after which the remark stands as a comment
        Remark remark;
    };

    UnitToml toml;
    std::vector<Said> remarks;
    std::vector<const Assignment*> taken; // directives that were read; report_rest() reports the others
    std::string fault;                    // the reason why no unit is possible; empty if one is

    void say(const Assignment& about, Table table, Weight weight, std::string_view why);
    // Makes a remark about a file, or about a line of it that is no directive.
    void say(const std::string& file, std::uint32_t line, Weight weight, std::string_view why);
    void add(StepOutput more);
};

// Makes the unit from the output of all steps. `files`: the files that it was made from.
[[nodiscard]] Unit finish(StepOutput output, std::string name, std::vector<std::string> files);

inline constexpr std::string_view not_a_truth = "the value is neither yes nor no";

// The base of each step: reads directives from a UnitSource, and collects a StepOutput.
class ConversionStep {
protected:
    // `here`: the table of keys and remarks, unless another one is given.
    ConversionStep(const UnitSource& source, Table here) : source_(source), here_(here) {}

    using Assignments = std::vector<std::reference_wrapper<const Assignment>>;
    // All assignments of a directive since the last empty one. This counts as reading the directive.
    Assignments all(const SystemdUnit& unit, std::string_view section, std::string_view key);
    // The assignment in force, or `not_set`. This counts as reading the directive.
    const Assignment& last(const SystemdUnit& unit, std::string_view section, std::string_view key);
    // The same for [Service] of the main unit.
    Assignments all(std::string_view key) { return all(source_.main(), "Service", key); }
    const Assignment& last(std::string_view key) { return last(source_.main(), "Service", key); }

    // Make a remark about a directive. If the directive is not set, they do nothing.
    void say(const Assignment& about, Weight weight, std::string_view why) { out_.say(about, here_, weight, why); }
    void lost(const Assignment& about, std::string_view why) { say(about, Weight::lost, why); }
    void near(const Assignment& about, std::string_view why) { say(about, Weight::near, why); }
    void note(const Assignment& about, std::string_view why) { say(about, Weight::note, why); }

    // Each of these returns nullopt if the directive is not set, or, after a remark with the reason, if the value is
    // wrong.
    // The value with its specifiers resolved, for a TOML string.
    std::optional<std::string> text(const Assignment& of);
    // The words of the value, without quotes, with specifiers resolved. Words that are wrong are left out.
    std::vector<std::string> words(const Assignment& of);
    std::optional<bool> truth(const Assignment& of);
    std::optional<std::string> absolute_path(const Assignment& of);
    std::optional<std::int64_t> whole_number(const Assignment& of, std::int64_t low, std::int64_t high);
    // True if the directive is set to yes.
    bool is_yes(const Assignment& of) { return truth(of) == true; }

    void set(std::string_view key, std::string value) { out_.toml.set(here_, key, std::move(value)); }
    void set_text(std::string_view key, std::string_view text) { set(key, quoted(text)); }
    // Sets the key to a list, unless the list is empty.
    void set_list(std::string_view key, const std::vector<std::string>& texts);

    static inline const Assignment not_set{};
    const UnitSource& source_;
    StepOutput out_;

private:
    const Table here_;
};

// --- the steps, in their order ---------------------------------------------------------------------------------------

// Converts every directive of a section that has one equal, by its row in directives.cpp.
[[nodiscard]] StepOutput convert_rows(const UnitSource& source, const SystemdUnit& unit, std::string_view section);

// Converts the dependencies in [Unit], and [Install].
struct Relations {
    StepOutput output;
    bool installed = false; // something pulls in the service itself, not only its sockets or timers
};
[[nodiscard]] Relations convert_relations(const UnitSource& source);
// Converts Condition…= and Assert…=.
[[nodiscard]] StepOutput convert_conditions(const UnitSource& source);

// Converts [Socket] of all sockets. `on_demand`: only a connection starts the service.
struct Sockets {
    StepOutput output;
    std::size_t count = 0; // of addresses
};
[[nodiscard]] Sockets convert_sockets(const UnitSource& source, bool on_demand);

// The account that a service runs as.
struct Identity {
    bool is_dynamic = false;
    bool is_root = false;        // the process starts as root
    bool changes_itself = false; // `!` or `+` before its program: the program itself changes to User= and Group=
};
[[nodiscard]] Identity identity_of(const UnitSource& source);

// Converts Type=, Restart=, timeouts and signals.
struct Service {
    StepOutput output;
    std::string type;         // "simple", "oneshot", "forking", "notify", "notify-reload"
    bool was_oneshot = false; // it is a oneshot both here and under systemd
};
[[nodiscard]] Service convert_service(const UnitSource& source);

// Converts accounts, environment, scheduling and streams. `sockets`: the number of addresses it listens at.
[[nodiscard]] StepOutput convert_process(const UnitSource& source, const Identity& identity, std::size_t sockets);

// Converts the confinement of a service, and the directories that are made for it.
struct Confinement {
    StepOutput output;
    std::vector<std::string> commands; // as TOML; they prepare the directories before the commands of the service
};
[[nodiscard]] Confinement convert_confinement(const UnitSource& source, const Identity& identity);

// Converts Exec…=. `preparations`: commands, as TOML, that run before those of the service.
[[nodiscard]] StepOutput convert_commands(const UnitSource& source, const Identity& identity, const Service& service,
                                          const std::vector<std::string>& preparations);

// Converts [Timer] of all timers.
[[nodiscard]] StepOutput convert_timers(const UnitSource& source);

// Makes remarks about all directives that are not in `taken`: those that no step has read.
[[nodiscard]] StepOutput report_rest(const UnitSource& source, const std::vector<const Assignment*>& taken);

} // namespace mi::convert
