// Walks, and what is done at their ends.
#include "os/path_question.hpp"

#include "base/text.hpp"
#include "os/spawn/walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>

namespace mi::os {
namespace {

// Answers one question after the other, here or in a child.
class Touch {
public:
    // Null: everything is touched.
    explicit Touch(HangingMounts* hanging) : hanging_(hanging) {
        const open_how root{.flags = O_PATH | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_NO_XDEV};
        const Fd tried(
            hanging_ == nullptr ? -1 : static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, "/", &root, sizeof root)));
        step_by_step_ = static_cast<bool>(tried);
    }

    PathAnswer answer(const PathQuestion& question) {
        switch (question.kind) {
        case PathQuestion::Kind::exists: return exists(question);
        case PathQuestion::Kind::holds_something: return holds_something(question);
        case PathQuestion::Kind::program: return program(question);
        case PathQuestion::Kind::read: return read(question);
        case PathQuestion::Kind::write: return write(question);
        case PathQuestion::Kind::remove: return remove(question);
        }
        __builtin_unreachable();
    }
    // The first path that was not touched, as it may hang.
    [[nodiscard]] const std::optional<Untouched>& untouched() const { return untouched_; }

    // open(2) of a path as it is to be touched: negative is -errno.
    long open(const std::string& path, int flags, WalkRules rules, int start = AT_FDCWD) {
        if (may_not_begin(path))
            return -EXDEV;
        return judged(path, open_walked(start, path.c_str(), flags, 0, with_judge(rules)));
    }

private:
    static constexpr WalkRules to_look{.any_link = true};

    // Where mounts cannot be told on the way, the table decides for the whole path.
    bool may_not_begin(const std::string& path) {
        if (untouched_)
            return true;
        if (hanging_ == nullptr || step_by_step_)
            return false;
        if (auto on = hanging_->covering(path))
            untouched_ = {path, std::move(*on)};
        return untouched_.has_value();
    }
    WalkRules with_judge(WalkRules rules) {
        if (step_by_step_) {
            rules.enter_mount = enter_mount;
            rules.self = this;
        }
        return rules;
    }
    long judged(const std::string& path, long code) {
        if (code == -EXDEV && hanging_ != nullptr)
            untouched_ = {path, std::exchange(met_, std::nullopt).value_or(HangingMount{{}, "unknown"})};
        return code;
    }

    static long enter_mount(void* self, int above, const char* name) {
        Touch& touch = *static_cast<Touch*>(self);
        char directory[PATH_MAX];
        const ssize_t length =
            ::readlink(("/proc/self/fd/" + std::to_string(above)).c_str(), directory, sizeof directory);
        std::string point(directory, length > 1 ? static_cast<std::size_t>(length) : 0); // of "/" nothing
        point.append("/").append(name);
        if ((touch.met_ = touch.hanging_->at(point)))
            return -EXDEV;
        Fd fd(::openat(above, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!fd)
            return -errno;
        if ((touch.met_ = touch.hanging_->mounted(fd.get())))
            return -EXDEV;
        return fd.release();
    }

    PathAnswer exists(const PathQuestion& question) {
        const long fd = open(question.path, O_PATH, to_look);
        const Fd held(static_cast<int>(fd));
        return {.code = fd < 0 ? static_cast<int>(-fd) : 0};
    }

    PathAnswer holds_something(const PathQuestion& question) {
        const long fd = open(question.path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, to_look);
        if (fd < 0)
            return {.code = static_cast<int>(-fd)};
        std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(static_cast<int>(fd)), ::closedir);
        if (!directory) {
            const Fd held(static_cast<int>(fd));
            return {.code = ENOMEM};
        }
        while (const dirent* entry = ::readdir(directory.get()))
            if (std::string_view name = entry->d_name; name != "." && name != "..")
                return {};
        return {.code = ENODATA};
    }

    // 0, or why it cannot be executed by us. `path` is as seen from `root`.
    int executable(const std::string& path, const Fd& root) {
        WalkRules rules = to_look;
        rules.root = root.get();
        const long fd = open(path, O_PATH, rules, root ? root.get() : AT_FDCWD);
        const Fd held(static_cast<int>(fd));
        struct stat about{};
        if (fd < 0)
            return fd == -ENOTDIR ? ENOENT : static_cast<int>(-fd);
        if (::fstat(held.get(), &about) != 0)
            return errno;
        if (!S_ISREG(about.st_mode))
            return EACCES;
        if (::faccessat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(fd)).c_str(), X_OK, AT_EACCESS) == 0)
            return 0;
        return errno != ENOENT ? errno : (about.st_mode & 0111) != 0 ? 0 : EACCES; // there is no /proc
    }

    PathAnswer program(const PathQuestion& question) {
        if (question.path.empty())
            return {.code = ENOENT};
        Fd root;
        if (!question.root.empty()) {
            const long fd = open(question.root, O_PATH | O_DIRECTORY, to_look);
            if (fd < 0)
                return {.code = fd == -ENOTDIR ? ENOENT : static_cast<int>(-fd)};
            root = Fd(static_cast<int>(fd));
        }
        if (question.path.find('/') != std::string::npos) {
            const int code = executable(question.path, root);
            if (code != 0)
                return {.code = code == ENOENT || code == ENAMETOOLONG || code == ELOOP ? ENOENT : EACCES};
            return {.text = question.path};
        }
        int worst = ENOENT;
        for (std::string_view directory : split(question.text, ':')) {
            std::string path(directory.empty() ? std::string_view(".") : directory);
            path.append("/").append(question.path);
            const int code = executable(path, root);
            if (code == 0)
                return {.text = std::move(path)};
            if (untouched_)
                break;
            if (code == EACCES || code == EPERM)
                worst = EACCES;
        }
        return {.code = worst};
    }

    PathAnswer read(const PathQuestion& question) {
        const long path =
            open(question.path, O_PATH, {.last = question.last_link ? LastLink::followed : LastLink::meant});
        const Fd held(static_cast<int>(path));
        struct stat about{};
        if (path < 0)
            return {.code = static_cast<int>(-path)};
        if (::fstat(held.get(), &about) != 0)
            return {.code = errno};
        PathAnswer answer{.owner = about.st_uid, .mode = about.st_mode};
        // What is no regular file is not opened: that may wait, or have an effect.
        if (!S_ISREG(about.st_mode)) {
            answer.code = S_ISLNK(about.st_mode) ? ELOOP : ENOTSUP;
            return answer;
        }
        // Not waiting for who holds a lease has effect on that alone.
        long fd = open_again(held.get(), O_RDONLY | (hanging_ != nullptr ? O_NONBLOCK : 0));
        if (fd == -ENOENT) // there is no /proc
            fd = open(question.path, O_RDONLY | O_NONBLOCK,
                      {.last = question.last_link ? LastLink::followed : LastLink::meant});
        if (fd == -EAGAIN && hanging_ != nullptr)
            untouched_ = {question.path, {}};
        const Fd file(static_cast<int>(fd));
        answer.code = fd < 0 ? static_cast<int>(-fd) : read_all(file.get(), question.most, answer.text);
        return answer;
    }
    static int read_all(int fd, std::size_t most, std::string& text) {
        char piece[4096];
        for (;;) {
            const ssize_t got = ::read(fd, piece, sizeof piece);
            if (got == 0)
                return 0;
            if (got < 0 && errno != EINTR)
                return errno;
            text.append(piece, got < 0 ? 0 : static_cast<std::size_t>(got));
            if (text.size() > most) {
                text.clear();
                return EFBIG;
            }
        }
    }

    // The directory that holds the last component, which is what something is done to: a link there is not followed.
    long directory_of(const std::string& path, Walked& found) {
        if (may_not_begin(path))
            return -EXDEV;
        const long code = judged(path, walk(AT_FDCWD, path.c_str(), found, with_judge({.last = LastLink::meant})));
        return code == 0 && std::string_view(found.name) == "." ? -EISDIR : code;
    }

    PathAnswer write(const PathQuestion& question) {
        Walked found;
        const long code = directory_of(question.path, found);
        const Fd directory(found.directory);
        if (code < 0)
            return {.code = static_cast<int>(-code)};
        // A name that nobody can have prepared: O_EXCL refuses one that exists, links included.
        std::string fresh;
        Fd fd;
        for (unsigned attempt = 0; attempt < 100 && !fd; ++attempt) {
            fresh = std::string(found.name) + ".new" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
            fd = Fd(
                ::openat(directory.get(), fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
            if (!fd && errno != EEXIST)
                return {.code = errno};
        }
        if (!fd)
            return {.code = EEXIST};
        const ssize_t put = ::write(fd.get(), question.text.data(), question.text.size());
        int failed = put < 0 ? errno : put != std::ssize(question.text) ? ENOSPC : 0;
        if (failed == 0 && ::fchmod(fd.get(), 0644) != 0)
            failed = errno;
        if (failed == 0 && ::renameat(directory.get(), fresh.c_str(), directory.get(), found.name) != 0)
            failed = errno;
        if (failed != 0)
            ::unlinkat(directory.get(), fresh.c_str(), 0);
        return {.code = failed};
    }

    PathAnswer remove(const PathQuestion& question) {
        Walked found;
        const long code = directory_of(question.path, found);
        const Fd directory(found.directory);
        if (code < 0)
            return {.code = code == -ENOENT ? 0 : static_cast<int>(-code)};
        return {.code = ::unlinkat(directory.get(), found.name, 0) == 0 || errno == ENOENT ? 0 : errno};
    }

    HangingMounts* hanging_;
    bool step_by_step_ = false; // mounts are told on the way: openat2(2) is there
    std::optional<HangingMount> met_;
    std::optional<Untouched> untouched_;
};

template <typename T>
void put(std::string& to, T value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
bool take(std::string_view& from, T& value) {
    if (from.size() < sizeof value)
        return false;
    std::memcpy(&value, from.data(), sizeof value);
    from.remove_prefix(sizeof value);
    return true;
}

} // namespace

std::string Untouched::text() const {
    return on.type.empty() ? "somebody holds a lease on it" : "it lies on " + on.text();
}

std::expected<PathAnswers, Untouched> answer_here(std::span<const PathQuestion> questions, HangingMounts& hanging) {
    Touch touch(&hanging);
    PathAnswers answers;
    for (const PathQuestion& question : questions) {
        answers.push_back(touch.answer(question));
        if (touch.untouched())
            return std::unexpected(*touch.untouched());
    }
    return answers;
}

PathAnswers answer_anyway(std::span<const PathQuestion> questions) {
    Touch touch(nullptr);
    PathAnswers answers;
    for (const PathQuestion& question : questions)
        answers.push_back(touch.answer(question));
    return answers;
}

Result<Fd> open_directory_here(const std::string& path, HangingMounts& hanging, bool last_link) {
    Touch touch(&hanging);
    const long fd = touch.open(path, O_PATH | O_DIRECTORY,
                               {.any_link = true, .last = last_link ? LastLink::followed : LastLink::meant});
    if (fd < 0)
        return fault(static_cast<int>(-fd), "open", path);
    return Fd(static_cast<int>(fd));
}

std::string encode(const PathAnswers& answers) {
    std::string bytes;
    put(bytes, static_cast<std::uint32_t>(answers.size()));
    for (const PathAnswer& answer : answers) {
        put(bytes, static_cast<std::int32_t>(answer.code));
        put(bytes, answer.owner);
        put(bytes, answer.mode);
        put(bytes, static_cast<std::uint32_t>(answer.text.size()));
        bytes += answer.text;
    }
    return bytes;
}

std::optional<PathAnswers> decode(std::string_view bytes) {
    std::uint32_t count = 0;
    if (!take(bytes, count))
        return std::nullopt;
    PathAnswers answers;
    for (std::uint32_t i = 0; i < count; ++i) {
        PathAnswer& answer = answers.emplace_back();
        std::int32_t code = 0;
        std::uint32_t length = 0;
        if (!take(bytes, code) || !take(bytes, answer.owner) || !take(bytes, answer.mode) || !take(bytes, length) ||
            bytes.size() < length)
            return std::nullopt;
        answer.code = code;
        answer.text = bytes.substr(0, length);
        bytes.remove_prefix(length);
    }
    return bytes.empty() ? std::optional(std::move(answers)) : std::nullopt;
}

} // namespace mi::os
