// What is mounted where, as /proc/self/mountinfo tells it.
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
    std::string root;  // what of the file system is mounted here
    std::string point; // where, with escapes resolved
    std::string type;
    std::string source;
    std::string device;     // "98:0": mounts of the same file system have the same
    bool read_only = false; // the file system itself, not just this mount
};

// The mounts in the order in which they were made. Lines it cannot read are skipped.
[[nodiscard]] std::vector<Mount> parse_mounts(std::string_view text);
[[nodiscard]] Result<std::vector<Mount>> read_mounts(const std::string& path = "/proc/self/mountinfo");

// Whether a file system of this type may wait for a server, for ever.
[[nodiscard]] bool may_hang(std::string_view type);

// A mounted file system that may wait for a server, for ever.
struct HangingMount {
    std::string point; // where; empty: it is none of those in our mount table
    std::string type;
    // "FUSE file system /mnt (fuse.sshfs)", after "on".
    [[nodiscard]] std::string text() const;
};

// Knows which paths lie on file systems that may hang (network, FUSE), without ever touching one: it walks the path
// component by component and stops where such a mount begins. A root file system of that kind does not count: we are
// on it ourselves. Keeps one descriptor, by which the kernel says when mounts have changed, so that a question costs
// one poll(2). What is judged by path may be another mount when it is touched: see mount_judge.hpp.
class HangingMounts {
public:
    explicit HangingMounts(std::string mountinfo = "/proc/self/mountinfo");
    [[nodiscard]] bool cover(std::string_view path);
    // The file system that covers the path so, if one does.
    [[nodiscard]] std::optional<HangingMount> covering(std::string_view path);
    // What may hang of what is mounted exactly there; of the mount that an open descriptor is of (by its `mnt_id` in
    // fdinfo, which the kernel tells without asking the file system).
    [[nodiscard]] std::optional<HangingMount> at(std::string_view point);
    [[nodiscard]] std::optional<HangingMount> mounted(int fd);
    // Whether a walk can stop at each mount (openat2(2), Linux 5.6).
    [[nodiscard]] bool told_on_the_way();
    // Where `path` leads for a process whose root directory is `root` ("" for ours), with every link resolved that can be
    // without touching such a file system. What does not exist is taken as it is, and so is what lies in a directory that
    // others than root can write to: they could lead us anywhere.
    [[nodiscard]] std::string real_path(std::string_view path, std::string_view root);

private:
    bool refresh();
    enum class Links { all, trusted };
    const HangingMount* walk(std::string_view path, std::string_view root, Links links_followed, std::string& reached);
    std::string mountinfo_;
    Fd table_;
    bool changes_told_ = false; // poll works on it (it is the kernel's, not a test's file)
    bool read_once_ = false;
    std::optional<bool> told_on_the_way_;
    std::vector<HangingMount> hanging_;
    std::unordered_map<int, HangingMount> by_id_; // all mounts; those that do not hang have no type
};

} // namespace mi::os
