// Secrets: files of the service's own in a private directory, and variables, made of what files hold. All of it is done in the
// executor: what it reads is in its memory alone, which its exec takes away.
//
// The directory is complete once it has its owner and mode 0500, and both are given last. Until then each process of the run
// that comes makes it complete: every file gets its name when it is whole, so two of them do not disturb each other, and one
// that was killed on the way leaves nothing that would be taken for a secret.
#include "os/spawn/steps.hpp"
#include "os/spawn/walk.hpp"

#include <fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>

namespace mi::os {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr unsigned finished = 0500; // mode of a directory that is complete
constexpr int empty_path = 0x1000;  // AT_EMPTY_PATH

BARE long look_at(int fd, struct statx& about) {
    return call(SYS_statx, fd, "", empty_path, STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID, &about);
}

// Memory of our own, or -errno.
BARE long take_memory(unsigned size) {
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef SYS_mmap2
    return call(SYS_mmap2, 0L, size, PROT_READ | PROT_WRITE, flags, -1L, 0L);
#else
    return call(SYS_mmap, 0L, size, PROT_READ | PROT_WRITE, flags, -1L, 0L);
#endif
}

BARE bool is_error(long memory) { return memory < 0 && memory > -4096; }

BARE long only_regular(long fd) {
    if (fd < 0)
        return fd;
    struct statx about{};
    long code = look_at(static_cast<int>(fd), about);
    const unsigned type = about.stx_mode & S_IFMT;
    if (code == 0 && type != S_IFREG)
        code = type == S_IFDIR ? -EISDIR : -ENOTSUP;
    if (code == 0)
        return fd;
    call_close(static_cast<int>(fd));
    return code;
}

// Looked at before it is opened, as opening a device can do something.
BARE long open_secret(const char* path) {
    const WalkRules rules{.sticky_links = true};
    const long seen = only_regular(open_walked(AT_FDCWD, path, O_PATH, 0, rules));
    if (seen < 0)
        return seen;
    call_close(static_cast<int>(seen));
    return only_regular(open_walked(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, rules));
}

// Reads a secret of up to `most` bytes into `to`, which has room for one more; gives how many, or -errno.
BARE long read_secret(const char* path, char* to, unsigned most) {
    const long fd = open_secret(path);
    if (fd < 0)
        return fd;
    call(SYS_fcntl, fd, F_SETFL, 0);
    unsigned count = 0;
    long got = 0;
    do {
        got = call(SYS_read, fd, to + count, most + 1 - count);
        count += got > 0 ? static_cast<unsigned>(got) : 0;
    } while ((got > 0 && count <= most) || got == -EINTR);
    call_close(static_cast<int>(fd));
    if (got < 0)
        return got;
    return count <= most ? static_cast<long>(count) : -EFBIG;
}

BARE long write_all(long fd, const char* bytes, long count) {
    while (count > 0) {
        const long written = call(SYS_write, fd, bytes, count);
        if (written < 0 && written != -EINTR)
            return written;
        bytes += written > 0 ? written : 0;
        count -= written > 0 ? written : 0;
    }
    return 0;
}

// Like no name of a credential, and no other process's: `.PID`.
struct PassingName {
    char text[16] = {'.'};
    BARE PassingName() { write_own_pid(text + 1); }
};

BARE long give_file(const Orders& orders, int directory, const char* name, const char* bytes, long count) {
    const PassingName passing;
    call(SYS_unlinkat, directory, passing.text, 0); // of a process with our pid that was killed
    const long fd = call_open(directory, passing.text, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
    if (fd < 0)
        return fd;
    long code = write_all(fd, bytes, count);
    struct statx about{};
    if (code == 0)
        code = look_at(static_cast<int>(fd), about);
    if (code == 0 && (about.stx_uid != orders.credentials_owner || about.stx_gid != orders.credentials_group))
        code = call(SYS_fchownat, fd, "", orders.credentials_owner, orders.credentials_group, empty_path);
    call_close(static_cast<int>(fd));
    if (code == 0)
        code = call(SYS_renameat2, directory, passing.text, directory, name, 0);
    if (code != 0)
        call(SYS_unlinkat, directory, passing.text, 0);
    return code;
}

// Whether the directory has all it is to have.
BARE bool is_complete(const Orders& orders, const struct statx& about) {
    return (about.stx_mode & 07777) == finished && about.stx_uid == orders.credentials_owner;
}

BARE bool fill(const Child& child, int directory, Progress& progress) {
    const Orders& orders = *child.orders;
    const long memory = take_memory(most_of_secret + 1);
    if (is_error(memory))
        return progress.did(memory);
    char* bytes = reinterpret_cast<char*>(memory);
    const SecretOrder* secrets = child.all(orders.credentials);
    for (std::uint32_t i = 0; i < orders.credentials.count; ++i) {
        progress.at(Step::credential, i);
        const long count = read_secret(child.text(secrets[i].path), bytes, most_of_secret);
        if (!progress.did(count) ||
            !progress.did(give_file(orders, directory, child.text(secrets[i].name), bytes, count)))
            return false;
    }
    struct statx about{};
    if (!progress.did(look_at(directory, about)) || !progress.did(call(SYS_fchmod, directory, finished)))
        return false;
    return (about.stx_uid == orders.credentials_owner && about.stx_gid == orders.credentials_group) ||
           progress.did(
               call(SYS_fchownat, directory, "", orders.credentials_owner, orders.credentials_group, empty_path));
}

BARE bool give_credentials(const Child& child, Progress& progress) {
    const Orders& orders = *child.orders;
    progress.at(Step::credential, orders.credentials.count);
    const long above = call_open(AT_FDCWD, child.text(orders.credentials_above), directory_flags);
    if (!progress.did(above))
        return false;
    const char* name = child.text(orders.credentials_name);
    const long made = call(SYS_mkdirat, above, name, 0700);
    if (made != -EEXIST && !progress.did(made))
        return false;
    // O_PATH first: one that is complete is its user's, and is perhaps not for us to read.
    const long seen = call_open(static_cast<int>(above), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct statx about{};
    if (!progress.did(seen) || !progress.did(look_at(static_cast<int>(seen), about)))
        return false;
    call_close(static_cast<int>(seen));
    bool given = is_complete(orders, about);
    if (!given) {
        const long directory = call_open(static_cast<int>(above), name, directory_flags);
        given = progress.did(directory) && fill(child, static_cast<int>(directory), progress);
        // Without the right to get at what is others', we fail where another process was faster.
        if (!given && directory >= 0 && look_at(static_cast<int>(directory), about) == 0 &&
            is_complete(orders, about)) {
            child.report->code = 0;
            given = true;
        }
        call_close(static_cast<int>(directory));
    }
    call_close(static_cast<int>(above));
    return given;
}

// `KEY=` and what the file holds, without one newline at its end, in the place of that variable.
BARE long give_variable(const Child& child, const SecretOrder& secret) {
    const char* name = child.text(secret.name);
    const unsigned length = length_of(name);
    const long memory = take_memory(most_of_variable + 1);
    if (is_error(memory))
        return memory;
    char* word = reinterpret_cast<char*>(memory);
    for (unsigned i = 0; i < length; ++i)
        word[i] = name[i];
    word[length] = '=';
    char* value = word + length + 1;
    long count = read_secret(child.text(secret.path), value, most_of_variable - length - 2);
    if (count < 0)
        return count == -EFBIG ? -E2BIG : count;
    if (count > 0 && value[count - 1] == '\n')
        --count;
    value[count] = '\0';
    if (static_cast<long>(length_of(value)) != count)
        return -EINVAL;
    child.environment[secret.variable] = word;
    return 0;
}

} // namespace

BARE bool give_secrets(const Child& child, Progress& progress) {
    const Orders& orders = *child.orders;
    if (orders.credentials.count != 0) {
        call(SYS_umask, 0);
        const bool given = give_credentials(child, progress);
        call(SYS_umask, orders.umask);
        if (!given)
            return false;
    }
    const SecretOrder* variables = child.all(orders.environment_from);
    for (std::uint32_t i = 0; i < orders.environment_from.count; ++i) {
        progress.at(Step::environment_from, i);
        if (!progress.did(give_variable(child, variables[i])))
            return false;
    }
    return true;
}

} // namespace mi::os
