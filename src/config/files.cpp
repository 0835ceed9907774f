#include "config/files.hpp"

#include "base/directory.hpp"
#include "config/private_group.hpp"
#include "config/pseudo_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace mi::config {

namespace {

// O_NONBLOCK: do not wait for a FIFO. O_NOCTTY: a terminal must not become our controlling terminal.
constexpr int read_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
// The owner of a file whose real owner does not exist in our user namespace.
constexpr uid_t overflow_user = 65534;
constexpr std::size_t smallest_read = 512;
constexpr char access_list[] = "system.posix_acl_access";

bool trusted_owner(uid_t user, const Source& source) { return user == 0 || user == source.owner; }

std::string owned_by(uid_t user) { return "is owned by user " + std::to_string(user); }

std::string error_text(int code) {
    const char* words = ::strerrordesc_np(code);
    return std::string("cannot be read: ") + (words != nullptr ? words : "unknown error");
}

// Whether there is an access control list (acl(5)): then the group bits of the mode limit every entry of the list.
bool has_access_list(long length) { return length >= 0 || (errno != ENODATA && errno != ENOTSUP); }

// Whether the group may write and has members besides the source's owner. Calls `list_length` only if it is needed.
bool group_may_write(const struct stat& status, const Source& source, auto list_length) {
    return (status.st_mode & S_IWGRP) != 0 &&
           (has_access_list(list_length()) || !has_private_group(source.root, source.owner, status.st_gid));
}

std::string go_w(const std::string& path) { return "chmod go-w " + path; }
std::string chown_to(const Source& source, const std::string& path) {
    return "chown " + (source.owner == 0 ? "root" : std::to_string(source.owner)) + " " + path;
}

// Checks one directory above the file; `status` is that of `path`.
Distrust untrusted_ancestor(const std::string& path, const struct stat& status, const Source& source) {
    if (!trusted_owner(status.st_uid, source) && status.st_uid != overflow_user)
        return {"is below " + path + ", which " + owned_by(status.st_uid), chown_to(source, path)};
    if (!S_ISDIR(status.st_mode) || (status.st_mode & S_ISVTX) != 0)
        return {};
    if ((status.st_mode & S_IWOTH) != 0 ||
        group_may_write(status, source, [&] { return ::lgetxattr(path.c_str(), access_list, nullptr, 0); }))
        return {"is below " + path + ", which others may write", go_w(path)};
    return {};
}

// Checks every proper prefix of `path`; sets `links` if one of them, or `path` itself, is a link.
Distrust check_prefixes(const std::string& path, std::size_t from, const Source& source, bool& links) {
    for (std::size_t slash = path.find('/', from); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        std::string prefix = slash == 0 ? "/" : path.substr(0, slash);
        struct stat status{};
        if (::lstat(prefix.c_str(), &status) != 0)
            continue; // opening the file will report this
        links = links || S_ISLNK(status.st_mode);
        if (Distrust wrong = untrusted_ancestor(prefix, status, source))
            return wrong;
    }
    struct stat status{};
    links = links || (::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode));
    return {};
}

} // namespace

Distrust untrusted(int fd, const struct stat& status, const std::string& path, const Source& source) {
    if (source.allow_insecure)
        return {};
    if (!trusted_owner(status.st_uid, source))
        return {owned_by(status.st_uid), chown_to(source, path)};
    if ((status.st_mode & S_IWOTH) != 0)
        return {"is writable by everyone", go_w(path)};
    if (group_may_write(status, source, [&] { return ::fgetxattr(fd, access_list, nullptr, 0); }))
        return {"is writable by group " + std::to_string(status.st_gid), go_w(path)};
    return {};
}

Distrust untrusted_above(const std::string& path, const Source& source) {
    if (source.allow_insecure)
        return {};
    bool links = false;
    Distrust wrong = check_prefixes(path, source.root.size(), source, links);
    if (wrong || !links || !source.root.empty())
        return wrong;
    char real[PATH_MAX];
    if (::realpath(path.c_str(), real) == nullptr)
        return {}; // opening the file will report this
    return check_prefixes(real, 0, source, links);
}

std::string Distrust::help(const Source& source) const {
    if (cure.empty())
        return {};
    return "whoever can write it decides what runs as " +
           (source.owner == 0 ? "root" : "user " + std::to_string(source.owner)) + ": " + cure;
}

void Rights::limit(const Rights& other) {
    mode &= other.mode;
    if (group == any_group)
        group = other.group;
    else if (other.group != any_group && other.group != group)
        mode &= ~static_cast<mode_t>(S_IRWXG);
}

namespace {

// Opens `path`, which begins with the root of the source, if there is one: then links are followed inside the root.
int open_inside(const Source& source, const std::string& path, int flags) {
    if (source.root.empty())
        return ::open(path.c_str(), flags);
    Fd root(::open(source.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root)
        return -1;
    struct open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    how.resolve = RESOLVE_IN_ROOT;
    std::string inside = path.substr(source.root.size());
    inside.erase(0, std::min(inside.find_first_not_of('/'), inside.size()));
    if (inside.empty())
        inside = ".";
    long fd = ::syscall(SYS_openat2, root.get(), inside.c_str(), &how, sizeof how);
    if (fd < 0 && errno == ENOSYS) // before Linux 5.6, absolute links lead out of the root
        return ::open(path.c_str(), flags);
    return static_cast<int>(fd);
}

// A user who may not enter the directory cannot read its files, whatever their modes are.
Rights rights_below(const struct stat& directory) {
    Rights rights{0777, directory.st_gid};
    if ((directory.st_mode & S_IXGRP) == 0)
        rights.mode &= ~static_cast<mode_t>(S_IRWXG);
    if ((directory.st_mode & S_IXOTH) == 0)
        rights.mode &= ~static_cast<mode_t>(S_IRWXO);
    else
        rights.group = Rights::any_group;
    return rights;
}

// Changes a fault of a directory into that of a file in it.
Distrust in(const std::string& directory, Distrust wrong) {
    if (wrong)
        wrong.why = "is in " + directory + ", which " + wrong.why;
    return wrong;
}

Result<Directory> list(const Source& source, Fd fd, std::string path) {
    Directory directory{.fd = std::move(fd), .path = std::move(path)};
    struct stat status{};
    if (::fstat(directory.fd.get(), &status) != 0)
        return fault(errno, "look at", directory.path);
    directory.refused = in(directory.path, untrusted(directory.fd.get(), status, directory.path, source));
    directory.rights = rights_below(status);
    if (pseudo_file_system(directory.fd.get()).empty())
        directory.ordinary = status.st_dev;
    auto entries = list_directory(directory.fd.get(), directory.path);
    if (!entries)
        return fault(entries.error().code, "read", directory.path);
    for (DirectoryEntry& entry : *entries)
        if (!entry.hidden())
            directory.entries.push_back({std::move(entry.name), entry.type == DT_DIR, entry.type == DT_REG});
    std::sort(directory.entries.begin(), directory.entries.end(),
              [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return directory;
}

} // namespace

Result<Directory> open_directory(const Source& source, const std::string& path) {
    std::string full = source.root + path;
    Fd fd(open_inside(source, full, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd)
        return fault(errno, "open", full);
    Result<Directory> directory = list(source, std::move(fd), full);
    if (directory && !directory->refused)
        directory->refused = in(full, untrusted_above(full, source));
    return directory;
}

Result<Directory> open_directory(const Source& source, const Directory& parent, const std::string& name) {
    std::string full = parent.path + '/' + name;
    // A drop-in directory that is a link is resolved with its path, and the directories above its target are checked,
    // too.
    Fd fd(::openat(parent.fd.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    bool link = !fd && (errno == ELOOP || errno == ENOTDIR);
    if (link)
        fd = Fd(open_inside(source, full, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd)
        return fault(errno, "open", full);
    Result<Directory> directory = list(source, std::move(fd), full);
    if (directory && !directory->refused)
        directory->refused = parent.refused;
    if (directory && !directory->refused && link)
        directory->refused = in(full, untrusted_above(full, source));
    return directory;
}

namespace {

Content refusal(std::string reason) { return {Content::Kind::refused, {}, {std::move(reason), {}}}; }
Content refusal(Distrust wrong) { return {Content::Kind::refused, {}, std::move(wrong)}; }

bool is_null_device(const struct stat& status) { return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3); }

std::string not_a_file(mode_t mode) {
    std::string_view what = S_ISDIR(mode)                    ? "a directory"
                            : S_ISFIFO(mode)                 ? "a named pipe"
                            : S_ISSOCK(mode)                 ? "a socket"
                            : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                                             : "something else";
    return "is " + std::string(what) + ", not a file";
}

// The reason why `fd` is no ordinary file with text: it is a device or the like, or a pseudo-file of the kernel. Empty:
// it is one. `ordinary`: a device that is known to have ordinary files.
std::string not_written(int fd, const struct stat& status, std::optional<dev_t> ordinary = {}) {
    if (!S_ISREG(status.st_mode))
        return not_a_file(status.st_mode);
    if (ordinary == status.st_dev)
        return {};
    const std::string_view kernels = pseudo_file_system(fd);
    return kernels.empty() ? std::string()
                           : "is a file of the kernel (" + std::string(kernels) + "), not one that holds text";
}

// Checks and reads the open file. `ordinary`: see not_written().
Content read_open(const Source& source, int fd, const std::string& path, std::size_t largest,
                  std::optional<dev_t> ordinary = {}) {
    struct stat status{};
    if (::fstat(fd, &status) != 0)
        return refusal(error_text(errno));
    if (is_null_device(status))
        return {Content::Kind::mask, {}, {}};
    if (std::string wrong = not_written(fd, status, ordinary); !wrong.empty())
        return refusal(std::move(wrong));
    if (Distrust wrong = untrusted(fd, status, path, source))
        return refusal(std::move(wrong));
    auto size = static_cast<std::size_t>(status.st_size);
    Content content;
    content.kind = Content::Kind::text;
    content.rights = {status.st_mode & 0777, status.st_gid};
    std::size_t have = 0;
    for (std::size_t room = std::max(size + 1, smallest_read); size <= largest && have <= largest; room = have * 2) {
        ssize_t count = 0;
        content.text.resize_and_overwrite(std::max(room, smallest_read), [&](char* buffer, std::size_t length) {
            do
                count = ::read(fd, buffer + have, length - have);
            while (count < 0 && errno == EINTR);
            have += count > 0 ? static_cast<std::size_t>(count) : 0;
            return have;
        });
        if (count < 0)
            return refusal(error_text(errno));
        // If a file of known size returns less than the buffer has room for, it has been read to its end.
        if (count == 0 || (size != 0 && have <= size))
            return content;
    }
    return refusal("is larger than " + std::to_string(largest >> 20) + " MiB");
}

// A link, or no regular file: check it before opening it, because opening a device may have an effect.
Content read_other(const Source& source, const std::string& path, std::size_t largest) {
    char target[PATH_MAX];
    ssize_t length = ::readlink(path.c_str(), target, sizeof target);
    if (length > 0 && std::string_view(target, static_cast<std::size_t>(length)) == "/dev/null")
        return {Content::Kind::mask, {}, {}}; // a root file system may have no /dev yet
    Fd look(open_inside(source, path, O_PATH | O_CLOEXEC));
    struct stat status{};
    if (!look || ::fstat(look.get(), &status) != 0)
        return errno == ENOENT && length < 0 ? Content{}
               : errno == ENOENT             ? refusal("is a link to a file that does not exist")
                                             : refusal(error_text(errno));
    if (is_null_device(status))
        return {Content::Kind::mask, {}, {}};
    if (std::string wrong = not_written(look.get(), status); !wrong.empty())
        return refusal(std::move(wrong));
    if (Distrust wrong = untrusted_above(path, source))
        return refusal(std::move(wrong));
    Fd fd(open_inside(source, path, read_flags));
    return fd ? read_open(source, fd.get(), path, largest) : refusal(error_text(errno));
}

} // namespace

Content read_entry(const Source& source, const Directory& directory, const Entry& entry, std::size_t largest) {
    if (directory.refused)
        return refusal(directory.refused);
    const std::string path = directory.path + '/' + entry.name;
    if (entry.regular) {
        Fd fd(::openat(directory.fd.get(), entry.name.c_str(), read_flags | O_NOFOLLOW));
        if (fd) {
            Content content = read_open(source, fd.get(), path, largest, directory.ordinary);
            content.rights.limit(directory.rights);
            return content;
        }
        if (errno != ELOOP) // otherwise it has become a link
            return errno == ENOENT ? Content{} : refusal(error_text(errno));
    }
    return read_other(source, path, largest);
}

Content read_path(const Source& source, const std::string& path, std::size_t largest) {
    return read_other(source, source.root + path, largest);
}

} // namespace mi::config
