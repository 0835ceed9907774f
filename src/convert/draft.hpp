// One unit on its way: the directives it comes from, what was made of them, and what there is to say about the rest. Each
// converter takes the directives it knows; what nobody has taken is told at the end.
#pragma once

#include "convert/convert.hpp"
#include "convert/sheet.hpp"
#include "convert/specifiers.hpp"
#include "convert/unit_file.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// One unit of systemd, its drop-ins included.
struct Part {
    enum class Kind { service, socket, timer, target, path };
    Kind kind = Kind::service;
    std::string unit; // "foo.socket"
    UnitText text;
    std::vector<std::string> files;
    std::vector<std::string> wants, requires_; // from NAME.wants/ and NAME.requires/
};

class Draft {
public:
    Draft(std::string name, std::vector<Part> parts, const Place& place, const Lookup& lookup);

    // All assignments of a key since it was last made empty. They count as taken.
    std::vector<const Assignment*> all(const Part& part, std::string_view section, std::string_view key);
    // The one that counts, if it is not empty. All count as taken.
    const Assignment* last(const Part& part, std::string_view section, std::string_view key);
    // The same for the main part's [Service].
    std::vector<const Assignment*> all(std::string_view key) { return all(main(), "Service", key); }
    const Assignment* last(std::string_view key) { return last(main(), "Service", key); }
    // Whether a key is there and not empty; takes nothing.
    [[nodiscard]] bool has(const Part& part, std::string_view section, std::string_view key) const;
    [[nodiscard]] bool has(std::string_view key) const { return has(main(), "Service", key); }

    // The service or target that the others are about.
    [[nodiscard]] const Part& main() const { return parts.front(); }
    [[nodiscard]] bool is_template() const { return name.ends_with('@'); }

    void say(const Assignment& about, Table where, Weight weight, std::string_view why);
    // About no directive.
    void say(const std::string& file, std::uint32_t line, Weight weight, std::string_view why);

    // Each of these says what is wrong, and then gives nothing.
    // The value with its specifiers resolved, ready for a TOML string.
    std::optional<std::string> text(const Assignment& of, Table where);
    // The same, in words: quotes taken off, then specifiers resolved.
    std::optional<std::vector<std::string>> words(const Assignment& of, Table where);
    std::optional<bool> truth(const Assignment& of, Table where);
    // An absolute path without more ado.
    std::optional<std::string> path(const Assignment& of, Table where);

    // Everything said so far, and the unit as it stands.
    [[nodiscard]] Unit finish();

    std::string name; // what the unit is called here
    std::vector<Part> parts;
    Specifiers specifiers;
    Sheet sheet;
    const Place& place;
    const Lookup& lookup;

    // What one converter finds out for the next.
    bool accepts = false;                 // a socket with Accept=yes
    std::vector<std::string> addresses;   // of [[listen]], with their kinds
    bool oneshot = false;                 // type = "oneshot"
    bool was_oneshot = false;             // and Type=oneshot, too
    bool own_drop = false;                // it is started as root, and gives that up by itself
    std::vector<std::string> prelude;     // commands, as TOML, that go before its own
    std::vector<std::string> environment; // names of the variables that Environment= sets
    std::string fault;

private:
    std::vector<Remark> remarks_;
};

// In the order in which they run. Each takes what it is called after.
void convert_relations(Draft& draft);  // [Unit], [Install]
void convert_conditions(Draft& draft); // Condition*, Assert*
void convert_sockets(Draft& draft);
void convert_service(Draft& draft);  // Type, Restart, timeouts, signals
void convert_commands(Draft& draft); // Exec*
void convert_process(Draft& draft);  // users, environment, limits, streams
void convert_confinement(Draft& draft);
void convert_cgroup(Draft& draft);
void convert_timers(Draft& draft);
void convert_target(Draft& draft);
void report_rest(Draft& draft); // what nobody took

} // namespace mi::convert
