// The steps of the conversion: what they have in common, what each of them needs, and what it returns.
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

// What a step has made.
struct Output {
    struct Said {
        Table table; // where the remark stands as a comment
        Remark remark;
    };

    UnitToml toml;
    std::vector<Said> remarks;
    std::vector<const Assignment*> taken; // the directives that were read; a directive that no step takes is reported
    std::string fault;                    // why there can be no unit

    void say(const Assignment& about, Table table, Weight weight, std::string_view why);
    // A remark about a file, or about a line of it that is no directive.
    void say(const std::string& file, std::uint32_t line, Weight weight, std::string_view why);
    void add(Output more);
};

// The unit that all steps together have made. `files`: what it was made from.
[[nodiscard]] Unit finish(Output output, std::string name, std::vector<std::string> files);

// The base of each step: it reads directives of a Source, and writes an Output.
inline constexpr std::string_view not_a_truth = "the value is neither yes nor no";

class Step {
protected:
    // `here`: the table that keys and remarks belong to where nothing else is said.
    Step(const Source& source, Table here) : source_(source), here_(here) {}

    using Assignments = std::vector<std::reference_wrapper<const Assignment>>;
    // All assignments of a directive since it was last set to nothing. They count as taken.
    Assignments all(const SystemdUnit& unit, std::string_view section, std::string_view key);
    // The assignment in force; one that is not set where there is none. All count as taken.
    const Assignment& last(const SystemdUnit& unit, std::string_view section, std::string_view key);
    // The same for [Service] of the main unit.
    Assignments all(std::string_view key) { return all(source_.main(), "Service", key); }
    const Assignment& last(std::string_view key) { return last(source_.main(), "Service", key); }

    // Remarks about a directive. About one that is not set they say nothing.
    void say(const Assignment& about, Weight weight, std::string_view why) { out_.say(about, here_, weight, why); }
    void lost(const Assignment& about, std::string_view why) { say(about, Weight::lost, why); }
    void near(const Assignment& about, std::string_view why) { say(about, Weight::near, why); }
    void note(const Assignment& about, std::string_view why) { say(about, Weight::note, why); }

    // Each of these says what is wrong with the value, and then returns nothing; so it does where none is set.
    // The value with its specifiers resolved, ready for a TOML string.
    std::optional<std::string> text(const Assignment& of);
    // The value in words: quotes taken off, specifiers resolved. A word that is wrong is left out.
    std::vector<std::string> words(const Assignment& of);
    std::optional<bool> truth(const Assignment& of);
    std::optional<std::string> absolute_path(const Assignment& of);
    std::optional<std::int64_t> whole_number(const Assignment& of, std::int64_t low, std::int64_t high);
    // Whether a directive is set to yes.
    bool is_yes(const Assignment& of) { return truth(of) == true; }

    void set(std::string_view key, std::string value) { out_.toml.set(here_, key, std::move(value)); }
    void set_text(std::string_view key, std::string_view text) { set(key, quoted(text)); }
    // Sets the key to a list, unless that is empty.
    void set_list(std::string_view key, const std::vector<std::string>& texts);

    static inline const Assignment not_set{};
    const Source& source_;
    Output out_;

private:
    const Table here_;
};

// --- the steps, in their order ---------------------------------------------------------------------------------------

// Every directive of a section that has one equal, by its row in directives.cpp.
[[nodiscard]] Output convert_rows(const Source& source, const SystemdUnit& unit, std::string_view section);

// [Unit] and [Install]: how units hang together.
struct Relations {
    Output output;
    bool installed = false; // something starts the service itself, and not only its sockets and timers
};
[[nodiscard]] Relations convert_relations(const Source& source);
// Condition…= and Assert…=.
[[nodiscard]] Output convert_conditions(const Source& source);

// [Socket] of all sockets. `on_demand`: nothing but a connection starts the service.
struct Sockets {
    Output output;
    std::size_t count = 0; // of addresses
};
[[nodiscard]] Sockets convert_sockets(const Source& source, bool on_demand);

// Which account a service runs as.
struct Identity {
    bool is_dynamic = false;
    bool is_root = false;        // it is started as root
    bool changes_itself = false; // User= and Group= are what it goes over to by itself: `!` or `+` before its program
};
[[nodiscard]] Identity identity_of(const Source& source);

// Type, Restart, timeouts, signals.
struct Service {
    Output output;
    std::string type;         // "simple", "oneshot", "forking", "notify", "notify-reload"
    bool was_oneshot = false; // it is a oneshot, and was one under systemd
};
[[nodiscard]] Service convert_service(const Source& source);

// Accounts, environment, scheduling, streams. `sockets`: how many addresses it listens at.
[[nodiscard]] Output convert_process(const Source& source, const Identity& identity, std::size_t sockets);

// What a service is kept away from, and the directories that are made for it.
struct Confinement {
    Output output;
    std::vector<std::string> commands; // as TOML: they make the directories as they are to be, before the service's own
};
[[nodiscard]] Confinement convert_confinement(const Source& source, const Identity& identity);

// Exec…=. `preparations`: commands, as TOML, that go before those of the unit.
[[nodiscard]] Output convert_commands(const Source& source, const Identity& identity, const Service& service,
                                      const std::vector<std::string>& preparations);

// [Timer] of all timers.
[[nodiscard]] Output convert_timers(const Source& source);

// Remarks about the directives that no step has taken. `taken`: those that were.
[[nodiscard]] Output report_rest(const Source& source, const std::vector<const Assignment*>& taken);

} // namespace mi::convert
