// The mount table, as /proc/self/mountinfo shows it (proc_pid_mountinfo(5)).
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mi::os {

struct Mount {
    int id = 0;
    int parent = 0;
    std::string root;  // the directory of the file system that is mounted here
    std::string point; // the mount point, with escapes resolved
    std::string type;
    std::string source;
    std::string device;     // "98:0": the same for all mounts of one file system
    bool read_only = false; // of the file system itself, not only of this mount
};

// The mounts in the order in which they were made. Skips lines that it cannot read.
[[nodiscard]] std::vector<Mount> parse_mounts(std::string_view text);
[[nodiscard]] Result<std::vector<Mount>> read_mounts(const std::string& path = "/proc/self/mountinfo");

// Whether a file system of this type may wait for a server, for ever (network, FUSE).
[[nodiscard]] bool may_hang(std::string_view type);

// A mounted file system that may wait for a server, for ever.
struct HangingMount {
    std::string point; // the mount point; empty: it is not in our mount table
    std::string type;
    // A phrase to follow "on": "FUSE file system /mnt (fuse.sshfs)".
    [[nodiscard]] std::string text() const;
};

// Knows which paths lie on file systems that may hang (network, FUSE), without touching one: walks the path component
// by component and stops where such a mount begins. A root file system of that kind does not count, because we run on
// it ourselves. Keeps one descriptor that reports changes of the mount table, so that a question costs one poll(2). A
// path may belong to another mount by the time it is touched: see mount_judge.hpp.
class HangingMounts {
public:
    explicit HangingMounts(std::string mountinfo = "/proc/self/mountinfo");
    [[nodiscard]] bool cover(std::string_view path);
    // The file system that may hang and on which `path` lies, if any.
    [[nodiscard]] std::optional<HangingMount> covering(std::string_view path);
    // The file system that may hang and is mounted exactly at `point`; or the one of an open descriptor (by `mnt_id` in
    // fdinfo, which the kernel shows without asking the file system).
    [[nodiscard]] std::optional<HangingMount> at(std::string_view point);
    [[nodiscard]] std::optional<HangingMount> mounted(int fd);
    // Whether a walk can stop at each mount (openat2(2), Linux 5.6).
    [[nodiscard]] bool told_on_the_way();
    // The path that `path` leads to for a process whose root directory is `root` ("" for ours), with every link
    // resolved that can be read without touching such a file system. A missing component is taken literally, and so is
    // a link in a directory that users other than root can write to: it could lead us anywhere.
    [[nodiscard]] std::string real_path(std::string_view path, std::string_view root);

private:
    bool refresh();
    enum class Links { all, trusted };
    const HangingMount* walk(std::string_view path, std::string_view root, Links links_followed, std::string& reached);
    std::string mountinfo_;
    Fd table_;
    bool changes_told_ = false; // poll(2) reports changes (it is the kernel's file, not a test's)
    bool read_once_ = false;
    std::optional<bool> told_on_the_way_;
    std::vector<HangingMount> hanging_;
    std::unordered_map<int, HangingMount> by_id_; // all mounts; those that do not hang have an empty type
};

} // namespace mi::os
