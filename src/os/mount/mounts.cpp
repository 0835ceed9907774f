// Reads mountinfo, and decides from it alone which paths must not be touched.
#include "os/mount/mounts.hpp"

#include "base/text.hpp"
#include "os/spawn/walk.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace mi::os {
namespace {

constexpr int most_links = 40; // the kernel's own limit (MAXSYMLINKS)

// mountinfo writes blanks, line ends and backslashes as \NNN, in octal.
std::string unescape(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size())
            if (std::optional<unsigned> code = to_number<unsigned>(text.substr(i + 1, 3), 8); code && *code < 256) {
                plain += static_cast<char>(*code);
                i += 3;
                continue;
            }
        plain += text[i];
    }
    return plain;
}

bool has_option(std::string_view options, std::string_view wanted) {
    std::vector<std::string_view> words = split(options, ',');
    return std::ranges::find(words, wanted) != words.end();
}

Result<std::string> read_whole(int fd) {
    std::string text;
    char piece[8192];
    while (ssize_t got = ::read(fd, piece, sizeof piece)) {
        if (got > 0)
            text.append(piece, static_cast<std::size_t>(got));
        else if (errno != EINTR)
            return fault(errno, "read", "mountinfo");
    }
    return text;
}

} // namespace

// `36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/root rw,errors=continue`
std::vector<Mount> parse_mounts(std::string_view text) {
    std::vector<Mount> mounts;
    for (std::string_view line : split(text, '\n')) {
        std::vector<std::string_view> fields = split(line, ' ');
        auto dash = std::ranges::find(fields, "-");
        if (dash - fields.begin() < 6 || fields.end() - dash < 4)
            continue;
        std::optional<int> id = to_number<int>(fields[0]);
        std::optional<int> parent = to_number<int>(fields[1]);
        if (!id || !parent)
            continue;
        mounts.push_back({*id, *parent, unescape(fields[3]), unescape(fields[4]), std::string(dash[1]),
                          unescape(dash[2]), std::string(fields[2]), has_option(dash[3], "ro")});
    }
    return mounts;
}

Result<std::vector<Mount>> read_mounts(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd)
        return fault(errno, "open", path);
    Result<std::string> text = read_whole(fd.get());
    if (!text)
        return std::unexpected(text.error());
    return parse_mounts(*text);
}

bool may_hang(std::string_view type) {
    if (type == "fuse" || type == "fuseblk" || type.starts_with("fuse."))
        return true;
    constexpr std::string_view types[] = {"nfs",  "nfs4",      "cifs",   "smb3",   "smbfs",    "ncpfs",
                                          "9p",   "virtiofs",  "ceph",   "afs",    "coda",     "ocfs2",
                                          "gfs2", "glusterfs", "lustre", "autofs", "orangefs", "beegfs"};
    return std::ranges::find(types, type) != std::end(types);
}

HangingMounts::HangingMounts(std::string mountinfo)
    : mountinfo_(std::move(mountinfo)), changes_told_(mountinfo_.starts_with("/proc/")) {}

// False without /proc: then no mount is known to hang. PID 1 mounts /proc itself, so it may be missing at first.
bool HangingMounts::refresh() {
    if (!table_)
        table_ = Fd(::open(mountinfo_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!table_)
        return false;
    if (read_once_ && changes_told_) {
        pollfd changed{table_.get(), POLLPRI, 0};
        if (::poll(&changed, 1, 0) <= 0 || (changed.revents & (POLLPRI | POLLERR)) == 0)
            return true;
    }
    read_once_ = true;
    Result<std::string> text;
    if (::lseek(table_.get(), 0, SEEK_SET) != 0 || !(text = read_whole(table_.get())))
        return true;
    hanging_.clear();
    by_id_.clear();
    for (Mount& mount : parse_mounts(*text)) {
        HangingMount& known = by_id_[mount.id];
        known.point = std::move(mount.point);
        if (known.point == "/" || !may_hang(mount.type))
            continue;
        known.type = std::move(mount.type);
        hanging_.push_back(known);
    }
    return true;
}

std::string HangingMount::text() const {
    if (point.empty())
        return "a mount that our mount table does not have";
    const std::string_view kind = type.starts_with("fuse") ? "FUSE" : type == "autofs" ? "automounted" : "network";
    return std::string(kind) + " file system " + point + " (" + type + ")";
}

// Resolves `path`, as a process with the root directory `root` sees it, into `reached` (without `root`). If the walk
// meets a file system that may hang, returns it, and `reached` is the path at which the walk stopped.
const HangingMount* HangingMounts::walk(std::string_view path, std::string_view root, Links links_followed,
                                        std::string& reached) {
    // The rest of the path; the target of a link is put in front of it.
    std::string rest(path);
    Way way;
    reached.clear();
    for (int links = 0; !rest.empty();) {
        std::size_t start = rest.find_first_not_of('/');
        if (start == std::string::npos)
            return nullptr;
        std::size_t end = std::min(rest.find('/', start), rest.size());
        std::string component = rest.substr(start, end - start);
        rest.erase(0, end);
        if (component == ".")
            continue;
        if (component == "..") {
            reached.erase(std::min(reached.rfind('/'), reached.size()));
            continue;
        }
        if (links_followed == Links::trusted)
            if (const Fd here(::open((std::string(root) + reached + '/').c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
                here)
                (void)way.enter(here.get()); // fails only where nothing can be looked up
        std::string next = reached + '/' + component;
        std::string outside = std::string(root) + next;
        if (auto at = std::ranges::find(hanging_, outside, &HangingMount::point); at != hanging_.end()) {
            reached = next + rest;
            return &*at;
        }
        char target[PATH_MAX];
        ssize_t length =
            links < most_links && !way.others_can_write() ? ::readlink(outside.c_str(), target, sizeof target) : -1;
        if (length <= 0) {
            reached = std::move(next);
            continue;
        }
        ++links;
        rest.insert(0, "/").insert(0, target, static_cast<std::size_t>(length));
        if (target[0] == '/')
            reached.clear();
    }
    return nullptr;
}

bool HangingMounts::cover(std::string_view path) { return covering(path).has_value(); }

std::optional<HangingMount> HangingMounts::covering(std::string_view path) {
    refresh();
    std::string reached;
    if (hanging_.empty() || !path.starts_with('/'))
        return std::nullopt;
    const HangingMount* ahead = walk(path, {}, Links::all, reached);
    return ahead != nullptr ? std::optional(*ahead) : std::nullopt;
}

std::optional<HangingMount> HangingMounts::at(std::string_view point) {
    refresh();
    auto at = std::ranges::find(hanging_, point, &HangingMount::point);
    return at != hanging_.end() ? std::optional(*at) : std::nullopt;
}

std::optional<HangingMount> HangingMounts::mounted(int fd) {
    Fd info(::open(("/proc/self/fdinfo/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC));
    const std::string text = info ? read_whole(info.get()).value_or("") : "";
    std::optional<int> id;
    for (std::string_view line : split(text, '\n'))
        if (line.starts_with("mnt_id:"))
            id = to_number<int>(trim(line.substr(7)));
    if (!refresh()) // read the table after the ID, so that the mount is in the table
        return std::nullopt;
    auto known = id ? by_id_.find(*id) : by_id_.end();
    if (known == by_id_.end()) // in another mount namespace, or unmounted meanwhile
        return HangingMount{{}, "unknown"};
    return known->second.type.empty() ? std::nullopt : std::optional(known->second);
}

bool HangingMounts::told_on_the_way() {
    if (!told_on_the_way_) {
        const open_how root{.flags = O_PATH | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_NO_XDEV};
        const Fd tried(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, "/", &root, sizeof root)));
        told_on_the_way_ = static_cast<bool>(tried);
    }
    return *told_on_the_way_;
}

std::string HangingMounts::real_path(std::string_view path, std::string_view root) {
    refresh();
    std::string reached;
    if (!root.empty() && walk(root, {}, Links::all, reached) != nullptr) // paths below it cannot be looked up
        return std::string(path);
    (void)walk(path, root, Links::trusted, reached);
    return reached.empty() ? "/" : reached;
}

} // namespace mi::os
