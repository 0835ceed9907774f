// Implements WalkRules::enter_mount with the mount table.
#include "os/mount/mount_judge.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <utility>

namespace mi::os {

std::string Untouched::text() const { return why.empty() ? "it lies on " + on.text() : why; }

long MountJudge::walk(const std::string& path, Walked& found, WalkRules rules) {
    return may_not_begin(path) ? -EXDEV : judged(path, os::walk(AT_FDCWD, path.c_str(), found, with_judge(rules)));
}

long MountJudge::open(const std::string& path, int flags, WalkRules rules, int start) {
    return may_not_begin(path) ? -EXDEV : judged(path, open_walked(start, path.c_str(), flags, 0, with_judge(rules)));
}

// Without openat2(2) the walk cannot stop at mounts: the table decides for the whole path.
bool MountJudge::may_not_begin(const std::string& path) {
    if (untouched_)
        return true;
    if (hanging_ == nullptr || hanging_->told_on_the_way())
        return false;
    if (auto on = hanging_->covering(path))
        untouched_ = {path, std::move(*on)};
    return untouched_.has_value();
}

WalkRules MountJudge::with_judge(WalkRules rules) {
    if (hanging_ != nullptr && hanging_->told_on_the_way()) {
        rules.enter_mount = enter_mount;
        rules.self = this;
    }
    return rules;
}

long MountJudge::judged(const std::string& path, long code) {
    if (code == -EXDEV && hanging_ != nullptr)
        untouched_ = {path, std::exchange(met_, std::nullopt).value_or(HangingMount{{}, "unknown"})};
    return code;
}

long MountJudge::enter_mount(void* self, int above, const char* name) {
    MountJudge& judge = *static_cast<MountJudge*>(self);
    char directory[PATH_MAX];
    const ssize_t length = ::readlink(("/proc/self/fd/" + std::to_string(above)).c_str(), directory, sizeof directory);
    std::string point(directory, length > 1 ? static_cast<std::size_t>(length) : 0); // "/" becomes an empty string
    point.append("/").append(name);
    if ((judge.met_ = judge.hanging_->at(point)))
        return -EXDEV;
    Fd fd(::openat(above, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd)
        return -errno;
    if ((judge.met_ = judge.hanging_->mounted(fd.get())))
        return -EXDEV;
    return fd.release();
}

} // namespace mi::os
