// Switches from the root of an initramfs to a root that it has prepared: moves the kernel's file systems, frees the
// memory of the old root, and executes another init as process 1 (as switch_root(8) does).
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <string>

namespace mi::os {

// Inits to try if none is named, best first, as seen from the new root.
constexpr const char* usual_inits[] = {"/sbin/init", "/etc/init", "/bin/init", "/sbin/miniinit", "/usr/sbin/miniinit"};

// Checks that `root` can become the root directory, and returns the init to execute there: `init`, or, if that is
// empty, the first of the usual ones that exists. The fault tells the user what to do. May wait for the file system of
// `root`.
[[nodiscard]] Result<std::string> check_new_root(const std::string& root, const std::string& init);

// Makes the directory `root` a mount point, where it is none: mounted onto itself.
Result<> make_mount_point(const std::string& root);

// The file at `path` as seen once `root` is the root directory: an O_PATH descriptor that can be executed from any
// root.
[[nodiscard]] Result<Fd> open_in_root(const std::string& root, const std::string& path);
// Whether `file` is a program that the kernel runs directly: no script or other file that needs an interpreter from the
// file system. May wait for its file system.
[[nodiscard]] bool is_binary(int file);

// Whether the root directory is in memory (ramfs or tmpfs), so that its files are gone once another root replaces it.
[[nodiscard]] bool root_in_memory();

// Makes `root` the root directory, with /dev, /proc, /sys and /run in it, and empties the old root if it is in memory.
// `inhabited`: processes stay in the old root and still need those four directories there.
Result<> move_to_root(const std::string& root, bool inhabited);

// Executes the init in the state that process 1 expects: no signal blocked or ignored. Returns only on failure.
Result<> execute_init(const std::string& init);

} // namespace mi::os
