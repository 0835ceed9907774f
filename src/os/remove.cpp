// unlinkat(2), again and again.
#include "os/remove.hpp"

#include "base/fd.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string_view>

namespace mi::os {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// A directory of which we may be the owner without having the right to enter it.
Fd open_directory(int above, const char* name) {
    Fd fd(::openat(above, name, directory_flags));
    if (!fd && errno == EACCES && ::fchmodat(above, name, 0700, 0) == 0)
        fd = Fd(::openat(above, name, directory_flags));
    return fd;
}

bool is_directory(int above, const char* name) {
    struct stat about{};
    return ::fstatat(above, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(about.st_mode);
}

// Every name in it. Read anew from the start: what was there is removed meanwhile.
std::vector<std::string> names_in(int directory) {
    std::vector<std::string> names;
    int copy = ::openat(directory, ".", directory_flags);
    DIR* listing = copy < 0 ? nullptr : ::fdopendir(copy);
    if (listing == nullptr) {
        if (copy >= 0)
            ::close(copy);
        return names;
    }
    while (const dirent* entry = ::readdir(listing))
        if (std::string_view name = entry->d_name; name != "." && name != "..")
            names.emplace_back(name);
    ::closedir(listing);
    return names;
}

class Removal {
public:
    // `device`: what is of another one is let be.
    explicit Removal(std::optional<dev_t> device = {}) : device_(device) {}
    // Empties the directory `top`.
    void empty(int top) {
        for (bool moved = true; moved;) {
            moved = false;
            for (const std::string& name : names_in(top))
                moved = remove_entry(top, name) || moved;
        }
    }
    void note(const std::string& name) {
        if (!first_)
            first_ = Fault{errno, "remove", name};
    }
    [[nodiscard]] Result<> result() const { return first_ ? Result<>(std::unexpected(*first_)) : Result<>(); }

private:
    // True if something came up from below, to be looked at next.
    bool remove_entry(int top, const std::string& name) {
        if (::unlinkat(top, name.c_str(), 0) == 0)
            return false;
        if (!is_directory(top, name.c_str())) {
            note(name);
            return false;
        }
        if (::unlinkat(top, name.c_str(), AT_REMOVEDIR) == 0)
            return false;
        Fd below = open_directory(top, name.c_str());
        struct stat about{};
        if (!below || (device_ && (::fstat(below.get(), &about) != 0 || about.st_dev != *device_))) {
            note(name);
            return false;
        }
        bool moved = false;
        for (const std::string& inner : names_in(below.get())) {
            if (::unlinkat(below.get(), inner.c_str(), 0) == 0)
                continue;
            if (rename_up(below.get(), inner, top))
                moved = true;
            else
                note(inner);
        }
        if (!moved && ::unlinkat(top, name.c_str(), AT_REMOVEDIR) != 0)
            note(name);
        return moved;
    }

    bool rename_up(int below, const std::string& inner, int top) {
        for (int attempt = 0; attempt < 100; ++attempt) {
            std::string fresh = ".miniinit-" + std::to_string(++number_);
            if (::renameat2(below, inner.c_str(), top, fresh.c_str(), RENAME_NOREPLACE) == 0)
                return true;
            // Moving a directory changes its own "..", for which it has to be writable.
            bool again = errno == EEXIST || (errno == EACCES && ::fchmodat(below, inner.c_str(), 0700, 0) == 0);
            if (!again)
                return false;
        }
        return false;
    }

    std::optional<dev_t> device_;
    std::optional<Fault> first_;
    unsigned long number_ = 0;
};

} // namespace

Result<> set_aside(const std::string& base, const std::vector<std::string>& components, const std::string& to) {
    Fd above(::open(base.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (std::size_t i = 0; above && i + 1 < components.size(); ++i)
        above = Fd(::openat(above.get(), components[i].c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!above || ::renameat(above.get(), components.back().c_str(), AT_FDCWD, to.c_str()) != 0) {
        int code = errno;
        std::string path = base;
        for (const std::string& component : components)
            path += "/" + component;
        return fault(code, "move away", std::move(path));
    }
    return {};
}

Result<> remove_tree(const std::string& path) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT)
        return {};
    Fd top = open_directory(AT_FDCWD, path.c_str());
    if (!top)
        return fault(errno, "remove", path);
    Removal removal;
    removal.empty(top.get());
    if (::rmdir(path.c_str()) != 0)
        removal.note(path);
    return removal.result();
}

Result<> empty_directory(int directory) {
    struct stat about{};
    if (::fstat(directory, &about) != 0)
        return fault(errno, "look at", "the directory");
    Removal removal(about.st_dev);
    removal.empty(directory);
    return removal.result();
}

Result<pid_t> remove_trees_apart(const std::vector<std::string>& paths) {
    pid_t child = ::fork();
    if (child < 0)
        return fault(errno, "fork to remove", paths.front());
    if (child > 0)
        return child;
    // Nothing of ours is to stay open for as long as this takes.
    ::syscall(SYS_close_range, 3U, ~0U, 0U);
    ::setpriority(PRIO_PROCESS, 0, 10);
    bool fine = true;
    for (const std::string& path : paths)
        fine = remove_tree(path).has_value() && fine;
    ::_exit(fine ? 0 : 1);
}

} // namespace mi::os
