// What whoever runs this virtual machine has laid down for it, as systemd's credentials are: a string of the firmware (SMBIOS type
// 11), a file of QEMU's fw_cfg, or a word of the kernel command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// The value of the one of that name, or an empty text. `words`: of the kernel command line.
[[nodiscard]] std::string machine_credential(std::string_view name, const std::vector<std::string>& words,
                                             const std::string& firmware = "/sys/firmware");
// In one table of SMBIOS of type 11 (/sys/firmware/dmi/entries/11-0/raw).
[[nodiscard]] std::string credential_in_table(std::string_view table, std::string_view name);

} // namespace mi::os
