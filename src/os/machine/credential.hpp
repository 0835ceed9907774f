// Data that the host has prepared for this virtual machine, in the form of systemd's credentials
// (systemd.system-credentials(7)): a string of the firmware (SMBIOS type 11), a file of QEMU's fw_cfg, or a word of the
// kernel command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// The value of the credential of that name, or an empty text. `words`: those of the kernel command line.
[[nodiscard]] std::string machine_credential(std::string_view name, const std::vector<std::string>& words,
                                             const std::string& firmware = "/sys/firmware");
// The value in one SMBIOS table of type 11 (/sys/firmware/dmi/entries/11-0/raw), or an empty text.
[[nodiscard]] std::string credential_in_table(std::string_view table, std::string_view name);

} // namespace mi::os
