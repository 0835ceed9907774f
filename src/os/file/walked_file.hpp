// Work on files at paths that units name, for PID 1: each path is walked as spawn/walk.hpp says, so that nobody who owns a
// directory on the way can bend it; what is done to the last component is done in the directory that was walked to, and to
// that name itself, be it a link.
//
// A fault of the walk: ELOOP (a link that somebody else could have made), EPERM (`..` where others can write), EXDEV (it lies on
// a file system that may hang, as `judge` says; without a judge none is asked).
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "os/mount/mount_judge.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace mi::os {

// A directory that was walked to, open with O_PATH, and a name in it.
class WalkedFile {
public:
    static Result<WalkedFile> find(const std::string& path, MountJudge* judge = nullptr);

    // What has that name now, be it mounted there, open with O_PATH. ELOOP: a link.
    [[nodiscard]] Result<Fd> look(MountJudge* judge = nullptr) const;

    [[nodiscard]] int directory() const { return directory_.get(); }
    [[nodiscard]] const char* name() const { return name_.c_str(); }
    // Whether the path as it stands may lead elsewhere next time: by a link, or by what others mount.
    [[nodiscard]] bool can_be_bent() const { return can_be_bent_; }

private:
    WalkedFile(Fd directory, std::string name, bool can_be_bent)
        : directory_(std::move(directory)), name_(std::move(name)), can_be_bent_(can_be_bent) {}
    Fd directory_;
    std::string name_;
    bool can_be_bent_;
};

// Replaces `path` by a file holding `text`, mode 0644, so that a reader sees the old or the new one whole.
Result<> write_walked_file(const std::string& path, std::string_view text, MountJudge* judge = nullptr);
// As unlink(2); that there is nothing is fine.
Result<> remove_walked_file(const std::string& path, MountJudge* judge = nullptr);
// Makes the directories above `path` that are missing, mode 0755.
Result<> make_walked_parents(const std::string& path, MountJudge* judge = nullptr);

// Has `directory` for the working directory as long as it lives: for calls that take a path and no descriptor (bind(2),
// inotify_add_watch(2)). PID 1 has one thread, so nobody else sees it.
class WorkingDirectory {
public:
    static Result<WorkingDirectory> enter(int directory);
    WorkingDirectory(WorkingDirectory&& other) noexcept = default;
    WorkingDirectory& operator=(WorkingDirectory&&) = delete;
    ~WorkingDirectory(); // goes back, or is a crash: nothing may go on in somebody else's directory

private:
    explicit WorkingDirectory(Fd before) : before_(std::move(before)) {}
    Fd before_;
};

} // namespace mi::os
