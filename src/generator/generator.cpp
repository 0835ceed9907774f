#include "generator/generator.hpp"

#include "base/hash.hpp"
#include "convert/live.hpp"
#include "generator/inputs.hpp"
#include "generator/programs.hpp"
#include "os/file/remove.hpp"
#include "os/file/runtime.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <ctime>

namespace mi::generator {

namespace {

constexpr std::int64_t rest_needed = 100'000'000; // ns: more than the tick of any kernel, by which files are dated

// A hash of what lstat(2) and stat(2) tell of paths.
class Fingerprint {
public:
    Fingerprint() { // the same program makes the same of the same files
        struct stat status{};
        if (::stat("/proc/self/exe", &status) == 0)
            add(status);
        newest_ = 0;
    }
    // `ours`: its age does not matter.
    void look(const std::string& path, bool ours = false) {
        const std::int64_t newest = newest_;
        struct stat status{};
        add(path.data(), path.size() + 1);
        const bool there = ::lstat(path.c_str(), &status) == 0;
        add(there ? status : (status = {}));
        if (there && S_ISLNK(status.st_mode))
            add(::stat(path.c_str(), &status) == 0 ? status : (status = {}));
        if (ours)
            newest_ = newest;
    }
    // True if all of it had rested for a moment at `began`.
    [[nodiscard]] bool rests(const timespec& began) const { return nanoseconds(began) - newest_ > rest_needed; }
    [[nodiscard]] std::string text() const {
        char text[20];
        const int length = std::snprintf(text, sizeof text, "%016llx\n", static_cast<unsigned long long>(hash_));
        return {text, static_cast<std::size_t>(length)};
    }

private:
    static std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }
    void add(const void* data, std::size_t size) { hash_ = fnv({static_cast<const char*>(data), size}, hash_); }
    void add(const struct stat& status) {
        const std::int64_t told[] = {nanoseconds(status.st_mtim),
                                     nanoseconds(status.st_ctim),
                                     status.st_size,
                                     static_cast<std::int64_t>(status.st_ino),
                                     static_cast<std::int64_t>(status.st_dev),
                                     static_cast<std::int64_t>(status.st_mode),
                                     status.st_uid,
                                     status.st_gid};
        add(told, sizeof told);
        newest_ = std::max(newest_, told[1]);
    }

    std::uint64_t hash_ = fnv_basis;
    std::int64_t newest_ = 0; // change time
};

// Empty if there can be none. `began`: when the first path was looked at; `ours`: below it no other program writes.
std::string stamp_of(const std::vector<std::string>& paths, const timespec& began, const std::string& ours) {
    Fingerprint print;
    std::string list;
    for (const std::string& path : paths) {
        if (path.find('\n') != path.npos)
            return {};
        print.look(path, path.starts_with(ours));
        list += path + "\n";
    }
    return print.rests(began) ? print.text() + list : std::string();
}

// True if the stamp says that nothing has changed.
bool is_fresh(const std::string& path) {
    const auto stamp = os::read_file(path, std::size_t{8} << 20);
    if (!stamp || stamp->empty())
        return false;
    Fingerprint print;
    std::size_t at = stamp->find('\n') + 1;
    for (std::size_t end = 0; (end = stamp->find('\n', at)) != stamp->npos; at = end + 1)
        print.look(stamp->substr(at, end - at));
    return stamp->starts_with(print.text());
}

bool write_file(const std::string& path, std::string_view text, mode_t mode) {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    while (fd && !text.empty()) {
        const ssize_t count = ::write(fd.get(), text.data(), text.size());
        if (count < 0 && errno != EINTR)
            return false;
        text.remove_prefix(static_cast<std::size_t>(std::max(count, ssize_t{0})));
    }
    return static_cast<bool>(fd);
}

// An instance of a template that is native: that template is the one that counts.
bool is_native_instance(const Settings& settings, const std::string& name) {
    const std::size_t at = name.find('@');
    return at != name.npos && at + 1 < name.size() &&
           std::ranges::any_of(settings.source.directories, [&](const std::string& directory) {
               const std::string path = directory + "/" + name.substr(0, at + 1) + ".toml";
               return directory != units_directory(settings.run_directory) && ::access(path.c_str(), F_OK) == 0;
           });
}

bool write_units(const Settings& settings, const convert::LiveUnits& made, const Inputs& inputs,
                 const std::string& directory) {
    for (const convert::Unit& unit : made.units)
        if (!is_native_instance(settings, unit.name) &&
            !write_file(directory + "/" + unit.name + ".toml", unit.toml, inputs.mode_for(unit.files)))
            return false;
    for (const std::string& name : made.masked)
        if (!name.empty() && ::symlink("/dev/null", (directory + "/" + name + ".toml").c_str()) != 0 && errno != EEXIST)
            return false;
    return true;
}

std::string lines(const std::vector<std::string>& sentences) {
    std::string all;
    for (const std::string& sentence : sentences)
        all += sentence + "\n";
    return all;
}

// PID 1 may read a unit at any moment: it finds the old directory or the new one.
bool put_in_place(const std::string& fresh, const std::string& directory) {
    if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, directory.c_str(), RENAME_EXCHANGE) == 0) {
        (void)os::remove_tree(fresh);
        return true;
    }
    (void)os::remove_tree(directory); // there is none, or the file system cannot exchange two directories
    return ::rename(fresh.c_str(), directory.c_str()) == 0;
}

// Programs expect them to be there.
void open_standard_descriptors() {
    for (int fd = 0; fd >= 0 && fd < 3;) {
        fd = ::open("/dev/null", O_RDWR);
        if (fd > 2)
            ::close(fd);
    }
}

} // namespace

bool is_built_in() { return true; }

bool has_unit_directories() {
    return ::access("/etc/systemd/system", F_OK) == 0 || ::access("/usr/lib/systemd/system", F_OK) == 0 ||
           ::access("/lib/systemd/system", F_OK) == 0;
}

Result run(const Settings& settings) {
    open_standard_descriptors();
    ::umask(0022);
    timespec began{};
    ::clock_gettime(CLOCK_REALTIME, &began);
    const std::string directory = units_directory(settings.run_directory), fresh = directory + ".new",
                      generated = settings.run_directory + "/generator";
    const std::vector<std::string> faults = run_programs(settings.source, generated);
    if (faults.empty() && is_fresh(directory + "/.stamp"))
        return Result::unchanged;
    (void)os::remove_tree(fresh);
    if (!os::make_directory(fresh))
        return Result::failed;
    Inputs inputs(settings.source);
    convert::LiveUnits made = convert::convert_live(convert::live_search_path({}, generated), inputs);
    const std::string problems = lines(faults) + lines(inputs.take_refused()) + lines(made.problems);
    if (!write_units(settings, made, inputs, fresh) || !write_file(fresh + problems_file, problems, 0644) ||
        !write_file(fresh + "/.stamp", faults.empty() ? stamp_of(inputs.paths(), began, generated) : "", 0644))
        return Result::failed;
    return put_in_place(fresh, directory) ? Result::converted : Result::failed;
}

} // namespace mi::generator
