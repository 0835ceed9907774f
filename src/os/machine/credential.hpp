// Data that the host has prepared for this virtual machine, in the form of systemd's credentials
// (systemd.system-credentials(7)): strings of the firmware (SMBIOS type 11), files of QEMU's fw_cfg, and words of the kernel
// command line.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

using TakeCredential = std::function<void(std::string_view name, std::string_view value)>;

// Takes the credentials in a table of SMBIOS structures (/sys/firmware/dmi/tables/DMI): `io.systemd.credential:NAME=VALUE` and
// `io.systemd.credential.binary:NAME=BASE64`. Skips other strings, and a part that is cut short.
void credentials_in_smbios(std::string_view table, const TakeCredential& take);

// Takes all credentials of the firmware: SMBIOS first, then fw_cfg.
void credentials_of_firmware(const TakeCredential& take, const std::string& firmware = "/sys/firmware");

// The value of the credential of that name, without blanks around it, or an empty text. `words`: those of the kernel command
// line, which come before the firmware.
[[nodiscard]] std::string machine_credential(std::string_view name, const std::vector<std::string>& words,
                                             const std::string& firmware = "/sys/firmware");

} // namespace mi::os
