#include "daemon/machine/system_credentials.hpp"

#include "base/directory.hpp"
#include "os/file/runtime.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace mi::daemon {

namespace {

constexpr std::string_view top = "/run/credentials", place = "/run/credentials/@system";
constexpr std::string_view fw_cfg = "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials";

// The bytes that base64 text stands for; nothing where it is none.
std::optional<std::string> from_base64(std::string_view text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    unsigned bits = 0, held = 0;
    while (!text.empty() && text.back() == '=')
        text.remove_suffix(1);
    for (char letter : text) {
        const std::size_t digit = digits.find(letter);
        if (digit == digits.npos)
            return std::nullopt;
        bits = bits << 6 | static_cast<unsigned>(digit);
        if ((held += 6) >= 8)
            bytes += static_cast<char>(bits >> (held -= 8) & 0xff);
    }
    return bytes;
}

void take_string(std::string_view text, const std::function<void(std::string_view, std::string_view)>& found) {
    constexpr std::string_view plain = "io.systemd.credential:", binary = "io.systemd.credential.binary:";
    const bool is_binary = text.starts_with(binary);
    if (!is_binary && !text.starts_with(plain))
        return;
    text.remove_prefix(is_binary ? binary.size() : plain.size());
    const std::size_t equals = text.find('=');
    if (equals == text.npos)
        return;
    const std::string_view name = text.substr(0, equals), value = text.substr(equals + 1);
    if (!is_binary)
        found(name, value);
    else if (const std::optional<std::string> bytes = from_base64(value))
        found(name, *bytes);
}

// Nobody else can have made the directory, so this is whole or not there. A name that is none is no file's.
void keep(std::string_view name, std::string_view value) {
    if (name.empty() || name.size() > 200 || name.front() == '.' || name.find('/') != name.npos)
        return;
    const std::string path = std::string(place) + "/" + std::string(name);
    if (::access(path.c_str(), F_OK) == 0)
        return;
    // Made only where there is something to keep; its directory is for root alone.
    if (os::make_directory(std::string(top), 0755) && os::make_directory(std::string(place), 0700))
        (void)os::write_file_atomically(path, value, 0400);
}

} // namespace

void credentials_in_smbios(std::string_view table,
                           const std::function<void(std::string_view name, std::string_view value)>& found) {
    constexpr std::size_t head = 4; // type, length, handle
    constexpr char oem_strings = 11, end_of_table = 127;
    while (table.size() >= head) {
        const char type = table[0];
        const std::size_t length = static_cast<unsigned char>(table[1]);
        // Behind the structure come its strings, each with a zero byte at its end, and one more behind them all.
        const std::size_t end = table.find(std::string_view("\0\0", 2), std::min(length, table.size()));
        if (length < head || end == table.npos || type == end_of_table)
            return;
        for (std::string_view strings = table.substr(length, end - length); type == oem_strings && !strings.empty();) {
            const std::size_t size = std::min(strings.find('\0'), strings.size());
            take_string(strings.substr(0, size), found);
            strings.remove_prefix(std::min(size + 1, strings.size()));
        }
        table.remove_prefix(end + 2);
    }
}

void import_system_credentials() {
    if (const auto table = os::read_file("/sys/firmware/dmi/tables/DMI"))
        credentials_in_smbios(*table, keep);
    if (const auto entries = list_directory(std::string(fw_cfg)))
        for (const DirectoryEntry& entry : *entries)
            if (const auto value = os::read_file(std::string(fw_cfg) + "/" + entry.name + "/raw"))
                keep(entry.name, *value);
}

} // namespace mi::daemon
