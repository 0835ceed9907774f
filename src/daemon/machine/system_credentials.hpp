// What the host of a virtual machine hands to it, as systemd has it (systemd.system-credentials(7)): strings of SMBIOS type 11,
// and files of QEMU's fw_cfg. They become files below /run/credentials/@system, where `credentials` finds them by name.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace mi::daemon {

// The credentials in a table of SMBIOS structures (/sys/firmware/dmi/tables/DMI): `io.systemd.credential:NAME=VALUE`, and
// `io.systemd.credential.binary:NAME=BASE64`. What is none, or is cut short, is passed over.
void credentials_in_smbios(std::string_view table,
                           const std::function<void(std::string_view name, std::string_view value)>& found);

// At boot, once /sys and /run are mounted: takes what there is. The first one of a name stays, also from an initramfs.
void import_system_credentials();

} // namespace mi::daemon
