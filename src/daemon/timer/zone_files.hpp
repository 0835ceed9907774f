// The zones of this machine, from its zone files. Read by ourselves, with a bound, and again when a file has changed; what
// is in them is calendar/zone.hpp's.
#pragma once

#include "calendar/schedule.hpp"
#include "os/file/inotify.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mi::daemon {

class ZoneFiles final : public calendar::Zones {
public:
    struct Places {
        std::string local = "/etc/localtime";
        std::vector<std::string> databases = {"/usr/share/zoneinfo", "/etc/zoneinfo"};
        std::string rule; // TZ of our environment: a name, a rule, ":FILE"; empty: `local` counts
    };
    explicit ZoneFiles(Places places) : places_(std::move(places)) {}

    // Null where there is no such zone, or its file cannot be read. There is always a local one: UTC, at the worst.
    [[nodiscard]] const calendar::Zone* find(const std::string& name) override;
    // What has been found out may be out of date: the next question looks at the file again.
    void refresh() { ++generation_; }
    // What could not be used since the last question, one sentence each; each is told once.
    [[nodiscard]] std::vector<std::string> take_complaints();

    // Begins to watch `local`, if it counts. Readable when something happened beside it; -1: there is no watching.
    [[nodiscard]] int watch();
    void unwatch() { inotify_.reset(); }
    // Takes what happened; whether it concerned the file.
    [[nodiscard]] bool local_changed();

private:
    struct Identity {
        std::uint64_t device = 0, inode = 0, size = 0;
        std::int64_t changed = 0;
        bool operator==(const Identity&) const = default;
    };
    struct Known {
        std::optional<calendar::Zone> zone;
        Identity identity;
        unsigned generation = 0;
        bool complained = false;
    };
    [[nodiscard]] const calendar::Zone* from_file(const std::string& path);
    [[nodiscard]] const calendar::Zone* from_database(const std::string& name);
    [[nodiscard]] const calendar::Zone* local();

    Places places_;
    unsigned generation_ = 1;
    std::map<std::string, Known> files_; // by path
    std::optional<calendar::Zone> by_rule_;
    calendar::Zone utc_;
    std::vector<std::string> complaints_;
    bool rule_complained_ = false;
    std::optional<os::Inotify> inotify_;
};

} // namespace mi::daemon
