// Walks paths, and performs the question at the end of each.
#include "os/file/path_question.hpp"

#include "base/glob.hpp"
#include "base/text.hpp"
#include "base/unreachable.hpp"
#include "os/file/walked_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <expected>
#include <memory>

namespace mi::os {
namespace {

// Answers one question after the other, in PID 1 or in a child.
class Touch {
public:
    // Null: touch every file system.
    explicit Touch(HangingMounts* hanging) : judge_(hanging) {}

    PathAnswers answer(std::span<const PathQuestion> questions) {
        PathAnswers answers;
        bool ended = false;
        for (const PathQuestion& question : questions) {
            const bool needless = ended && question.kind == PathQuestion::Kind::program;
            answers.push_back(needless ? PathAnswer{.code = ECANCELED} : answer(question));
            if (untouched())
                break;
            ended = ended || question.ends == (answers.back().code == 0 ? PathQuestion::Ends::with_yes
                                                                        : PathQuestion::Ends::with_no);
        }
        return answers;
    }
    [[nodiscard]] const std::optional<Untouched>& untouched() const { return judge_.untouched(); }

private:
    static constexpr WalkRules to_look{.any_link = true};

    PathAnswer answer(const PathQuestion& question) {
        switch (question.kind) {
        case PathQuestion::Kind::exists: return exists(question);
        case PathQuestion::Kind::device: return device(question);
        case PathQuestion::Kind::matches: return matches(question);
        case PathQuestion::Kind::holds_something: return holds_something(question);
        case PathQuestion::Kind::program: return program(question);
        case PathQuestion::Kind::read: return read(question);
        case PathQuestion::Kind::write: return done(write_walked_file(question.path, question.text, &judge_));
        case PathQuestion::Kind::remove: return done(remove_walked_file(question.path, &judge_));
        }
        unreachable("there is no other kind of question");
    }

    static PathAnswer done(const Result<>& result) { return {.code = result ? 0 : result.error().code}; }
    long open(const std::string& path, int flags, WalkRules rules, int start = AT_FDCWD) {
        return judge_.open(path, flags, rules, start);
    }

    PathAnswer exists(const PathQuestion& question) {
        const long fd = open(question.path, O_PATH, to_look);
        const Fd held(static_cast<int>(fd));
        return {.code = fd < 0 ? static_cast<int>(-fd) : 0};
    }

    PathAnswer device(const PathQuestion& question) {
        const long fd = open(question.path, O_PATH, to_look);
        const Fd held(static_cast<int>(fd));
        struct stat about{};
        if (fd < 0)
            return {.code = static_cast<int>(-fd)};
        if (::fstat(held.get(), &about) != 0)
            return {.code = errno};
        return {.code = S_ISCHR(about.st_mode) || S_ISBLK(about.st_mode) ? 0 : ENODEV};
    }

    // A directory, to be read with readdir(3); the errno that says why it cannot be.
    using Entries = std::unique_ptr<DIR, int (*)(DIR*)>;
    std::expected<Entries, int> entries_of(const std::string& path) {
        const long fd = open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, to_look);
        if (fd < 0)
            return std::unexpected(static_cast<int>(-fd));
        Entries entries(::fdopendir(static_cast<int>(fd)), ::closedir);
        if (entries)
            return entries;
        const Fd held(static_cast<int>(fd));
        return std::unexpected(ENOMEM);
    }

    PathAnswer matches(const PathQuestion& question) {
        std::vector<std::string_view> components;
        for (std::string_view component : split(question.path, '/'))
            if (!component.empty())
                components.push_back(component);
        pattern_ = question.path;
        looked_at_ = 0;
        return {.code = match_below("", components)};
    }

    // 0: something below `directory` matches. A reason for "no" else.
    int match_below(std::string directory, std::span<const std::string_view> components) {
        while (!components.empty() && !has_wildcard(components.front())) {
            directory.append("/").append(components.front());
            components = components.subspan(1);
        }
        if (components.empty())
            return exists({.path = directory}).code;
        const auto entries = entries_of(directory.empty() ? "/" : directory);
        if (!entries)
            return entries.error();
        while (const dirent* entry = ::readdir(entries->get())) {
            if (++looked_at_ > most_here && judge_.may_refuse()) {
                judge_.leave_untouched({.path = pattern_, .why = "more than 1,000 entries are to be read for it"});
                return EXDEV;
            }
            const std::string_view name = entry->d_name, wanted = components.front();
            if ((name.front() == '.' && wanted.front() != '.') || !matches_pattern(name, wanted))
                continue;
            const auto rest = components.subspan(1);
            const int code = rest.empty() ? 0 : match_below(directory + "/" + std::string(name), rest);
            if (code == 0 || untouched())
                return code;
        }
        return ENOENT;
    }

    PathAnswer holds_something(const PathQuestion& question) {
        const auto entries = entries_of(question.path);
        if (!entries)
            return {.code = entries.error()};
        while (const dirent* entry = ::readdir(entries->get()))
            if (std::string_view name = entry->d_name; name != "." && name != "..")
                return {};
        return {.code = ENODATA};
    }

    // 0, or the errno that says why we cannot execute it. `path` is relative to `root`.
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
            if (untouched())
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
        // Do not open anything but a regular file: opening may wait or have an effect.
        if (!S_ISREG(about.st_mode)) {
            answer.code = S_ISLNK(about.st_mode) ? ELOOP : ENOTSUP;
            return answer;
        }
        // O_NONBLOCK on a regular file has only one effect: open(2) does not wait for the holder of a lease.
        long fd = open_again(held.get(), O_RDONLY | (judge_.may_refuse() ? O_NONBLOCK : 0));
        if (fd == -ENOENT) // there is no /proc
            fd = open(question.path, O_RDONLY | O_NONBLOCK,
                      {.last = question.last_link ? LastLink::followed : LastLink::meant});
        if (fd == -EAGAIN && judge_.may_refuse())
            judge_.leave_untouched({.path = question.path, .why = "somebody holds a lease on it"});
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

    // PID 1 reads through no more entries of directories for a pattern, so that no user can have it do so for long.
    static constexpr unsigned most_here = 1000;

    MountJudge judge_;
    std::string pattern_;    // that is being matched
    unsigned looked_at_ = 0; // entries, for it
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

std::expected<PathAnswers, Untouched> answer_here(std::span<const PathQuestion> questions, HangingMounts& hanging) {
    Touch touch(&hanging);
    PathAnswers answers = touch.answer(questions);
    if (touch.untouched())
        return std::unexpected(*touch.untouched());
    return answers;
}

PathAnswers answer_anyway(std::span<const PathQuestion> questions) { return Touch(nullptr).answer(questions); }

Result<Fd> open_directory_here(const std::string& path, HangingMounts& hanging, bool last_link) {
    MountJudge judge(&hanging);
    const long fd = judge.open(path, O_PATH | O_DIRECTORY,
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
