// Works on files at paths that units name, for PID 1. Each path is walked as spawn/walk.hpp describes, so that the
// owner of a directory on the way cannot redirect it. The operation on the last component is done in the directory that
// was reached, on the name itself, even if it is a link.
//
// Faults of the walk: ELOOP (a link that another user could have made), EPERM (`..` in a place that others can write
// to), EXDEV (it lies on a file system that may hang, according to `judge`; without a judge every file system is
// entered).
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "os/mount/mount_judge.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace mi::os {

// A directory that was reached by a walk, open with O_PATH, and a name in it.
class WalkedFile {
public:
    static Result<WalkedFile> find(const std::string& path, MountJudge* judge = nullptr);

    // The object that has that name now, even a mount point, open with O_PATH. ELOOP: a link.
    [[nodiscard]] Result<Fd> look(MountJudge* judge = nullptr) const;

    [[nodiscard]] int directory() const { return directory_.get(); }
    [[nodiscard]] const char* name() const { return name_.c_str(); }
    // Whether the same path may lead elsewhere next time: through a link, or through a mount of another user.
    [[nodiscard]] bool can_be_bent() const { return can_be_bent_; }

private:
    WalkedFile(Fd directory, std::string name, bool can_be_bent)
        : directory_(std::move(directory)), name_(std::move(name)), can_be_bent_(can_be_bent) {}
    Fd directory_;
    std::string name_;
    bool can_be_bent_;
};

// Replaces `path` by a file with the content `text`, mode 0644: a reader sees either the old or the new file, whole.
Result<> write_walked_file(const std::string& path, std::string_view text, MountJudge* judge = nullptr);
// As unlink(2); a missing file is no fault.
Result<> remove_walked_file(const std::string& path, MountJudge* judge = nullptr);
// Makes the missing directories above `path`, mode 0755.
Result<> make_walked_parents(const std::string& path, MountJudge* judge = nullptr);

// Makes `directory` the working directory for the life of this object: for calls that take a path and no descriptor
// (bind(2), inotify_add_watch(2)). PID 1 has one thread, so no other code sees it.
class WorkingDirectory {
public:
    static Result<WorkingDirectory> enter(int directory);
    WorkingDirectory(WorkingDirectory&& other) noexcept = default;
    WorkingDirectory& operator=(WorkingDirectory&&) = delete;
    ~WorkingDirectory(); // goes back; on failure it aborts: we must not go on in a directory of another user

private:
    explicit WorkingDirectory(Fd before) : before_(std::move(before)) {}
    Fd before_;
};

} // namespace mi::os
