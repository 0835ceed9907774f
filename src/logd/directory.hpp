// One unit's directory of log files: opening, mending, rotating. Every name is looked up relative to a descriptor and
// no symbolic link is followed below the log directory. Which unit writes when is units.hpp's.
//
// Directories are 0755, files 0640 of the collector's user and group; for a group of readers, make the log
// directory setgid (`chgrp adm /var/log/miniinit; chmod g+s /var/log/miniinit`).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace mi::logd {

inline constexpr const char* current_name = "current";

// The log directory `path`, made if need be with those above it. A Fault where it cannot be made or written to.
[[nodiscard]] Result<Fd> open_log_directory(const std::string& path);

// The directory `name` (of wire::logs::directory_name) of a unit in it.
[[nodiscard]] Result<Fd> open_unit_directory(int logs, const std::string& name, bool make);

// The file that is written to. Opening mends its end (mend.hpp). What is there but is no plain file is moved out of the way.
struct Current {
    Fd file;       // for reading and appending
    WallTime last; // stamp of the last line; 0: none
};
[[nodiscard]] Result<Current> open_current(int unit_directory);
// As open_current, for the file `name` that already exists.
[[nodiscard]] Result<Current> open_existing(int unit_directory, const std::string& name);

// Stamp of the first line of `file`; 0: none.
[[nodiscard]] WallTime first_stamp(int file);

// Renames `current` after `now` (later if there is a file of that name or of a later one: names keep the order of
// rotation) and removes the oldest rotated files beyond `keep`.
Result<> rotate(int unit_directory, WallTime now, std::uint32_t keep);

// A rotated file; between two steps of compressing it may be there in both forms.
struct Rotated {
    std::string name;
    WallTime at; // of the rotation
    bool packed = false;
};
// Those in a unit's directory, oldest first.
[[nodiscard]] std::vector<Rotated> rotated_files(int unit_directory);
// Removes the files whose names begin so.
void remove_beginning_with(int directory, std::string_view beginning);
// The log files in a unit's directory that are not compressed, oldest first, `current` last.
[[nodiscard]] std::vector<std::string> log_files(int unit_directory);
// The names of directories in a log directory.
[[nodiscard]] std::vector<std::string> unit_directories(int logs);

} // namespace mi::logd
