#include "config/pseudo_files.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstdint>

namespace mi::config {

namespace {

struct Kind {
    std::uint32_t magic;
    std::string_view name;
};

// From statfs(2); constants that some versions of <linux/magic.h> lack are given as numbers.
constexpr Kind kinds[] = {{PROC_SUPER_MAGIC, "proc"},
                          {SYSFS_MAGIC, "sysfs"},
                          {CGROUP_SUPER_MAGIC, "cgroup"},
                          {CGROUP2_SUPER_MAGIC, "cgroup2"},
                          {DEBUGFS_MAGIC, "debugfs"},
                          {TRACEFS_MAGIC, "tracefs"},
                          {SECURITYFS_MAGIC, "securityfs"},
                          {SELINUX_MAGIC, "selinuxfs"},
                          {SMACK_MAGIC, "smackfs"},
                          {AAFS_MAGIC, "apparmorfs"},
                          {PSTOREFS_MAGIC, "pstore"},
                          {EFIVARFS_MAGIC, "efivarfs"},
                          {XENFS_SUPER_MAGIC, "xenfs"},
                          {BPF_FS_MAGIC, "bpf"},
                          {BINFMTFS_MAGIC, "binfmt_misc"},
                          {BINDERFS_SUPER_MAGIC, "binder"},
                          {DEVPTS_SUPER_MAGIC, "devpts"},
                          {USBDEVICE_SUPER_MAGIC, "usbfs"},
                          {NSFS_MAGIC, "nsfs"},
                          {PIPEFS_MAGIC, "pipefs"},
                          {SOCKFS_MAGIC, "sockfs"},
                          {ANON_INODE_FS_MAGIC, "anon_inode"},
                          {0x7655821, "resctrl"},
                          {0x19800202, "mqueue"},
                          {0x62656570, "configfs"},
                          {0x65735543, "fusectl"},
                          {0x67596969, "rpc_pipefs"},
                          {0x6e667364, "nfsd"},
                          {0xa647361, "functionfs"}};

} // namespace

std::string_view pseudo_file_system(int fd) {
    struct statfs about{};
    if (::fstatfs(fd, &about) != 0)
        return {};
    const auto* found = std::ranges::find(kinds, static_cast<std::uint32_t>(about.f_type), &Kind::magic);
    return found != std::end(kinds) ? found->name : std::string_view{};
}

} // namespace mi::config
