#include "os/machine/credential.hpp"

#include "base/directory.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"

#include <algorithm>
#include <optional>

namespace mi::os {

namespace {

// Decodes base64 (RFC 4648); nothing if the text is not base64.
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

void take_string(std::string_view text, const TakeCredential& take) {
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
        take(name, value);
    else if (const std::optional<std::string> bytes = from_base64(value))
        take(name, *bytes);
}

} // namespace

void credentials_in_smbios(std::string_view table, const TakeCredential& take) {
    constexpr std::size_t head = 4; // type, length, handle
    constexpr char oem_strings = 11, end_of_table = 127;
    while (table.size() >= head) {
        const char type = table[0];
        const std::size_t length = static_cast<unsigned char>(table[1]);
        // The strings follow the structure, each with a zero byte at its end, and one more after all of them (DMTF DSP0134).
        const std::size_t end = table.find(std::string_view("\0\0", 2), std::min(length, table.size()));
        if (length < head || end == table.npos || type == end_of_table)
            return;
        for (std::string_view strings = table.substr(length, end - length); type == oem_strings && !strings.empty();) {
            const std::size_t size = std::min(strings.find('\0'), strings.size());
            take_string(strings.substr(0, size), take);
            strings.remove_prefix(std::min(size + 1, strings.size()));
        }
        table.remove_prefix(end + 2);
    }
}

void credentials_of_firmware(const TakeCredential& take, const std::string& firmware) {
    if (const auto table = read_file(firmware + "/dmi/tables/DMI"))
        credentials_in_smbios(*table, take);
    const std::string files = firmware + "/qemu_fw_cfg/by_name/opt/io.systemd.credentials";
    if (const auto entries = list_directory(files))
        for (const DirectoryEntry& entry : *entries)
            if (const auto value = read_file(files + "/" + entry.name + "/raw"))
                take(entry.name, *value);
}

std::string machine_credential(std::string_view name, const std::vector<std::string>& words,
                               const std::string& firmware) {
    const std::string key = "systemd.set_credential=" + std::string(name) + ":";
    for (const std::string& word : words)
        if (word.starts_with(key))
            return word.substr(key.size());
    std::string first;
    credentials_of_firmware(
        [&](std::string_view each, std::string_view value) {
            if (each == name && first.empty())
                first = trim(value);
        },
        firmware);
    return first;
}

} // namespace mi::os
